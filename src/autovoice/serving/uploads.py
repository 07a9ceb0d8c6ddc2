"""Files that clients send: counted while they arrive, named by us, taken for what they hold, not for what they are called."""

import hashlib
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import UploadFile
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from autovoice.audio.io import AudioInfo, probe
from autovoice.errors import AudioError
from autovoice.serving.faults import ApiError, told
from autovoice.serving.jobs import new_id

if TYPE_CHECKING:
    from autovoice.serving.server import Server

MAX_NAME = 100
BESIDE_FILES = 1 << 20  # bytes of a body that are not files


@dataclass(frozen=True)
class Incoming:
    """An upload on disk. path: named by us; name: what the client calls it, cleaned; sha256: of its bytes."""

    path: Path
    name: str
    sha256: str
    info: AudioInfo


async def receive(server: "Server", upload: UploadFile) -> Incoming:
    """Takes a recording; raises ApiError 413 and 422 where it is too long, has too many channels, or is no audio."""
    return await run_in_threadpool(_receive, server, upload)


def _receive(server: "Server", upload: UploadFile) -> Incoming:
    path, name = server.storage.local / "incoming" / new_id(), clean_name(upload.filename or "")
    digest = hashlib.sha256()
    try:
        with path.open("wb") as stream:
            while block := upload.file.read(1 << 20):
                digest.update(block)
                stream.write(block)
        return Incoming(path, name, digest.hexdigest(), _checked(server, path, name))
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _checked(server: "Server", path: Path, name: str) -> AudioInfo:
    """Reads it to its end, block by block: what is small on disk and endless when decoded is stopped at the limit."""
    limit_s, channels = server.settings.upload_s, server.settings.upload_channels
    try:
        info = probe(path, limit_s, channels)
    except AudioError as error:
        raise ApiError(*told(error, name)) from error
    if info.duration_s > limit_s:
        raise ApiError(413, "too_long", f"{name}: longer than the {limit_s:.0f} s that are allowed; cut it.")
    return info


def clean_name(name: str) -> str:
    """The last part of a file's name, printable, for showing; it never becomes a path."""
    last = unicodedata.normalize("NFC", name).replace("\\", "/").rpartition("/")[2]
    return "".join(char for char in last if char.isprintable()).strip()[:MAX_NAME] or "recording"


class BodyLimit:
    """Ends a request whose body grows over the limit, at the byte where it does."""

    def __init__(self, app: ASGIApp, most: int) -> None:
        self.app, self.most = app, most + BESIDE_FILES

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Counts what is received; raises ApiError 413 into whoever reads the body."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        n = 0

        async def counted() -> Message:
            nonlocal n
            message = await receive()
            n += len(message.get("body", b""))
            if n > self.most:
                what = f"The request is larger than the {self.most - BESIDE_FILES} bytes that are allowed."
                raise ApiError(413, "too_large", what)
            return message

        await self.app(scope, counted, send)
