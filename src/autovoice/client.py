"""A client of the server: standard library alone, but for streams, which need the extra `client` (websockets)."""

import json
import struct
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

from autovoice.errors import AutovoiceError

HEADER = struct.Struct("<I")
DONE = ("done", "failed", "cancelled")


class ServerError(AutovoiceError):
    """What the server answered instead. code: for programs; retry_s: when to ask again, 0 where it would not help."""

    def __init__(self, status: int, code: str, message: str, retry_s: float = 0.0) -> None:
        super().__init__(message.rstrip("."))
        self.status, self.code, self.retry_s = status, code, retry_s


@dataclass(frozen=True)
class Client:
    """A server at `url`; key: not needed on this computer."""

    url: str = "http://127.0.0.1:8000"
    key: str = ""
    timeout_s: float = 600.0

    def clone(self, name: str, files: Iterable[Path], consent: str) -> dict[str, Any]:
        """Recordings of one person -> the new voice (its "id" is what the others take); consent: how that person agreed."""
        parts = [("name", name), ("consent", consent), *(("files", Path(path)) for path in files)]
        return json.loads(self._post("/v1/voices", parts))

    def voices(self) -> list[dict[str, Any]]:
        """What can be spoken in."""
        return json.loads(self._ask("GET", "/v1/voices"))["voices"]

    def delete_voice(self, voice: str) -> None:
        """Forgets a voice and its files."""
        self._ask("DELETE", f"/v1/voices/{voice}")

    def convert(self, file: Path, voice: str, preset: str = "", pitch: float | str = "auto", seed: int = 0) -> bytes:
        """A recording -> WAV in that voice, however long it takes. Raises ServerError."""
        fields = [
            ("voice", voice),
            ("pitch", str(pitch)),
            ("seed", str(seed)),
            *([("preset", preset)] if preset else []),
        ]
        return self._result(self._post("/v1/convert", [("file", Path(file)), *fields]))

    def speak(self, text: str, voice: str, preset: str = "", speed: float = 1.0) -> bytes:
        """A text -> WAV in that voice. Raises ServerError."""
        asked = {"text": text, "voice": voice, "speed": speed} | ({"preset": preset} if preset else {})
        body = json.dumps(asked).encode()
        return self._result(self._ask("POST", "/v1/speech", body, "application/json"))

    def stream(self, blocks: Iterable[bytes], voice: str, rate: int, pitch: float | str = "auto") -> Iterator[bytes]:
        """Blocks of 16-bit mono PCM at `rate`, as they are recorded -> blocks in that voice, as they are made.

        Raises ServerError for what the server refuses, and where it ends before the blocks do (code "going": connect again).
        """
        from websockets.exceptions import ConnectionClosed
        from websockets.sync.client import connect

        scheme = "wss" if urlsplit(self.url).scheme == "https" else "ws"
        hello = {"rate": rate, "voice": voice, "pitch": pitch, **({"key": self.key} if self.key else {})}
        address = f"{scheme}://{urlsplit(self.url).netloc}/v1/stream"
        with connect(address, open_timeout=30, compression=None) as ws:
            try:
                ws.send(json.dumps(hello))
                _checked(json.loads(ws.recv()))
                yield from _conversation(ws, blocks)
            except ConnectionClosed as closed:
                raise ServerError(0, "closed", ws.close_reason or "The connection was lost.") from closed

    def _result(self, answer: bytes) -> bytes:
        """The audio; where the answer is a job, that of the job once it is done."""
        if answer[:4] == b"RIFF":
            return answer
        job = json.loads(answer)
        with self._open("GET", f"/v1/jobs/{job['id']}/events") as events:
            for line in events:
                if line.startswith(b"event: ") and line[7:].strip().decode() in DONE:
                    break
        return self._ask("GET", f"/v1/jobs/{job['id']}/result")

    def _post(self, path: str, parts: list[tuple[str, Any]]) -> bytes:
        boundary, body = uuid.uuid4().hex, b""
        for name, value in parts:
            body += f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"'.encode()
            if isinstance(value, Path):
                plain = value.name.replace('"', "'").replace("\r", " ").replace("\n", " ")
                body += f'; filename="{plain}"\r\n\r\n'.encode() + value.read_bytes() + b"\r\n"
            else:
                body += f"\r\n\r\n{value}\r\n".encode()
        return self._ask(
            "POST", path, body + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"
        )

    def _ask(self, method: str, path: str, body: bytes | None = None, kind: str = "") -> bytes:
        with self._open(method, path, body, kind) as answer:
            return answer.read()

    def _open(self, method: str, path: str, body: bytes | None = None, kind: str = "") -> Any:
        headers = {"Content-Type": kind} if kind else {}
        headers |= {"Authorization": f"Bearer {self.key}"} if self.key else {}
        request = urllib.request.Request(self.url.rstrip("/") + path, body, headers, method=method)
        try:
            return urllib.request.urlopen(request, timeout=self.timeout_s)
        except urllib.error.HTTPError as error:
            raise _error(error) from error
        except urllib.error.URLError as error:
            raise AutovoiceError(
                f"cannot be reached ({error.reason})", self.url, "start it: autovoice serve"
            ) from error


def _error(error: urllib.error.HTTPError) -> ServerError:
    try:
        told = json.loads(error.read())["error"]
    except (ValueError, KeyError):
        told = {"code": "unknown", "message": f"The server answered {error.code}."}
    return ServerError(error.code, told["code"], told["message"], float(error.headers.get("Retry-After") or 0))


def _conversation(ws: Any, blocks: Iterable[bytes]) -> Iterator[bytes]:
    failed: list[BaseException] = []
    Thread(target=_send_all, args=(ws, blocks, failed), daemon=True).start()
    for message in ws:
        if isinstance(message, bytes):
            yield message[HEADER.size :]
        elif _checked(json.loads(message))["type"] == "bye":
            return
    raise failed[0] if failed else ServerError(0, "closed", "The server closed the connection before its end.")


def _send_all(ws: Any, blocks: Iterable[bytes], failed: list[BaseException]) -> None:
    """Numbers and sends them; where the blocks cannot be had, notes why in `failed` and hangs up."""
    from websockets.exceptions import ConnectionClosed

    try:
        for number, block in enumerate(blocks):
            ws.send(HEADER.pack(number) + block)
        ws.send(json.dumps({"type": "end"}))
    except ConnectionClosed:
        pass  # who reads learns why
    except BaseException as error:
        failed.append(error)
        ws.close()


def _checked(message: dict[str, Any]) -> dict[str, Any]:
    if message.get("type") == "error":
        raise ServerError(0, message["code"], message["message"])
    return message
