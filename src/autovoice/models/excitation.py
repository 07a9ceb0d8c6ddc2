"""The source of the source-filter model: all harmonics of f0 in phase (after NSF, Wang et al. 2019; closed form of the sum)."""

import math

import numpy as np
import torch
from torch import Tensor

HIGHEST_HARMONIC = 0.475  # of the sample rate: 11.4 kHz at 24 kHz
LOWEST_F0_HZ = 40.0
DEFAULT_F0_HZ = 100.0  # where nothing is voiced at all


def fill_unvoiced(f0: np.ndarray) -> np.ndarray:
    """f0 (T,) in Hz, 0 = unvoiced -> the same with each unvoiced frame set to the nearest voiced one's f0.

    Filled before any cutting, so that the phase of the excitation does not depend on where a recording was cut.
    """
    voiced = np.flatnonzero(f0 > 0)
    if not len(voiced):
        return np.full(len(f0), DEFAULT_F0_HZ, np.float32)
    after = np.searchsorted(voiced, np.arange(len(f0))).clip(max=len(voiced) - 1)
    before = (after - 1).clip(min=0)
    frames = np.arange(len(f0))
    nearest = np.where(np.abs(voiced[before] - frames) <= np.abs(voiced[after] - frames), voiced[before], voiced[after])
    return f0[nearest].astype(np.float32)


def frame_phase(f0_filled: np.ndarray, hop_length: int, sample_rate: int) -> np.ndarray:
    """f0_filled (T,) -> phase in cycles, in [0, 1), at the first sample of each frame: (T,) float64."""
    f = np.maximum(f0_filled.astype(np.float64), LOWEST_F0_HZ)
    ahead = np.append(f[1:], f[-1:])
    cycles = (hop_length * f + (ahead - f) * (hop_length - 1) / 2) / sample_rate
    return np.concatenate([[0.0], np.cumsum(cycles)[:-1]]) % 1.0


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
