"""The converted vocal brought to the original's loudness and place between the channels, and under the sum's ceiling."""

import warnings

import numpy as np
import pyloudnorm
from scipy.ndimage import minimum_filter1d, uniform_filter1d

MAX_GAIN_DB = 12.0
LOUDNESS_BLOCK_S = 0.4  # of EBU R128: anything shorter has a level, but no loudness
LOOK_AHEAD_S = 0.002
CEILING = 0.999  # of full scale


def gain_to_match(original: np.ndarray, converted: np.ndarray, sample_rate: int) -> float:
    """Two stretches (T, channels) -> the linear gain that gives the second the loudness of the first.

    EBU R128 integrated loudness by pyloudnorm, RMS under 0.4 s or where all is under the gate; at most 12 dB either way.
    """
    levels = [_loudness(wav, sample_rate) for wav in (original, converted)]
    if not np.isfinite(levels).all():
        levels = [
            10 * np.log10(max(1e-12, float(np.square(wav, dtype=np.float64).mean()))) for wav in (original, converted)
        ]
    return float(10 ** (np.clip(levels[0] - levels[1], -MAX_GAIN_DB, MAX_GAIN_DB) / 20))


def balance(original: np.ndarray) -> np.ndarray:
    """(T, channels) -> gain of a mono voice in each channel, so that the channels' energies keep their ratio and mean."""
    energies = np.square(original, dtype=np.float64).sum(0)
    total = energies.sum()
    return (np.sqrt(energies * len(energies) / total) if total > 0 else np.ones(len(energies))).astype(np.float32)


def headroom_gain(vocal: np.ndarray, accompaniment: np.ndarray, sample_rate: int) -> np.ndarray:
    """Two stretches (T, channels) -> gain (T,) of the vocal, 1 but for some 4 ms around where their sum would clip."""
    toward = np.maximum(accompaniment * np.sign(vocal), 0.0)
    free = np.maximum(CEILING - toward, 0.0)
    needed = np.minimum(1.0, np.where(np.abs(vocal) > free, free / np.maximum(np.abs(vocal), 1e-9), 1.0)).min(1)
    size = 2 * round(LOOK_AHEAD_S * sample_rate) + 1
    held = minimum_filter1d(needed, size, mode="constant", cval=1.0)
    return np.minimum(uniform_filter1d(held, size, mode="constant", cval=1.0), needed).astype(np.float32)


def _loudness(wav: np.ndarray, sample_rate: int) -> float:
    if len(wav) < LOUDNESS_BLOCK_S * sample_rate:
        return float("-inf")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return float(pyloudnorm.Meter(sample_rate).integrated_loudness(np.asarray(wav, np.float64)))
