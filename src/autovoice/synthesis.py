"""From filters to sound: they shape the spectra of the excitation and of noise, and an inverse STFT joins the frames.

numpy's FFT does this for both run times: in a graph the inverse STFT is a transposed convolution, which takes longer than
all networks together (docs/adr/0009-filters-in-graphs-fft-in-numpy.md).
"""

import numpy as np

from autovoice.audio.excitation import LOWEST_F0_HZ, breath_noise, pulse
from autovoice.audio.mel import hann, padded, spectra
from autovoice.config import AudioConfig
from autovoice.networks import Filters


def filtered(filters: Filters, excitation: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """filters and spectra of excitation and noise (B, T, bins) -> the spectrum of the voice, as large, complex64."""
    turn = np.empty(filters.phase.shape, np.complex64)
    np.cos(filters.phase, out=turn.real)
    np.sin(filters.phase, out=turn.imag)
    return excitation * (turn * filters.harmonic) + noise * filters.breath


def overlap_add(frames: np.ndarray, hop: int) -> np.ndarray:
    """frames (B, T, n_fft), one each hop -> their sum (B, (T + ceil(n_fft / hop) - 1) * hop)."""
    n, n_fft = frames.shape[1:]
    n_hops = -(-n_fft // hop)
    parts = np.pad(frames, ((0, 0), (0, 0), (0, n_hops * hop - n_fft))).reshape(len(frames), n, n_hops, hop)
    total = np.zeros((len(frames), n + n_hops - 1, hop), np.float32)
    for i in range(n_hops):
        total[:, i : i + n] += parts[:, :, i]
    return total.reshape(len(frames), -1)


def synthesise(filters: Filters, excitation: np.ndarray, noise: np.ndarray, audio: AudioConfig) -> np.ndarray:
    """filters of frames (B, T, bins), excitation and noise (B, T * output_hop) -> wav as long."""
    n_fft, hop = audio.output_n_fft, audio.output_hop
    n_frames, half, window = filters.phase.shape[1], n_fft // 2, hann(n_fft)

    def centred(wav: np.ndarray) -> np.ndarray:
        return spectra(padded(wav, half, half, "reflect"), n_fft, hop)[:, :n_frames]

    frames = np.fft.irfft(filtered(filters, centred(excitation), centred(noise)), n_fft) * window
    weight = overlap_add(np.broadcast_to(np.square(window), (1, n_frames + 1, n_fft)), hop)
    part = slice(half, half + excitation.shape[1])
    return overlap_add(np.pad(frames, ((0, 0), (0, 1), (0, 0))), hop)[:, part] / weight[:, part]


class LiveSynthesis:
    """synthesise, frame by frame: the excitation under the future half of a window is extrapolated at the frame's pitch."""

    def __init__(self, audio: AudioConfig, seed: int = 0) -> None:
        self.rate, self.hop, self.n_fft = audio.output_rate, audio.output_hop, audio.output_n_fft
        half = self.n_fft // 2
        self.random, self.window = np.random.default_rng(seed), hann(self.n_fft)
        self.excitation, self.noise = np.zeros(half, np.float32), self._more_noise(half)
        self.f0, self.voiced, self.phase = 0.0, False, 0.0
        self.overlap, self.weight = np.zeros(self.n_fft, np.float32), np.zeros(self.n_fft, np.float32)

    @property
    def lag(self) -> int:
        """Samples that the output is late by."""
        return self.n_fft // 2 - self.hop

    def _more_noise(self, n: int) -> np.ndarray:
        return breath_noise(n, self.random)

    def push(self, filters: Filters, f0: np.ndarray, f0_filled: np.ndarray) -> np.ndarray:
        """filters (1, n, bins), f0 and f0_filled (n,) in Hz -> wav (n * hop,), `lag` samples late."""
        parts = []
        for i in range(len(f0)):
            frame = Filters(*(part[0, i] for part in filters))
            parts.append(self._frame(frame, float(f0_filled[i]), bool(f0[i] > 0)))
        return np.concatenate(parts)

    def _frame(self, filters: Filters, f0: float, voiced: bool) -> np.ndarray:
        """One frame of the inverse STFT; returns the hop of samples that nothing later will change."""
        half, hop = self.n_fft // 2, self.hop
        self._advance(max(f0, LOWEST_F0_HZ), voiced)
        cycles = (self.phase + self.f0 / self.rate * np.arange(half)) % 1
        ahead = pulse(cycles.astype(np.float32), np.full(half, self.f0, np.float32), self.rate) * self.voiced
        self.noise = np.concatenate([self.noise, self._more_noise(self.n_fft - len(self.noise))])
        both = np.stack([np.concatenate([self.excitation, ahead]), self.noise]) * self.window
        frame = np.fft.irfft(filtered(filters, *np.fft.rfft(both)), self.n_fft)
        self.overlap += frame * self.window
        self.weight += np.square(self.window)
        done = self.overlap[:hop] / np.maximum(self.weight[:hop], 1e-8)
        self.overlap, self.weight = (np.pad(x[hop:], (0, hop)) for x in (self.overlap, self.weight))
        self.noise = self.noise[hop:]
        return done

    def _advance(self, f0: float, voiced: bool) -> None:
        """Extends the excitation by the hop before this frame, as harmonic_excitation does between two frames."""
        before = self.f0 or f0
        ramp = np.arange(self.hop) / self.hop
        f = before + (f0 - before) * ramp
        cycles = self.phase + np.concatenate([[0.0], np.cumsum(f)]) / self.rate
        gate = np.where(ramp < 0.5, self.voiced, voiced)
        between = pulse((cycles[:-1] % 1).astype(np.float32), f.astype(np.float32), self.rate) * gate
        if self.f0:  # nothing comes before the first frame
            self.excitation = np.concatenate([self.excitation, between])[-(self.n_fft // 2) :].astype(np.float32)
            self.phase = float(cycles[-1] % 1)
        self.f0, self.voiced = f0, voiced
