"""The filter that makes a loss see no more than the band that a recording has."""

import torch
from torch import Tensor

from autovoice.audio.bandwidth import FULL, ROLL_OFF_HZ


def limit_band(wav: Tensor, band_hz: Tensor, sample_rate: int) -> Tensor:
    """wav (B, T), band_hz (B,) -> wav without what lies above band_hz, rolled off over the 300 Hz below it."""
    if wav.device.type == "cpu" and bool((band_hz >= FULL * sample_rate).all()):
        return wav  # asking a GPU would take longer than filtering
    spectrum = torch.fft.rfft(wav)
    hz = torch.linspace(0, sample_rate / 2, spectrum.shape[1], device=wav.device)
    edge = ((band_hz[:, None] - hz) / ROLL_OFF_HZ).clamp(0, 1)
    gain = torch.where(band_hz[:, None] >= FULL * sample_rate, 1.0, edge)
    return torch.fft.irfft(spectrum * gain, wav.shape[1])
