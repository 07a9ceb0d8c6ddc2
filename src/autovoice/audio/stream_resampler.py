"""Another sample rate for a live stream, a constant 2 ms late: libraries' streams answer in bursts, up to 20 ms late."""

from functools import lru_cache
from math import ceil, gcd

import numpy as np

ZEROS = 32  # of the sinc on each side, at the lower rate
BETA = 8.0  # of its Kaiser window: -80 dB
PASSED = 0.925  # of the lower rate's band, at -6 dB


class StreamResampler:
    """Blocks of one stream by a windowed sinc (Smith, Digital Audio Resampling). Each gives all that is known by then."""

    def __init__(self, old_rate: int, new_rate: int) -> None:
        divisor = gcd(old_rate, new_rate)
        self.up, self.down = new_rate // divisor, old_rate // divisor
        self.half = ceil(ZEROS * max(1.0, old_rate / new_rate))  # samples at old_rate that an answer hears on each side
        self._taps = _taps(self.up, self.down, self.half)
        self._held = np.zeros(self.half - 1, np.float32)  # before the stream there is silence
        self._n_in = self._n_out = 0

    @property
    def late(self) -> int:
        """How many samples at new_rate are still to come of what went in."""
        return ceil(self.half * self.up / self.down)

    def push(self, wav: np.ndarray) -> np.ndarray:
        """wav (n,) float32 at old_rate -> the samples at new_rate that are done."""
        self._n_in += len(wav)
        return self._made(wav, ceil((self._n_in - self.half) * self.up / self.down))

    def finish(self) -> np.ndarray:
        """The rest; then as much time has come out as went in."""
        return self._made(np.zeros(self.half, np.float32), round(self._n_in * self.up / self.down))

    def _made(self, wav: np.ndarray, end: int) -> np.ndarray:
        """Samples up to `end` of the answer; what none of the later ones hears is forgotten."""
        self._held = np.concatenate([self._held, wav.astype(np.float32)])
        if end <= self._n_out:
            return np.zeros(0, np.float32)
        at = np.arange(self._n_out, end) * self.down
        first = self._n_out * self.down // self.up  # held[0] is what it hears first
        heard = np.lib.stride_tricks.sliding_window_view(self._held, 2 * self.half)[at // self.up - first]
        self._held, self._n_out = self._held[end * self.down // self.up - first :], end
        return np.einsum("nk,nk->n", heard, self._taps[at % self.up])


@lru_cache(maxsize=8)
def _taps(up: int, down: int, half: int) -> np.ndarray:
    """(up, 2 half) float32: the weights of the samples around a moment that is row / up of a sample later than one of them."""
    distance = np.arange(up)[:, None] / up - np.arange(1 - half, half + 1)
    cut = PASSED * min(1.0, up / down)
    window = np.i0(BETA * np.sqrt(np.maximum(0.0, 1 - (distance / half) ** 2)))
    taps = np.sinc(cut * distance) * window
    return (taps / taps.sum(1, keepdims=True)).astype(np.float32)
