"""Two evaluations item by item: paired differences with intervals, corrected for having looked at many metrics."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.table import Table

from autovoice.errors import DataError
from autovoice.evaluation.anchors import ANCHOR
from autovoice.evaluation.cache import MeasureCache
from autovoice.evaluation.items import Item
from autovoice.evaluation.regression import NOT_COMPARED
from autovoice.evaluation.report_clips import make_clips
from autovoice.evaluation.report_data import Clips, direction, metrics_of, row_of, severity
from autovoice.evaluation.rows import METRICS
from autovoice.evaluation.statistics import Difference, holm, paired_difference

ALPHA = 0.05
N_BOOTSTRAP = 10000  # the smallest p is its inverse; Holm multiplies it by the number of metrics
Pairs = list[tuple[Item, Item]]


@dataclass
class Change:
    """One metric of one system: means of the same items before and after, the difference, p after Holm, what it says."""

    system: str
    metric: str
    before: float
    after: float
    difference: Difference
    p_holm: float | None
    verdict: str


def system_names(before: list[Item], after: list[Item], match: Mapping[str, str]) -> dict[str, str]:
    """System of the first run -> that of the second: equal names, those of `match`, or the only one of each run."""
    old, new = (dict.fromkeys(i.system for i in run if not i.system.startswith(ANCHOR)) for run in (before, after))
    for first, second in match.items():
        for name, run in ((first, old), (second, new)):
            if name not in run:
                raise DataError(f"no system {name!r}", "--match", f"choose from {', '.join(run)}")
    names = {name: name for name in old if name in new and name not in match} | dict(match)
    if not names and len(old) == len(new) == 1:
        names = dict(zip(old, new, strict=True))
    return names


def paired(before: list[Item], after: list[Item], match: Mapping[str, str]) -> dict[str, Pairs]:
    """System of the second run -> the items that both runs have, known by the audio of source and references.

    Raises DataError when the runs have nothing in common.
    """
    names, now = system_names(before, after, match), {item.key: item for item in after}
    found: dict[str, Pairs] = {}
    for item in before:
        other = now.get((names.get(item.system, ""), *item.key[1:]))
        if other:
            found.setdefault(other.system, []).append((item, other))
    if not found:
        what = "the runs share no item: no system with the same source and references"
        raise DataError(what, "", "name the systems to compare with --match FIRST=SECOND")
    return found


def changes(pairs: dict[str, Pairs], min_items: int, confidence: float = 0.95, seed: int = 0) -> list[Change]:
    """Every metric of every system; p is corrected by Holm over the metrics of a system."""
    return [change for system, own in pairs.items() for change in _changes(system, own, min_items, confidence, seed)]


def _both(pairs: Pairs, metric: str) -> list[tuple[float, float, str]]:
    values = ((a.values.get(metric), b.values.get(metric), a.cluster) for a, b in pairs)
    return [
        (a, b, c) for a, b, c in values if a is not None and b is not None and math.isfinite(a) and math.isfinite(b)
    ]


def _changes(system: str, pairs: Pairs, min_items: int, confidence: float, seed: int) -> list[Change]:
    found: list[Change] = []
    for metric in METRICS:
        both = _both(pairs, metric)
        if both:
            old, new, clusters = (list(column) for column in zip(*both, strict=True))
            difference = paired_difference(old, new, clusters, N_BOOTSTRAP, confidence, seed)
            found.append(Change(system, metric, sum(old) / len(old), sum(new) / len(new), difference, None, ""))
    judged = {c.metric: c.difference.p for c in found if c.metric not in NOT_COMPARED and c.difference.n >= min_items}
    corrected = holm(judged)
    for change in found:
        change.p_holm = corrected.get(change.metric)
        change.verdict = _verdict(change)
    return found


def _verdict(change: Change) -> str:
    if change.metric in NOT_COMPARED:
        return "not judged: depends on the machine"
    if change.p_holm is None:
        return "not enough data"
    if change.p_holm >= ALPHA or change.difference.mean == 0:
        return "no difference shown"
    sign = direction(change.metric)
    return "changed" if not sign else ("better" if sign * change.difference.mean > 0 else "worse")


def as_json(change: Change) -> dict[str, Any]:
    """For machines; an effect that is not finite is null."""
    d = change.difference
    effect = d.effect if math.isfinite(d.effect) else None
    numbers = {"difference": d.mean, "low": d.low, "high": d.high, "effect": effect, "p": d.p, "n": d.n}
    who = {"system": change.system, "metric": change.metric, "before": change.before, "after": change.after}
    return who | numbers | {"p_holm": change.p_holm, "verdict": change.verdict}


def changes_table(found: list[Change]) -> Table:
    """For people: a line a metric of a system."""
    table = Table("system", "metric", "A", "B", "B - A [95 %]", "effect", "p (Holm)", "n", "says", title="B against A")
    colours = {"better": "green", "worse": "red", "changed": "yellow"}
    for c in found:
        d, colour = c.difference, colours.get(c.verdict, "default")
        change, p = f"{d.mean:+.3g} [{d.low:.3g}, {d.high:.3g}]", "" if c.p_holm is None else f"{c.p_holm:.3f}"
        numbers = (f"{c.before:.3g}", f"{c.after:.3g}", change, f"{d.effect:.2g}", p, str(d.n))
        table.add_row(c.system, c.metric, *numbers, f"[{colour}]{c.verdict}[/]")
    return table


def compare_data(pairs: dict[str, Pairs], found: list[Change], kept: MeasureCache, num_workers: int) -> dict[str, Any]:
    """Everything that the script of a comparison needs: v is the difference, was the two values."""
    flat = [pair for own in pairs.values() for pair in own]
    rows, clips = [], Clips()
    for before, after in flat:
        row, old = row_of(after), row_of(before)
        row["was"] = {name: [old["v"][name], value] for name, value in row["v"].items() if name in old["v"]}
        row["v"] = {name: round(b - a, 6) for name, (a, b) in row["was"].items()}
        row["failed"] = {f"{name}": f"A: {why}" for name, why in before.faults.items()} | after.faults
        row["same"] = before.hashes["converted_sha"] == after.hashes["converted_sha"]
        rows.append(row)
    for i in sorted(range(len(rows)), key=lambda i: _worst(rows[i]), reverse=True):
        rows[i]["clips"] = clips.take(_files(*flat[i]))
    systems: dict[str, dict[str, list[float | None]]] = {}
    for change in found:
        d = change.difference
        systems.setdefault(change.system, {})[change.metric] = [d.mean, d.low, d.high, None, None]
    made = make_clips(clips.paths, kept, num_workers)
    metrics = [metric | {"neutral": 0} for metric in metrics_of(rows)]
    return {"mode": "compare", "metrics": metrics, "rows": rows, "clips": made, "systems": systems}


def _worst(row: dict[str, Any]) -> float:
    """By the judge of similarity, else by what was heard."""
    return max(severity("campp", row["v"].get("campp"), 0.0), severity("cer", row["v"].get("cer"), 0.0))


def _files(before: Item, after: Item) -> list[tuple[str, Path]]:
    return [
        ("source", after.paths("source")[0]),
        ("reference", after.paths("target_refs")[0]),
        ("A", before.paths("converted")[0]),
        ("B", after.paths("converted")[0]),
    ]


def differing(before: dict[str, Any], after: dict[str, Any], path: str = "") -> list[tuple[str, str, str]]:
    """(what, in A, in B) of two provenances: everything that differs."""
    found: list[tuple[str, str, str]] = []
    for key in sorted({*before, *after}):
        a, b = before.get(key), after.get(key)
        if isinstance(a, dict) and isinstance(b, dict):
            found += differing(a, b, f"{path}{key} ")
        elif a != b:
            found.append((f"{path}{key}", _short(a), _short(b)))
    return found


def _short(value: Any) -> str:
    text = "none" if value is None else str(value)
    return text[:12] if len(text) == 64 or len(text) == 40 else text
