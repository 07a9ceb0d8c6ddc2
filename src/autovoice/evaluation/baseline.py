"""The committed baseline: what one or several runs gave, on which data, with which weights, and why it was taken."""

from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from autovoice.errors import DataError
from autovoice.evaluation.items import Item, items_of, read_items
from autovoice.evaluation.sanity import finite
from autovoice.files import read_json, write_json

REMEDY = "make one with autovoice gate DIR --update REASON"


def read_summary(path: Path) -> dict[str, Any]:
    """summary.json as evaluation wrote it; raises DataError when it is missing or not one. NaN stays NaN: sanity names it."""
    summary = read_json(path, "autovoice evaluate")
    if not isinstance(summary, dict) or not isinstance(summary.get("systems"), dict) or not summary["systems"]:
        raise DataError("holds no systems", str(path), "run autovoice evaluate again")
    for system, metrics in summary["systems"].items():
        if not isinstance(metrics, dict) or not all(isinstance(metric, dict) for metric in metrics.values()):
            raise DataError(f"holds no metrics of {system}", str(path), "run autovoice evaluate again")
    return summary


def spread_of(runs: list[list[Item]]) -> dict[str, dict[str, float]]:
    """system -> metric -> how much the mean of a system moves from run to run: deviation of the runs' means.

    Only items that every run has count; empty for a single run.
    """
    if len(runs) < 2:
        return {}
    shared = set.intersection(*({item.key for item in run} for run in runs))
    means: dict[tuple[str, str], list[float]] = defaultdict(list)
    for run in runs:
        values: dict[tuple[str, str], list[float]] = defaultdict(list)
        for item in run:
            for metric, value in item.values.items():
                if item.key in shared and value is not None and finite(value):
                    values[item.system, metric].append(value)
        for name, own in values.items():
            means[name].append(float(np.mean(own)))
    spread: dict[str, dict[str, float]] = defaultdict(dict)
    for (system, metric), own in means.items():
        spread[system][metric] = round(float(np.std(own, ddof=1)), 6) if len(own) > 1 else 0.0
    return dict(spread)


def write_baseline(folder: Path, summary: dict[str, Any], reason: str, target: Path, others: list[Path]) -> None:
    """Makes an evaluation the baseline: means, provenance, every pair, the spread over `others` (more runs), and why.

    Raises DataError if the evaluation is incomplete or holds a value that is not a number: no run could be compared with it.
    """
    path = folder / "pairs.csv"
    if not path.is_file() or "provenance" not in summary:
        raise DataError("is not a whole evaluation", str(folder), "run autovoice evaluate again")
    for system, metrics in summary["systems"].items():
        for name, metric in metrics.items():
            if metric.get("mean") is not None and not finite(metric["mean"]):
                raise DataError(f"{name} of {system} is not a number", str(folder), "run autovoice evaluate again")
    items = read_items(path)
    runs = [items, *(read_items(other / "pairs.csv") for other in others)]
    lines = [item.who | item.files | item.hashes | item.values for item in items]
    parts = {"reason": reason, "provenance": summary["provenance"], "systems": summary["systems"]}
    write_json(target, parts | {"n_runs": len(runs), "spread": spread_of(runs), "pairs": lines})


def read_baseline(path: Path, required: bool) -> tuple[dict[str, Any], list[Item]] | None:
    """(baseline, its items); None when there is none and none is required; raises DataError otherwise."""
    if not path.is_file():
        if required:
            raise DataError("no such baseline", str(path), REMEDY)
        return None
    baseline = read_summary(path)
    if "provenance" not in baseline or not isinstance(baseline.get("pairs"), list):
        raise DataError("is not a baseline", str(path), REMEDY)
    if "definitions" not in baseline["provenance"]:
        raise DataError("is a baseline of another version: it names no definitions of its metrics", str(path), REMEDY)
    return baseline, items_of(baseline["pairs"], path)
