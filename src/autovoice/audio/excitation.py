"""The source of the source-filter model: all harmonics of f0 in phase (after NSF, Wang et al. 2019; closed form of the sum)."""

import numpy as np

HIGHEST_HARMONIC = 0.475  # of the sample rate: 11.4 kHz at 24 kHz
LOWEST_F0_HZ = 40.0
DEFAULT_F0_HZ = 100.0  # where nothing is voiced at all
HARMONICS, NOISE = 0.3, 0.1  # deviation, whatever the pitch


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


def pulse(cycles: np.ndarray, f: np.ndarray, sample_rate: int) -> np.ndarray:
    """The harmonics at a phase in cycles and a pitch f in Hz, both float32 of one shape; power does not depend on f."""
    n_harmonics = np.floor(np.float32(HIGHEST_HARMONIC * sample_rate) / f)
    half = np.sin(np.float32(np.pi) * cycles)
    peak = np.abs(half) < 1e-3
    ratio = np.sin((2 * n_harmonics + 1) * (np.float32(np.pi) * cycles)) / np.where(peak, np.float32(1), half)
    kernel = np.where(peak, 2 * n_harmonics + 1, ratio)
    return (kernel - 1) / np.sqrt(2 * n_harmonics) * np.float32(HARMONICS)


def harmonic_excitation(
    f0_filled: np.ndarray, voiced: np.ndarray, hop_length: int, sample_rate: int, phase: float = 0.0
) -> np.ndarray:
    """f0_filled, voiced (T,) frames centred on sample i * hop_length -> (T * hop_length,) float32, 0 where unvoiced.

    phase: cycles at the first sample. Harmonics end just under half the sample rate.
    """
    ramp = (np.arange(hop_length) / hop_length).astype(np.float32)
    f = np.maximum(f0_filled, LOWEST_F0_HZ).astype(np.float32)
    ahead = np.append(f[1:], f[-1:])
    f = (f[:, None] + (ahead - f)[:, None] * ramp).ravel()
    gate = np.where(ramp < 0.5, voiced[:, None], np.append(voiced[1:], voiced[-1:])[:, None]).ravel()
    steps = np.cumsum(f.astype(np.float64) / sample_rate)
    cycles = (np.concatenate([[0.0], steps[:-1]]) + phase) % 1.0
    return gate * pulse(cycles.astype(np.float32), f, sample_rate)


def breath_noise(n_samples: int, random: np.random.Generator) -> np.ndarray:
    """(n_samples,) float32 of white noise, as loud as the generator expects it."""
    return np.float32(NOISE) * random.standard_normal(n_samples, np.float32)
