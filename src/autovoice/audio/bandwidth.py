"""Up to which frequency a recording has content, and the filter that makes a loss see only that band."""

import numpy as np
import torch
from torch import Tensor

FLOOR_DB = -75.0  # re the loudest band: under it lie codec cut-offs and what resampling leaves
FULL = 0.49  # of the sample rate: the whole band
BAND_HZ, ROLL_OFF_HZ = 250.0, 300.0


def bandwidth_hz(wav: np.ndarray, sample_rate: int, n_fft: int = 2048) -> float:
    """wav (T,) -> the upper edge in Hz of the highest 250 Hz band within 75 dB of the loudest; half the rate for silence.

    Levels are those of the loud half of the frames, so that the noise between words does not count.
    """
    window = torch.hann_window(n_fft)
    frames = torch.from_numpy(np.pad(wav, (0, max(0, n_fft - len(wav))))).unfold(0, n_fft, n_fft // 2)
    power = torch.fft.rfft(frames * window).abs().square().T
    loud = power[:, power.sum(0) >= power.sum(0).median()].mean(1).numpy()
    size = max(1, round(BAND_HZ * n_fft / sample_rate))
    bands = loud[: len(loud) // size * size].reshape(-1, size).mean(1)
    heard = np.flatnonzero(bands > bands.max() * 10 ** (FLOOR_DB / 10))
    return float(min((heard[-1] + 1) * size * sample_rate / n_fft, sample_rate / 2)) if len(heard) else sample_rate / 2


def limit_band(wav: Tensor, band_hz: Tensor, sample_rate: int) -> Tensor:
    """wav (B, T), band_hz (B,) -> wav without what lies above band_hz, rolled off over the 300 Hz below it."""
    if wav.device.type == "cpu" and bool((band_hz >= FULL * sample_rate).all()):
        return wav  # asking a GPU would take longer than filtering
    spectrum = torch.fft.rfft(wav)
    hz = torch.linspace(0, sample_rate / 2, spectrum.shape[1], device=wav.device)
    edge = ((band_hz[:, None] - hz) / ROLL_OFF_HZ).clamp(0, 1)
    gain = torch.where(band_hz[:, None] >= FULL * sample_rate, 1.0, edge)
    return torch.fft.irfft(spectrum * gain, wav.shape[1])
