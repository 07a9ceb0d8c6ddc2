"""What listeners said: opinions of each system, preferences of each pair, and whose ratings can be trusted."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np

from autovoice.errors import DataError
from autovoice.evaluation.listening_cases import TARGET
from autovoice.evaluation.listening_results import Rating
from autovoice.evaluation.listening_trials import MIN_CHECKS
from autovoice.evaluation.statistics import MIN_CLUSTERS, binomial_p, crossed_means, holm

MAX_WRONG = 0.15  # of the hidden checks, as in the post-screening of ITU-R BS.1534
MIN_RATINGS = 10  # with fewer of them, or under four listeners or items, an interval would pretend
CONFIDENCE = 0.95
Numbers = dict[str, Any]
Key = tuple[str, str]


def summarise_ratings(ratings: Sequence[Rating], n_bootstrap: int = 2000, seed: int = 0) -> Numbers:
    """Counts; `listeners` (by kind and name); `opinions`, a line a question and system; `preferences`, a line a pair.

    Every number twice: `kept`, without those who failed the hidden checks, and `everyone`. Raises DataError for no ratings.
    """
    if not ratings:
        raise DataError("there are no ratings yet", "", "let somebody listen first: autovoice listen DIR")
    listeners = {kind: screening([r for r in ratings if r.kind == kind]) for kind in sorted({r.kind for r in ratings})}
    kept = [r for r in ratings if listeners[r.kind][r.listener]["failed"] is not True]
    groups = {"everyone": list(ratings), "kept": kept}
    rated = {name: opinions(own, n_bootstrap, seed) for name, own in groups.items()}
    compared = {name: preferences(own, n_bootstrap, seed) for name, own in groups.items()}
    return {
        "ratings": len(ratings),
        "listeners": listeners,
        "opinions": [{"question": q, "system": s} | found for (q, s), found in _side_by_side(rated)],
        "preferences": [{"systems": list(pair)} | found for pair, found in _side_by_side(compared)],
    }


def _side_by_side(groups: dict[str, dict[Key, Numbers]]) -> list[tuple[Key, Numbers]]:
    names = dict.fromkeys(name for group in groups.values() for name in group)
    return [(name, {key: group.get(name) for key, group in groups.items()}) for name in names]


def screening(ratings: Sequence[Rating]) -> dict[str, Numbers]:
    """name -> ratings, checks, wrong, failed (None under two checks). All ratings are of one kind.

    A check is wrong where the low anchor was rated above the high one of the same item, or where the recording of the
    target itself was not found; more than 15 % of them wrong is failed.
    """
    found = {}
    for name in sorted({r.listener for r in ratings}):
        own = [r for r in ratings if r.listener == name]
        checks = [*_anchors_mixed_up(own), *(_chosen(r) != TARGET for r in own if r.role == "catch")]
        failed = sum(checks) > MAX_WRONG * len(checks) if len(checks) >= MIN_CHECKS else None
        found[name] = {"ratings": len(own), "checks": len(checks), "wrong": sum(checks), "failed": failed}
    return found


def _anchors_mixed_up(own: Sequence[Rating]) -> list[bool]:
    rated: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    for r in own:
        if r.role in ("high", "low"):
            rated[r.question, r.item][r.role] = int(r.answer)
    return [pair["low"] > pair["high"] for pair in rated.values() if len(pair) == 2]


def _chosen(rating: Rating) -> str:
    return rating.system_a if rating.answer == "a" else rating.system_b


def opinions(ratings: Sequence[Rating], n_bootstrap: int, seed: int) -> dict[Key, Numbers]:
    """(question, system) -> mean opinion score, 1 to 5, with its interval; hidden anchors are systems too."""
    by_system: dict[Key, list[Rating]] = defaultdict(list)
    for r in ratings:
        if r.kind == "mos":
            by_system[r.question, r.system_a].append(r)
    return {
        name: _numbers([float(r.answer) for r in own], own, n_bootstrap, seed)[0]
        for name, own in sorted(by_system.items())
    }


def preferences(ratings: Sequence[Rating], n_bootstrap: int, seed: int) -> dict[Key, Numbers]:
    """(first, second) -> how often the first was chosen, 0 to 1, its interval, p, and p adjusted by Holm for all pairs.

    p is the larger of the exact binomial's and the bootstrap's: the one ignores who rated, the other is lenient to few.
    """
    by_pair: dict[Key, list[Rating]] = defaultdict(list)
    for r in ratings:
        if r.kind == "abx" and r.role == "test":
            by_pair[min(r.system_a, r.system_b), max(r.system_a, r.system_b)].append(r)
    found: dict[Key, Numbers] = {}
    for pair, own in sorted(by_pair.items()):
        wins = [float(_chosen(r) == pair[0]) for r in own]
        numbers, means = _numbers(wins, own, n_bootstrap, seed)
        below, above = float((means <= 0.5).mean()), float((means >= 0.5).mean())
        p = max(binomial_p(int(sum(wins)), len(wins)), min(1.0, 2 * min(below, above)))
        found[pair] = numbers | {"p": p if numbers["enough"] else None}
    adjusted = holm({"\n".join(pair): numbers["p"] for pair, numbers in found.items() if numbers["enough"]})
    return {pair: numbers | {"p_holm": adjusted.get("\n".join(pair))} for pair, numbers in found.items()}


def _numbers(values: Sequence[float], own: Sequence[Rating], n_bootstrap: int, seed: int) -> tuple[Numbers, np.ndarray]:
    listeners, items = [r.listener for r in own], [r.item for r in own]
    counts = {"n": len(own), "listeners": len(set(listeners)), "items": len(set(items))}
    enough = len(own) >= MIN_RATINGS and min(counts["listeners"], counts["items"]) >= MIN_CLUSTERS
    means = crossed_means(values, listeners, items, n_bootstrap, seed)
    tail = 50 * (1 - CONFIDENCE)
    low, high = map(float, np.percentile(means, [tail, 100 - tail])) if enough else (None, None)
    return counts | {"enough": enough, "mean": float(np.mean(values)), "low": low, "high": high}, means
