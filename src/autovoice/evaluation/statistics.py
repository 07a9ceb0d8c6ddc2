"""Means and paired differences with bootstrap intervals: clustered by who speaks to whom, or by listener and item."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

MIN_CLUSTERS = 4


def _bootstrap_means(data: np.ndarray, clusters: Sequence[str], n_bootstrap: int, seed: int) -> np.ndarray:
    """Means of resampled data (n_bootstrap,): whole clusters are drawn, single items where there are under four."""
    names = sorted(set(clusters))
    if len(names) < MIN_CLUSTERS:
        groups = [data[i : i + 1] for i in range(len(data))]
    else:
        keys = np.asarray(clusters)
        groups = [data[keys == name] for name in names]
    sums, counts = np.array([g.sum() for g in groups]), np.array([len(g) for g in groups])
    draws = np.random.default_rng(seed).integers(0, len(groups), (n_bootstrap, len(groups)))
    return sums[draws].sum(1) / counts[draws].sum(1)


def interval(
    values: Sequence[float], clusters: Sequence[str], n_bootstrap: int, confidence: float, seed: int
) -> tuple[float, float, float]:
    """(mean, low, high) by the percentile bootstrap (Efron 1979), whole clusters resampled (pairs where under four).

    Pairs of one source and target speaker are not independent: resampling pairs would make intervals too narrow.
    """
    data = np.asarray(values, np.float64)
    means = _bootstrap_means(data, clusters, n_bootstrap, seed)
    tail = 100 * (1 - confidence) / 2
    low, high = np.percentile(means, [tail, 100 - tail])
    return float(data.mean()), float(low), float(high)


@dataclass
class Difference:
    """A paired difference after - before: mean, its interval, effect (mean over deviation, Cohen's d_z), two-sided p."""

    mean: float
    low: float
    high: float
    effect: float
    p: float
    n: int


def paired_difference(
    before: Sequence[float],
    after: Sequence[float],
    clusters: Sequence[str],
    n_bootstrap: int = 2000,
    confidence: float = 0.95,
    seed: int = 0,
) -> Difference:
    """Means of the same items twice; the interval and p come from the clustered bootstrap of the differences.

    p is twice the smaller share of resampled means on one side of zero, at least 1 / n_bootstrap; effect is infinite where
    all differences are the same and not zero.
    """
    change = np.asarray(after, np.float64) - np.asarray(before, np.float64)
    means = _bootstrap_means(change, clusters, n_bootstrap, seed)
    tail = 100 * (1 - confidence) / 2
    low, high = np.percentile(means, [tail, 100 - tail])
    spread, mean = float(change.std(ddof=1)) if len(change) > 1 else 0.0, float(change.mean())
    effect = mean / spread if spread > 0 else (0.0 if mean == 0 else math.copysign(math.inf, mean))
    p = min(1.0, max(1 / n_bootstrap, 2 * min(float((means <= 0).mean()), float((means >= 0).mean()))))
    return Difference(mean, float(low), float(high), effect, p, len(change))


def crossed_means(
    values: Sequence[float], rows: Sequence[str], columns: Sequence[str], n_bootstrap: int = 2000, seed: int = 0
) -> np.ndarray:
    """Means (at most n_bootstrap,) of values whose rows (listeners) and columns (items) are both drawn anew.

    A value counts as often as its row times its column was drawn (the pigeonhole bootstrap, Owen 2007), so that neither the
    ratings of one listener nor those of one item count as independent. Draws without any value are left out.
    """
    row_names, row_of = np.unique(np.asarray(rows, str), return_inverse=True)
    column_names, column_of = np.unique(np.asarray(columns, str), return_inverse=True)
    sums, counts = np.zeros((2, len(row_names), len(column_names)))
    np.add.at(sums, (row_of, column_of), np.asarray(values, np.float64))
    np.add.at(counts, (row_of, column_of), 1)
    rng = np.random.default_rng(seed)
    drawn_rows, drawn_columns = (
        rng.multinomial(n, np.full(n, 1 / n), n_bootstrap).astype(np.float64)
        for n in (len(row_names), len(column_names))
    )
    total, weight = (((drawn_rows @ table) * drawn_columns).sum(1) for table in (sums, counts))
    return total[weight > 0] / weight[weight > 0]


def binomial_p(successes: int, n: int) -> float:
    """Two-sided exact p of so many successes in n fair tosses; 1 for none."""
    fewer = min(successes, n - successes)
    return min(1.0, 2 * sum(math.comb(n, k) for k in range(fewer + 1)) / 2**n)


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """p-values adjusted for having looked at all of them (Holm 1979)."""
    adjusted, highest = {}, 0.0
    for rank, (name, p) in enumerate(sorted(p_values.items(), key=lambda pair: pair[1])):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p))
        adjusted[name] = highest
    return adjusted
