"""The excitation of autovoice.audio.excitation for batches on the training device."""

import math

import torch
from torch import Tensor

from autovoice.audio.excitation import HIGHEST_HARMONIC, LOWEST_F0_HZ


def harmonic_excitation(
    f0_filled: Tensor, voiced: Tensor, hop_length: int, sample_rate: int, phase: Tensor | None = None
) -> Tensor:
    """f0_filled, voiced (B, T) frames centred on sample i * hop_length -> (B, T * hop_length), 0 where unvoiced.

    phase: cycles (B,) at the first sample, 0 if None. Harmonics end just under half the sample rate; power does not depend on f0.
    """
    batch, _n_frames = f0_filled.shape
    ramp = torch.arange(hop_length, device=f0_filled.device) / hop_length
    f = f0_filled.clamp(min=LOWEST_F0_HZ)
    ahead = torch.cat([f[:, 1:], f[:, -1:]], 1)
    f = (f[..., None] + (ahead - f)[..., None] * ramp).reshape(batch, -1)
    v = torch.cat([voiced[:, 1:], voiced[:, -1:]], 1)
    gate = torch.where(ramp < 0.5, voiced[..., None].float(), v[..., None].float()).reshape(batch, -1)
    steps = (f.double() / sample_rate).cumsum(1)
    steps = torch.cat([torch.zeros_like(steps[:, :1]), steps[:, :-1]], 1)
    cycles = ((steps + (0.0 if phase is None else phase.double()[:, None])) % 1.0).float()
    n_harmonics = (HIGHEST_HARMONIC * sample_rate / f).floor()
    half = torch.sin(math.pi * cycles)
    peak = half.abs() < 1e-3
    kernel = torch.where(
        peak, 2 * n_harmonics + 1, torch.sin((2 * n_harmonics + 1) * math.pi * cycles) / torch.where(peak, 1.0, half)
    )
    return gate * (kernel - 1) / torch.sqrt(2 * n_harmonics) * 0.3
