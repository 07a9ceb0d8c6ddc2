"""The WebSocket /v1/stream: a handshake in JSON, then numbered blocks of PCM both ways (docs/api.md has the protocol)."""

import asyncio
import json
import logging
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.concurrency import run_in_threadpool

from autovoice.serving.faults import ApiError, told
from autovoice.serving.routes.asking import pitch_of
from autovoice.serving.server import Server
from autovoice.serving.streaming import FORMATS, HEADER, REMEMBERED, Backlog, LiveStream, delay_ms
from autovoice.serving.streams import going
from autovoice.voice import VoiceProfile

LOGGER = logging.getLogger(__name__)
router = APIRouter()
GREETING_S, STATS_S, MAX_BLOCK_S, CHUNK_MS = 10.0, 1.0, 1.0, 20
GREETING_CHARS, REASON_BYTES = 2000, 123  # the protocol's own limit of a close frame's reason
MIN_RATE, MAX_RATE = 8000, 96000
MAX_MESSAGE_BYTES = HEADER.size + int(MAX_BLOCK_S * MAX_RATE) * max(
    np.dtype(kind).itemsize for kind, _ in FORMATS.values()
)
REFUSED, BAD_MESSAGE, FAULT, LATER, GOING = 1008, 1007, 1011, 1013, 1001


class Hello(BaseModel):
    """The first message. rate: of both directions, in Hz."""

    model_config = ConfigDict(extra="forbid")
    rate: int = Field(ge=MIN_RATE, le=MAX_RATE)
    voice: Annotated[str, Field(min_length=1, max_length=64)]
    preset: Literal["fast"] = "fast"
    pitch: str | float = "auto"
    key: Annotated[str, Field(max_length=200)] | None = None
    format: Literal["s16le", "f32le"] = "s16le"


@dataclass(frozen=True)
class Greeted:
    """A client whose greeting is in order; shift_st: None follows the speaker."""

    hello: Hello
    owner: str
    voice: VoiceProfile
    shift_st: float | None


@router.websocket("/v1/stream")
async def stream(ws: WebSocket) -> None:
    """One speaker into one voice, for as long as both stay. A place is taken once the greeting is in order, not before."""
    server: Server = ws.app.state.server
    with server.streams.connection():
        greeted = None
        try:
            await ws.accept()
            greeted = await _greeted(server, ws)
            with server.streams.place():
                await _converse(server, ws, greeted)
        except ApiError as error:
            await _refuse(ws, error, greeted is not None)
        except (WebSocketDisconnect, RuntimeError):  # RuntimeError: Starlette's, for a message to who has left
            pass
        except Exception as error:
            LOGGER.error("stream failed", exc_info=error)
            await _refuse(ws, ApiError(*told(error)), greeted is not None)


async def _greeted(server: Server, ws: WebSocket) -> Greeted:
    """Who the first message says that it is; raises ApiError."""
    try:
        hello = Hello.model_validate_json(await _first_text(server, ws))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise ApiError(422, "bad_handshake", f"{where or 'handshake'}: {first['msg']}.") from None
    if not server.engine.ready:
        raise ApiError(503, "loading", "The models are being loaded; try again in a few seconds.")
    caller = await run_in_threadpool(server.caller, hello.key or ws.headers.get("x-api-key"))
    caller.require("convert")
    pitch = pitch_of(hello.pitch)
    voice = await run_in_threadpool(server.voices.profile, hello.voice, caller.owner)
    return Greeted(hello, caller.owner, voice, None if pitch == "auto" else float(pitch))


async def _first_text(server: Server, ws: WebSocket) -> str:
    hearing = asyncio.create_task(ws.receive())
    ending = asyncio.create_task(server.streams.ending.wait())
    try:
        await asyncio.wait({hearing, ending}, timeout=GREETING_S, return_when=asyncio.FIRST_COMPLETED)
        if not hearing.done():
            late = ApiError(408, "no_handshake", f"The handshake did not come within {GREETING_S:g} s.")
            raise going() if ending.done() else late
        message = hearing.result()
    finally:
        hearing.cancel()
        ending.cancel()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", 1000))
    if (text := message.get("text")) is None:
        raise ApiError(422, "bad_handshake", "handshake: send text first.")
    if len(text) > GREETING_CHARS:
        raise ApiError(413, "bad_handshake", f"handshake: longer than {GREETING_CHARS} characters.")
    return text


async def _converse(server: Server, ws: WebSocket, greeted: Greeted) -> None:
    """Says that all is ready, and converts until one of them ends."""
    rate = greeted.hello.rate
    live = await run_in_threadpool(server.engine.live, greeted.voice, greeted.shift_st)
    made = LiveStream(live, rate, rate, greeted.hello.format)
    ready = {"type": "ready", "rate": rate, "delay_ms": round(delay_ms(live.audio, rate), 1), "chunk_ms": CHUNK_MS}
    ready["lag_ms"] = round(1000 * made.lag_s, 2)
    await ws.send_text(json.dumps(ready))
    session = Session(server, ws, made, greeted)
    try:
        await session.run()
    finally:
        session.close()


class Session:
    """Reads into a backlog, converts from it in a thread of its own, and sends; a slow receiver slows the conversion."""

    def __init__(self, server: Server, ws: WebSocket, stream: LiveStream, greeted: Greeted) -> None:
        self.server, self.ws, self.stream, self.owner, hello = server, ws, stream, greeted.owner, greeted.hello
        self.sample_bytes = np.dtype(FORMATS[hello.format][0]).itemsize
        self.most_bytes = int(MAX_BLOCK_S * hello.rate) * self.sample_bytes
        self.backlog = Backlog(server.settings.stream_queue_s, hello.rate, self.sample_bytes)
        self.arrived, self.ended, self.client_ended = asyncio.Event(), False, False
        self.blocks_ms: deque[float] = deque(maxlen=REMEMBERED)
        self.sent, self.unpaid_s = 0, 0.0
        self._thread = ThreadPoolExecutor(1, "stream")

    async def run(self) -> None:
        """Until the client ends or leaves, or the server does."""
        tasks = [asyncio.create_task(work()) for work in (self._read, self._convert, self._report, self._watch)]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def close(self) -> None:
        """Frees the thread, notes what is left of the quota, and logs."""
        self._thread.shutdown(wait=False, cancel_futures=True)
        with suppress(ApiError):
            self.server.quota.take(self.owner, self.unpaid_s)
        LOGGER.info("stream", extra={"owner": self.owner, "sent": self.sent, "late": self.backlog.late})

    async def _watch(self) -> None:
        await self.server.streams.ending.wait()
        self.ended = True
        self.arrived.set()

    async def _read(self) -> None:
        while not self.ended:
            try:
                message = await asyncio.wait_for(self.ws.receive(), self.server.settings.stream_idle_s)
            except TimeoutError:
                raise ApiError(408, "idle", "Nothing came for too long.") from None
            if message["type"] == "websocket.disconnect":
                raise WebSocketDisconnect(message.get("code", 1000))
            if (text := message.get("text")) is not None:
                self.ended = self.client_ended = _is_end(text)
            else:
                self._take(message.get("bytes") or b"")
            self.arrived.set()

    def _take(self, raw: bytes) -> None:
        pcm = raw[HEADER.size :]
        if len(raw) < HEADER.size or len(pcm) % self.sample_bytes:
            raise ApiError(422, "bad_block", "A block is a sequence number of 4 bytes and whole samples.")
        if len(pcm) > self.most_bytes:
            raise ApiError(413, "bad_block", f"A block holds at most {MAX_BLOCK_S:.0f} s.")
        late = self.backlog.late
        try:
            self.backlog.put(HEADER.unpack_from(raw)[0], pcm)
        except ValueError as error:
            raise ApiError(422, "bad_block", f"A block {error}.") from error
        self.server.telemetry.stream_late.inc(self.backlog.late - late)

    async def _convert(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self.arrived.wait()
            self.arrived.clear()
            while len(self.backlog):
                started = loop.time()
                block = self.backlog.take()
                try:
                    pcm = await loop.run_in_executor(self._thread, self.stream.push, block.pcm)
                except ValueError as error:
                    raise ApiError(422, "bad_block", f"A block {error}.") from error
                self._account(1000 * (loop.time() - started), len(block.pcm) / self.backlog.per_s)
                await self._send(pcm)
            if self.ended:
                await self._send(await loop.run_in_executor(self._thread, self.stream.finish))
                if not self.client_ended:
                    raise going()
                await self.ws.send_text(json.dumps({"type": "bye", "late": self.backlog.late}))
                await self.ws.close(1000)
                raise WebSocketDisconnect(1000)

    def _account(self, took_ms: float, seconds: float) -> None:
        self.blocks_ms.append(took_ms)
        self.server.telemetry.stream_ms.observe(took_ms)
        self.server.telemetry.audio_s.labels("stream").inc(seconds)
        self.unpaid_s += seconds

    async def _send(self, pcm: bytes) -> None:
        if pcm:
            await self.ws.send_bytes(HEADER.pack(self.sent) + pcm)
            self.sent += 1

    async def _report(self) -> None:
        while True:
            await asyncio.sleep(STATS_S)
            paid, self.unpaid_s = self.unpaid_s, 0.0
            await run_in_threadpool(self.server.quota.take, self.owner, paid)
            p95 = float(np.percentile(self.blocks_ms, 95)) if self.blocks_ms else 0.0
            stats = {"sent": self.sent, "late": self.backlog.late, "queue_ms": round(self.backlog.queue_ms, 1)}
            await self.ws.send_text(json.dumps({"type": "stats", **stats, "compute_ms_p95": round(p95, 2)}))


def _is_end(text: str) -> bool:
    try:
        if json.loads(text[:1000]) == {"type": "end"}:
            return True
    except ValueError:
        pass
    raise ApiError(422, "bad_message", 'After the handshake the only text is {"type": "end"}.')


async def _refuse(ws: WebSocket, error: ApiError, greeted: bool) -> None:
    with suppress(RuntimeError, WebSocketDisconnect):
        await ws.send_text(json.dumps({"type": "error", "code": error.code, "message": error.message}))
        reason = error.message.encode()[:REASON_BYTES].decode(errors="ignore")
        await ws.close(_close_code(error, greeted), reason)


def _close_code(error: ApiError, greeted: bool) -> int:
    """RFC 6455's, and 1013: whoever comes again later may be let in."""
    if error.code == "going":
        return GOING
    if error.status_code in (429, 503):
        return LATER
    if error.status_code >= 500:
        return FAULT
    return BAD_MESSAGE if greeted else REFUSED
