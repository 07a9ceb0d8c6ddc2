"""Log-mel spectrogram."""

from functools import cache

import torch
from torch import Tensor

from autovoice.torchaudio_compat import torchaudio


@cache
def _transform(sample_rate: int, n_fft: int, hop_length: int, n_mels: int) -> torch.nn.Module:
    return torchaudio.transforms.MelSpectrogram(
        sample_rate, n_fft, hop_length=hop_length, n_mels=n_mels, power=1.0, norm="slaney", mel_scale="slaney"
    )


def log_mel(wav: Tensor, sample_rate: int, n_fft: int, hop_length: int, n_mels: int) -> Tensor:
    """wav (B, T) float32 -> natural-log mel magnitudes (B, n_mels, T // hop_length + 1), floored at 1e-5."""
    transform = _transform(sample_rate, n_fft, hop_length, n_mels).to(wav.device)
    return transform(wav).clamp(min=1e-5).log()
