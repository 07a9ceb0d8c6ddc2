"""Sample rate conversion by soxr."""

import numpy as np
import soxr


def resample(wav: np.ndarray, old_rate: float, new_rate: float) -> np.ndarray:
    """wav (T,) float32 at old_rate -> float32 at new_rate, about T * new_rate / old_rate samples."""
    return wav if old_rate == new_rate else soxr.resample(wav, old_rate, new_rate).astype(np.float32)
