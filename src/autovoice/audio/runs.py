"""Stretches of a mask over frames."""

import itertools

import numpy as np


def runs(mask: np.ndarray) -> list[tuple[int, int]]:
    """mask (T,) bool -> [start, stop) of each run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(np.int8), [0]])))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def closed(mask: np.ndarray, gap: int) -> np.ndarray:
    """The mask (T,) with gaps shorter than `gap` frames between two runs filled."""
    filled = mask.copy()
    for (_, before), (after, _) in itertools.pairwise(runs(mask)):
        if after - before < gap:
            filled[before:after] = True
    return filled
