"""Spectra, and the mel spectra that each network hears, in numpy's float32."""

from functools import cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

RATE = 16000  # of all that networks hear
N_FFT, HOP_LENGTH, N_MELS = 400, 160, 80  # of both content encoders
FRAME_LENGTH = 320  # samples a content frame
MAX_FRAMES = 1500  # 30 s of 20 ms frames: as many position encodings as Whisper has
BEFORE, AFTER = N_FFT // 2, N_FFT // 2 + HOP_LENGTH  # samples that the student's frame i hears before and after 320 i
MEL_MEAN, MEL_SCALE = -5.0, 2.0  # log10 mel energies of speech at -26 dBFS are about -5 +- 2
MEL_FLOOR = 1e-9
SPEAKER_MELS, SPEAKER_FRAMES, SPEAKER_STEP = 40, 160, 77  # 1.6 s windows, 1.3 of them a second
SPEAKER_COVERAGE = 0.75  # of the last window that must be there


@cache
def hann(n_fft: int) -> np.ndarray:
    """The periodic Hann window, (n_fft,) float32."""
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n_fft) / n_fft)).astype(np.float32)


def _mel_to_hz(mel: np.ndarray) -> np.ndarray:
    """Slaney's scale: linear up to 1 kHz, logarithmic above."""
    return np.where(mel < 15, mel * 200 / 3, 1000 * np.exp((mel - 15) * np.log(6.4) / 27))


@cache
def mel_filters(n_mels: int, n_fft: int, sample_rate: int) -> np.ndarray:
    """Slaney's triangles of unit area up to half the rate, (n_fft // 2 + 1, n_mels) float32."""
    highest = 15 + np.log(sample_rate / 2 / 1000) * 27 / np.log(6.4)
    edges = _mel_to_hz(np.linspace(0, highest, n_mels + 2))
    hz = np.linspace(0, sample_rate / 2, n_fft // 2 + 1)[:, None]
    up, down = (hz - edges[:-2]) / np.diff(edges)[:-1], (edges[2:] - hz) / np.diff(edges)[1:]
    return (np.maximum(0, np.minimum(up, down)) * 2 / (edges[2:] - edges[:-2])).astype(np.float32)


def spectra(wav: np.ndarray, n_fft: int, hop_length: int) -> np.ndarray:
    """wav (..., T) float32 -> complex64 (..., (T - n_fft) // hop_length + 1, n_fft // 2 + 1), nothing padded."""
    return np.fft.rfft(sliding_window_view(wav, n_fft, -1)[..., ::hop_length, :] * hann(n_fft))


def padded(wav: np.ndarray, before: int, after: int, mode: str = "constant") -> np.ndarray:
    """wav (..., T) with samples more on its last axis; mode: constant (zeros) or reflect."""
    return np.pad(wav, [(0, 0)] * (wav.ndim - 1) + [(before, after)], mode)  # type: ignore[call-overload]


def _power(spectrum: np.ndarray) -> np.ndarray:
    return np.square(spectrum.real) + np.square(spectrum.imag)


def log_mel(wav: np.ndarray, sample_rate: int, n_fft: int, hop_length: int, n_mels: int) -> np.ndarray:
    """wav (..., T) float32 -> natural-log mel magnitudes (..., T // hop_length + 1, n_mels), floored at 1e-5."""
    magnitudes = np.abs(spectra(padded(wav, n_fft // 2, n_fft // 2, "reflect"), n_fft, hop_length))
    return np.log(np.maximum(magnitudes @ mel_filters(n_mels, n_fft, sample_rate), 1e-5))


def whisper_mel(wav: np.ndarray) -> np.ndarray:
    """wav (B, n) at 16 kHz, 201 samples or more -> Whisper's normalised log10 mel, (B, 80, n // 160)."""
    power = _power(spectra(padded(wav, N_FFT // 2, N_FFT // 2, "reflect"), N_FFT, HOP_LENGTH))[:, :-1]
    mel = np.log10(np.maximum(power @ mel_filters(N_MELS, N_FFT, RATE), 1e-10))
    mel = np.maximum(mel, mel.max((1, 2), keepdims=True) - 8)
    return ((mel + 4) / 4).transpose(0, 2, 1)


def student_pairs(wav: np.ndarray) -> np.ndarray:
    """wav (B, BEFORE + 320 n + AFTER - 320) of n frames -> scaled log10 mel of pairs of 10 ms frames, (B, 160, n)."""
    mel = np.log10(np.maximum(_power(spectra(wav, N_FFT, HOP_LENGTH)) @ mel_filters(N_MELS, N_FFT, RATE), MEL_FLOOR))
    mel = (mel - MEL_MEAN) / MEL_SCALE
    n = mel.shape[1] // 2
    return mel[:, : 2 * n].reshape(-1, n, 2, N_MELS).transpose(0, 3, 2, 1).reshape(-1, 2 * N_MELS, n)


def speaker_windows(wav: np.ndarray) -> np.ndarray:
    """wav (T,) at 16 kHz -> power mel of its 1.6 s windows as Resemblyzer cuts them, (n, 160, 40); n is 1 or more."""
    n_frames = -(-(len(wav) + 1) // HOP_LENGTH)
    starts = list(range(0, max(1, n_frames - SPEAKER_FRAMES + SPEAKER_STEP + 1), SPEAKER_STEP))
    covered = (len(wav) - starts[-1] * HOP_LENGTH) / (SPEAKER_FRAMES * HOP_LENGTH)
    if covered < SPEAKER_COVERAGE and len(starts) > 1:
        starts.pop()
    missing = max(0, (starts[-1] + SPEAKER_FRAMES) * HOP_LENGTH - len(wav))
    power = _power(spectra(padded(wav, N_FFT // 2, N_FFT // 2 + missing), N_FFT, HOP_LENGTH))
    mel = power @ mel_filters(SPEAKER_MELS, N_FFT, RATE)
    return np.stack([mel[start : start + SPEAKER_FRAMES] for start in starts])
