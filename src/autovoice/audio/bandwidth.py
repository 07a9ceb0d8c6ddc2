"""Up to which frequency a recording has content, and the filter that leaves no more than that."""

import numpy as np

from autovoice.audio.mel import hann

FLOOR_DB = -75.0  # re the loudest band: under it lie codec cut-offs and what resampling leaves
FULL = 0.49  # of the sample rate: the whole band
BAND_HZ, ROLL_OFF_HZ = 250.0, 300.0


def bandwidth_hz(wav: np.ndarray, sample_rate: int, n_fft: int = 2048) -> float:
    """wav (T,) -> the upper edge in Hz of the highest 250 Hz band within 75 dB of the loudest; half the rate for silence.

    Levels are those of the loud half of the frames, so that the noise between words does not count.
    """
    padded = np.pad(wav, (0, max(0, n_fft - len(wav)))).astype(np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(padded, n_fft)[:: n_fft // 2]
    power = np.square(np.abs(np.fft.rfft(frames * hann(n_fft))))
    levels = power.sum(1)
    loud = power[levels >= np.sort(levels)[(len(levels) - 1) // 2]].mean(0)
    size = max(1, round(BAND_HZ * n_fft / sample_rate))
    bands = loud[: len(loud) // size * size].reshape(-1, size).mean(1)
    heard = np.flatnonzero(bands > bands.max() * 10 ** (FLOOR_DB / 10))
    return float(min((heard[-1] + 1) * size * sample_rate / n_fft, sample_rate / 2)) if len(heard) else sample_rate / 2


def limit_band(wav: np.ndarray, band_hz: float, sample_rate: int) -> np.ndarray:
    """wav (T,) -> without what lies above band_hz, rolled off over the 300 Hz below it."""
    if band_hz >= FULL * sample_rate:
        return wav
    spectrum = np.fft.rfft(wav)
    hz = np.linspace(0, sample_rate / 2, len(spectrum), dtype=np.float32)
    return np.fft.irfft(spectrum * np.clip((np.float32(band_hz) - hz) / ROLL_OFF_HZ, 0, 1), len(wav)).astype(np.float32)
