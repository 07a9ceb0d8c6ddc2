"""Separation: how much of a stem is what it should be.

si_sdr_db   dB, higher is better: energy of the reference in the estimate against all that is not it, at the best gain
            (Le Roux et al. 2019, "SDR - half-baked or well done?"). Infinite for a copy.
leakage_db  dB, lower is better: energy of the other source in the estimate against the reference's in it, by least squares on
            both; minus infinity where nothing leaks.
Failure: NaN for silence.
"""

import numpy as np


def si_sdr_db(reference: np.ndarray, estimate: np.ndarray) -> float:
    """Two aligned signals (T,) -> dB; NaN where either is silent."""
    reference, estimate = np.asarray(reference, np.float64), np.asarray(estimate, np.float64)
    energy = float(reference @ reference)
    if energy == 0 or float(estimate @ estimate) == 0:
        return float("nan")
    target = (estimate @ reference) / energy * reference
    rest = float(np.sum((estimate - target) ** 2))
    own = float(target @ target)
    return float("inf") if rest <= 1e-20 * own else 10 * float(np.log10(max(own, 1e-20 * rest) / rest))


def leakage_db(reference: np.ndarray, other: np.ndarray, estimate: np.ndarray) -> float:
    """Aligned signals (T,): what the estimate should be, the other source, the estimate -> dB; NaN where one is silent."""
    basis = np.stack([np.asarray(reference, np.float64), np.asarray(other, np.float64)], 1)
    if not (basis**2).sum(0).all():
        return float("nan")
    (own, leaked), *_ = np.linalg.lstsq(basis, np.asarray(estimate, np.float64), rcond=None)
    energies = (basis**2).sum(0) * np.array([own, leaked]) ** 2
    if energies[0] == 0:
        return float("nan")
    return 10 * float(np.log10(energies[1] / energies[0])) if energies[1] > 0 else float("-inf")
