"""One live stream: bytes at the client's rate in, bytes in the voice out, marked, at a constant delay."""

import struct
import time
from collections import deque
from dataclasses import dataclass

import numpy as np

from autovoice.audio.mel import AFTER
from autovoice.audio.stream_resampler import StreamResampler
from autovoice.config import AudioConfig
from autovoice.live import FRAME, LiveConverter
from autovoice.watermark import Watermark

HEADER = struct.Struct("<I")
FORMATS = {"s16le": ("<i2", 32767.0), "f32le": ("<f4", 1.0)}
REMEMBERED = 500  # blocks, for the 95th percentile


def delay_ms(audio: AudioConfig, rate: int = 0) -> float:
    """Milliseconds from a sample to its conversion in blocks of 20 ms, without computing and resampling the answer."""
    lag_s = audio.output_n_fft // 2 / audio.output_rate
    resampler = _resampler(rate or audio.sample_rate, audio.sample_rate)
    heard_s = (AFTER + (resampler.late if resampler else 0)) / audio.sample_rate
    return 1000 * (heard_s + lag_s + Watermark(audio.output_rate).hop / audio.output_rate)


class LiveStream:
    """PCM of any rate into a LiveConverter and out of it. Not shared between threads."""

    def __init__(self, live: LiveConverter, rate_in: int, rate_out: int, form: str) -> None:
        """form: s16le or f32le, of both directions."""
        audio = live.audio
        self.live, self.rate_in, self.rate_out = live, rate_in, rate_out
        self._dtype, self._scale = FORMATS[form]
        self._mark = Watermark(audio.output_rate, live.voice.payload)
        self._into = _resampler(rate_in, audio.sample_rate)
        self._out_of = _resampler(audio.output_rate, rate_out)
        self._n_in = self._n_out = 0
        # With this silence before it, a frame can be made where a block of 20 ms ends, and need not wait for the next.
        silence = AFTER - FRAME + (self._into.late if self._into else 0)
        live.push(np.zeros(silence, np.float32))
        self.lag_s = silence / audio.sample_rate + audio.output_n_fft // 2 / audio.output_rate

    def push(self, pcm: bytes) -> bytes:
        """Samples at rate_in -> those that are done, at rate_out; raises ValueError for half a sample or one not finite."""
        wav = np.frombuffer(pcm, self._dtype).astype(np.float32) / np.float32(self._scale)
        if not np.isfinite(wav).all():
            raise ValueError("holds samples that are not finite")
        self._n_in += len(wav)
        return self._pcm(self._through(np.clip(wav, -1, 1)))

    def finish(self) -> bytes:
        """The rest, so that in all as much time comes out as went in."""
        rest = [self._into.finish()] if self._into else []
        tail = np.zeros(AFTER + 2 * FRAME, np.float32)
        wav = self._mark.push(self.live.push(np.concatenate([*rest, tail])))
        wav = np.concatenate([wav, self._mark.finish()])
        if self._out_of:
            wav = np.concatenate([self._out_of.push(wav), self._out_of.finish()])
        wanted = round(self._n_in * self.rate_out / self.rate_in) + round(self.rate_out * self.lag_s) - self._n_out
        return self._pcm(wav[: max(0, wanted)])

    def _through(self, wav: np.ndarray) -> np.ndarray:
        heard = self._into.push(wav) if self._into else wav
        made = self._mark.push(self.live.push(heard))
        return self._out_of.push(made) if self._out_of else made

    def _pcm(self, wav: np.ndarray) -> bytes:
        self._n_out += len(wav)
        scaled = np.clip(wav, -1, 1) * self._scale
        return (scaled.round() if self._scale > 1 else scaled).astype(self._dtype).tobytes()


def _resampler(old_rate: int, new_rate: int) -> StreamResampler | None:
    return StreamResampler(old_rate, new_rate) if old_rate != new_rate else None


@dataclass(frozen=True)
class Block:
    """What one message brought, and when (time.monotonic)."""

    pcm: bytes
    arrived_s: float


class Backlog:
    """Blocks that wait to be converted: in order, at most most_s seconds of them; the oldest go first, and are counted.

    It is the jitter buffer of the way in: what the network delays and then brings at once waits here, and what would come
    later than anybody listens is left out.
    """

    def __init__(self, most_s: float, rate: int, sample_bytes: int) -> None:
        self.most_bytes, self.per_s = int(most_s * rate) * sample_bytes, rate * sample_bytes
        self.late = 0
        self._next = 0
        self._blocks: deque[Block] = deque()
        self._n_bytes = 0

    def __len__(self) -> int:
        return len(self._blocks)

    @property
    def queue_ms(self) -> float:
        """Milliseconds of audio that wait."""
        return 1000 * self._n_bytes / self.per_s

    def put(self, number: int, pcm: bytes) -> None:
        """Takes a message's block; what the client left out (a gap in the numbers) is silence. A step back is a ValueError."""
        if number < self._next:
            raise ValueError(f"has the sequence number {number} after {self._next - 1}")
        gap = min((number - self._next) * len(pcm), self.most_bytes // max(1, len(pcm)) * len(pcm))
        self._next = number + 1
        for part in ([bytes(gap)] if gap else []) + [pcm]:
            self._blocks.append(Block(part, time.monotonic()))
            self._n_bytes += len(part)
        while self._n_bytes > self.most_bytes and len(self._blocks) > 1:
            self._n_bytes -= len(self._blocks.popleft().pcm)
            self.late += 1

    def take(self) -> Block:
        """The oldest."""
        block = self._blocks.popleft()
        self._n_bytes -= len(block.pcm)
        return block
