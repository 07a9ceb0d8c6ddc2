"""Means with bootstrap intervals, clustered by who speaks to whom."""

from collections.abc import Sequence

import numpy as np

MIN_CLUSTERS = 4


def interval(
    values: Sequence[float], clusters: Sequence[str], n_bootstrap: int, confidence: float, seed: int
) -> tuple[float, float, float]:
    """(mean, low, high) by the percentile bootstrap (Efron 1979), whole clusters resampled (pairs where under four).

    Pairs of one source and target speaker are not independent: resampling pairs would make intervals too narrow.
    """
    data = np.asarray(values, np.float64)
    names = sorted(set(clusters))
    if len(names) < MIN_CLUSTERS:
        groups = [data[i : i + 1] for i in range(len(data))]
    else:
        keys = np.asarray(clusters)
        groups = [data[keys == name] for name in names]
    sums, counts = np.array([g.sum() for g in groups]), np.array([len(g) for g in groups])
    draws = np.random.default_rng(seed).integers(0, len(groups), (n_bootstrap, len(groups)))
    means = sums[draws].sum(1) / counts[draws].sum(1)
    tail = 100 * (1 - confidence) / 2
    low, high = np.percentile(means, [tail, 100 - tail])
    return float(data.mean()), float(low), float(high)
