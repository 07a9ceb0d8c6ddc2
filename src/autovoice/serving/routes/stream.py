"""The WebSocket /v1/stream: a handshake in JSON, then numbered blocks of PCM both ways (docs/api.md has the protocol)."""

import asyncio
import json
import logging
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Annotated, Literal

import numpy as np
from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.concurrency import run_in_threadpool

from autovoice.serving.faults import ApiError, told
from autovoice.serving.routes.asking import pitch_of
from autovoice.serving.server import Server
from autovoice.serving.streaming import FORMATS, HEADER, REMEMBERED, Backlog, LiveStream, delay_ms

LOGGER = logging.getLogger(__name__)
router = APIRouter()
HANDSHAKE_S, STATS_S, MAX_BLOCK_S, CHUNK_MS = 10.0, 1.0, 1.0, 20
REFUSED, BAD_MESSAGE, TOO_MANY, GOING = 1008, 1007, 1013, 1001


class Hello(BaseModel):
    """The first message. rate: of both directions, in Hz."""

    model_config = ConfigDict(extra="forbid")
    rate: int = Field(ge=8000, le=96000)
    voice: Annotated[str, Field(min_length=1, max_length=64)]
    preset: Literal["fast"] = "fast"
    pitch: str | float = "auto"
    key: Annotated[str, Field(max_length=200)] | None = None
    format: Literal["s16le", "f32le"] = "s16le"


@router.websocket("/v1/stream")
async def stream(ws: WebSocket) -> None:
    """One speaker into one voice, for as long as both stay."""
    server: Server = ws.app.state.server
    await ws.accept()
    if server.n_streams >= server.settings.max_streams:
        return await _refuse(ws, ApiError(429, "busy", "All streams are taken; try again later."), TOO_MANY)
    server.n_streams += 1
    server.telemetry.streams.set(server.n_streams)
    session = None
    try:
        session = await _greet(server, ws)
        await session.run()
    except ApiError as error:
        await _refuse(ws, error, REFUSED if session is None else BAD_MESSAGE)
    except (WebSocketDisconnect, RuntimeError):  # RuntimeError: Starlette's, for a message to who has left
        pass
    except Exception as error:
        await _refuse(ws, ApiError(*told(error)), 1011)
        LOGGER.error("stream failed", exc_info=error)
    finally:
        server.n_streams -= 1
        server.telemetry.streams.set(server.n_streams)
        if session:
            session.close()


async def _greet(server: Server, ws: WebSocket) -> "Session":
    """The session that the first message asks for; raises ApiError."""
    try:
        hello = Hello.model_validate_json(await asyncio.wait_for(ws.receive_text(), HANDSHAKE_S))
    except TimeoutError:
        raise ApiError(408, "no_handshake", f"The handshake did not come within {HANDSHAKE_S:.0f} s.") from None
    except (ValidationError, KeyError) as error:
        first = error.errors()[0] if isinstance(error, ValidationError) else {"loc": (), "msg": "send text first"}
        where = ".".join(map(str, first["loc"]))
        raise ApiError(422, "bad_handshake", f"{where or 'handshake'}: {first['msg']}.") from None
    if not server.engine.ready:
        raise ApiError(503, "loading", "The models are being loaded; try again in a few seconds.")
    caller = await run_in_threadpool(server.caller, hello.key or ws.headers.get("x-api-key"))
    caller.require("convert")
    pitch = pitch_of(hello.pitch)
    voice = await run_in_threadpool(server.voices.profile, hello.voice, caller.owner)
    live = await run_in_threadpool(server.engine.live, voice, None if pitch == "auto" else float(pitch))
    made = LiveStream(live, hello.rate, hello.rate, hello.format)
    ready = {"type": "ready", "rate": hello.rate, "delay_ms": round(delay_ms(live.audio), 1), "chunk_ms": CHUNK_MS}
    ready["lag_ms"] = 1000 * (live.audio.output_n_fft // 2) / live.audio.output_rate
    await ws.send_text(json.dumps(ready))
    return Session(server, ws, made, hello, caller.owner)


class Session:
    """Reads into a backlog, converts from it in a thread of its own, and sends; a slow receiver slows the conversion."""

    def __init__(self, server: Server, ws: WebSocket, stream: LiveStream, hello: Hello, owner: str) -> None:
        self.server, self.ws, self.stream, self.owner = server, ws, stream, owner
        self.sample_bytes = np.dtype(FORMATS[hello.format][0]).itemsize
        self.most_bytes = int(MAX_BLOCK_S * hello.rate) * self.sample_bytes
        self.backlog = Backlog(server.settings.stream_queue_s, hello.rate, self.sample_bytes)
        self.arrived, self.ended = asyncio.Event(), False
        self.blocks_ms: deque[float] = deque(maxlen=REMEMBERED)
        self.sent, self.unpaid_s = 0, 0.0
        self._thread = ThreadPoolExecutor(1, "stream")

    async def run(self) -> None:
        """Until the client ends or leaves, or the server does."""
        tasks = [asyncio.create_task(work()) for work in (self._read, self._convert, self._report)]
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

    async def _read(self) -> None:
        while not self.ended:
            try:
                message = await asyncio.wait_for(self.ws.receive(), self.server.settings.stream_idle_s)
            except TimeoutError:
                raise ApiError(408, "idle", "Nothing came for too long.") from None
            if message["type"] == "websocket.disconnect":
                raise WebSocketDisconnect(message.get("code", 1000))
            if (text := message.get("text")) is not None:
                self.ended = _is_end(text)
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
            if self.server.draining:
                raise ApiError(503, "going", "The server is about to end.")
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


async def _refuse(ws: WebSocket, error: ApiError, code: int) -> None:
    with suppress(RuntimeError, WebSocketDisconnect):
        await ws.send_text(json.dumps({"type": "error", "code": error.code, "message": error.message}))
        await ws.close(code)
