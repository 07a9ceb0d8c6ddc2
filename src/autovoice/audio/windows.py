"""Cuts a stream of samples into overlapping windows, holding no more than one window."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np


@dataclass
class Window:
    """wav: lead + n_core + rest samples; start: position of wav[0] in the stream; the core is wav[lead : lead + n_core]."""

    wav: np.ndarray
    start: int
    lead: int
    n_core: int


def overlapping_windows(blocks: Iterable[np.ndarray], core: int, context: int) -> Iterator[Window]:
    """Windows whose cores tile the stream exactly; each core has up to `context` samples more on either side."""
    held, at, start = np.zeros(0, np.float32), 0, 0  # held[at] is the first sample of the next core
    for block in blocks:
        held = np.concatenate([held, block])
        while len(held) - at >= core + context:
            yield Window(held[: at + core + context], start, at, core)
            drop = max(0, at + core - context)
            held, start, at = held[drop:], start + drop, at + core - drop
    while len(held) > at:
        n_core = min(core, len(held) - at)
        yield Window(held[: at + n_core + context], start, at, n_core)
        drop = max(0, at + n_core - context)
        held, start, at = held[drop:], start + drop, at + n_core - drop


def array_blocks(wav: np.ndarray, sample_rate: int) -> Callable[[], Iterator[np.ndarray]]:
    """A factory of iterators over wav (T,) in blocks of 10 s."""
    size = 10 * sample_rate
    return lambda: (wav[i : i + size].astype(np.float32) for i in range(0, len(wav), size))
