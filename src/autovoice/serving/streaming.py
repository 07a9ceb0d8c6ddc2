"""One live stream: bytes at the client's rate in, bytes in the voice out, marked, at a constant delay."""

import struct
import time
from collections import deque
from dataclasses import dataclass

import numpy as np
import soxr

from autovoice.audio.mel import AFTER
from autovoice.config import AudioConfig
from autovoice.live import FRAME, LiveConverter
from autovoice.watermark import Watermark

HEADER = struct.Struct("<I")
FORMATS = {"s16le": ("<i2", 32767.0), "f32le": ("<f4", 1.0)}
QUALITY = "LQ"  # of resampling, to 16 bits: at 48 kHz 8 ms late both ways together, where HQ is 53
REMEMBERED = 500  # blocks, for the 95th percentile


def delay_ms(audio: AudioConfig) -> float:
    """Milliseconds from a sample to its conversion in blocks of 20 ms, at the model's own rates, without computing."""
    lag_s = audio.output_n_fft // 2 / audio.output_rate
    return 1000 * (AFTER / audio.sample_rate + lag_s + Watermark(audio.output_rate).hop / audio.output_rate)


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

    def push(self, pcm: bytes) -> bytes:
        """Samples at rate_in -> those that are done, at rate_out; raises ValueError for half a sample or one not finite."""
        wav = np.frombuffer(pcm, self._dtype).astype(np.float32) / np.float32(self._scale)
        if not np.isfinite(wav).all():
            raise ValueError("holds samples that are not finite")
        self._n_in += len(wav)
        return self._pcm(self._through(np.clip(wav, -1, 1)))

    def finish(self) -> bytes:
        """The rest, so that in all as much time comes out as went in."""
        audio = self.live.audio
        rest = [self._into.resample_chunk(np.zeros(0, np.float32), last=True)] if self._into else []
        tail = np.zeros(AFTER + FRAME, np.float32)
        wav = self._mark.push(self.live.push(np.concatenate([*rest, tail])))
        wav = np.concatenate([wav, self._mark.finish()])
        if self._out_of:
            wav = self._out_of.resample_chunk(wav, last=True)
        lag = round(self.rate_out * audio.output_n_fft // 2 / audio.output_rate)
        wanted = round(self._n_in * self.rate_out / self.rate_in) + lag - self._n_out
        return self._pcm(wav[: max(0, wanted)])

    def _through(self, wav: np.ndarray) -> np.ndarray:
        heard = self._into.resample_chunk(wav) if self._into else wav
        made = self._mark.push(self.live.push(heard))
        return self._out_of.resample_chunk(made) if self._out_of else made

    def _pcm(self, wav: np.ndarray) -> bytes:
        self._n_out += len(wav)
        scaled = np.clip(wav, -1, 1) * self._scale
        return (scaled.round() if self._scale > 1 else scaled).astype(self._dtype).tobytes()


def _resampler(old_rate: int, new_rate: int) -> soxr.ResampleStream | None:
    if old_rate == new_rate:
        return None
    return soxr.ResampleStream(old_rate, new_rate, 1, dtype="float32", quality=QUALITY)


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
