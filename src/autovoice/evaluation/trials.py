"""Which conversions a protocol asks for: sources and targets in, trials out; nothing is read or written here."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from autovoice.errors import DataError
from autovoice.evaluation.clips import Clip, Target

Pairing = tuple[Clip, Target]


@dataclass
class Trial:
    """One conversion to make. seconds: of reference; kind: conversion, copy or singing (docs/evaluation.md)."""

    source: Clip
    target: Target
    seconds: float
    kind: str = "conversion"


def paired(sources: Sequence[Clip], targets: Sequence[Target], n: int, rng: np.random.Generator) -> list[Pairing]:
    """n pairs: each target gets a source of another person, then each a second one, and so on, drawn without repeats.

    Raises DataError where these people give fewer.
    """
    drawn: list[list[Clip]] = []
    for target in targets:
        others = [source for source in sources if source.person.name != target.person.name]
        drawn.append([others[i] for i in rng.permutation(len(others))[: -(-n // len(targets))]])
    turns = max(map(len, drawn), default=0)
    pairs = [
        (own[turn], target)
        for turn in range(turns)
        for own, target in zip(drawn, targets, strict=True)
        if turn < len(own)
    ]
    if len(pairs) < n:
        where, remedy = f"protocol.n_pairs={n}", "ask for fewer, or name a larger corpus"
        raise DataError(
            f"these {len(sources)} sources and {len(targets)} targets give {len(pairs)} pairs", where, remedy
        )
    return pairs[:n]


def trials_of(pairs: Sequence[Pairing], kind: str = "conversion") -> list[Trial]:
    """A trial a pair and length of reference, the shortest length first."""
    lengths = sorted({seconds for _, target in pairs for seconds in target.references})
    return [Trial(source, target, s, kind) for s in lengths for source, target in pairs if s in target.references]


def crossed(sources: Sequence[Clip], targets: Sequence[Target]) -> list[Trial]:
    """Every source into every target."""
    return trials_of([(source, target) for target in targets for source in sources])


def copies(targets: Sequence[Target]) -> list[Trial]:
    """Each target's ceiling in the target's own voice: the reference comes from elsewhere."""
    own = [(Clip(t.ceiling, t.person, t.recordings), t) for t in targets if t.ceiling is not None]
    return trials_of(own, "copy")


def shortfalls(targets: Sequence[Target], lengths: Sequence[float]) -> list[str]:
    """A sentence a length that not everyone has enough speech for."""
    found = []
    for seconds in lengths:
        lacking = [target.person.name for target in targets if seconds not in target.references]
        if lacking:
            names = ", ".join(lacking[:5]) + (f" and {len(lacking) - 5} more" if len(lacking) > 5 else "")
            found.append(f"{seconds:g} s of reference: left out {names}, who have less speech")
    return found
