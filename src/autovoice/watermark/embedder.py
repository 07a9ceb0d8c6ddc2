"""Puts the mark into a stream: the magnitudes of a short-time Fourier transform, a decibel or two up or down by the pattern.

Multiplying hides the mark in the sound itself (each band carries about 15 dB less of it than of the voice) and leaves silence
silent. After Kirovski & Malvar 2003, "Spread-Spectrum Watermarking of Audio Signals".
"""

from collections.abc import Iterable, Iterator

import numpy as np

from autovoice.watermark.pattern import (
    BAND_HZ,
    FRAMES_PER_S,
    KEY,
    LOWEST_HZ,
    N_BANDS,
    PERIOD_FRAMES,
    STRENGTH_DB,
    pattern,
    strengths,
)


class Watermark:
    """Marks one stream of mono blocks; what comes out is one hop (20 ms) behind, until `finish`. Constant memory."""

    def __init__(
        self, sample_rate: int, payload: int = 0, strength_db: float = STRENGTH_DB, key: bytes = KEY, start: int = 0
    ) -> None:
        """payload: 0 to 2^32 - 1; start: position of the stream's first sample in the whole, which drives the pattern."""
        self.rate, self.hop = sample_rate, round(sample_rate / FRAMES_PER_S)
        self._window = np.sin(np.pi * (np.arange(2 * self.hop) + 0.5) / (2 * self.hop)).astype(np.float32)
        bands = np.floor((np.arange(self.hop + 1) * sample_rate / (2 * self.hop) - LOWEST_HZ) / BAND_HZ).astype(int)
        self._band_of_bin = np.where((bands >= 0) & (bands < N_BANDS), bands, N_BANDS)
        gains_db = np.pad(strength_db * strengths() * pattern(payload, key), ((0, 0), (0, 1)))
        self._gains = (10 ** (gains_db / 20)).astype(np.float32)  # (PERIOD_FRAMES, N_BANDS + 1), the last is outside
        self._held = np.zeros(self.hop, np.float32)  # before the stream there is silence
        self._tail = np.zeros(self.hop, np.float32)
        self._start, self._n_frames, self._n_in, self._n_out = start, 0, 0, 0

    def push(self, wav: np.ndarray) -> np.ndarray:
        """wav (n,) float32 -> the marked samples that are done."""
        self._n_in += len(wav)
        return self._marked(wav)

    def finish(self) -> np.ndarray:
        """The rest; then as many samples have come out as went in."""
        return self._marked(np.zeros(2 * self.hop, np.float32))

    def _marked(self, wav: np.ndarray) -> np.ndarray:
        self._held = np.concatenate([self._held, wav.astype(np.float32)])
        n = len(self._held) // self.hop - 1
        if n < 1:
            return np.zeros(0, np.float32)
        frames = np.lib.stride_tricks.sliding_window_view(self._held, 2 * self.hop)[:: self.hop][:n]
        at = self._start + (self._n_frames + np.arange(n)) * self.hop  # the middle of each frame
        index = np.round(at * FRAMES_PER_S / self.rate).astype(int) % PERIOD_FRAMES
        spectra = np.fft.rfft(frames * self._window) * self._gains[index][:, self._band_of_bin]
        halves = (np.fft.irfft(spectra, 2 * self.hop) * self._window).reshape(n, 2, self.hop)
        out = (halves[:, 0] + np.concatenate([self._tail[None], halves[:-1, 1]])).astype(np.float32).ravel()
        self._tail, self._held = halves[-1, 1].astype(np.float32), self._held[n * self.hop :]
        out = out[self.hop :] if self._n_frames == 0 else out  # its first half is the silence before the stream
        self._n_frames += n
        out = out[: self._n_in - self._n_out]
        self._n_out += len(out)
        return out


def marked_blocks(
    blocks: Iterable[np.ndarray], sample_rate: int, payload: int = 0, strength_db: float = STRENGTH_DB
) -> Iterator[np.ndarray]:
    """Mono blocks (n,) -> marked blocks, in all as many samples."""
    mark = Watermark(sample_rate, payload, strength_db)
    for block in blocks:
        yield mark.push(block)
    yield mark.finish()


def marked(wav: np.ndarray, sample_rate: int, payload: int = 0, strength_db: float = STRENGTH_DB) -> np.ndarray:
    """wav (T,) float32, mono -> the same, marked; payload: 0 to 2^32 - 1."""
    return np.concatenate(list(marked_blocks([wav], sample_rate, payload, strength_db)))
