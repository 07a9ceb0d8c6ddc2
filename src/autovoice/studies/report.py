"""A study of pretraining as people read it: Markdown tables with intervals, and a plot against what was varied."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib

from autovoice.files import replacing

matplotlib.use("Agg")
import matplotlib.pyplot as plt

COLUMNS = {  # key of study.json -> heading, digits
    "secs": ("SECS", 3),
    "campp": ("CAM++", 3),
    "cer": ("CER", 3),
    "dmos": ("Distill-MOS", 2),
    "copy_secs": ("own voice: SECS", 3),
    "copy_campp": ("own voice: CAM++", 3),
    "copy_dmos": ("own voice: Distill-MOS", 2),
}


def cell(value: dict[str, float], digits: int, sign: str = "") -> str:
    """mean [low, high]; a dash where it was not measured. sign: "+" before what is more than nothing."""
    if value.get("mean") is None:
        return "-"
    return "{} [{}, {}]".format(*(f"{value[name]:{sign}.{digits}f}" for name in ("mean", "low", "high")))


def table(lines: Sequence[Sequence[str]]) -> str:
    """Markdown of lines of cells, the first of which is the heading."""
    ruled = [lines[0], ["---"] * len(lines[0]), *lines[1:]]
    return "".join("| " + " | ".join(line) + " |\n" for line in ruled)


def is_measured(rows: Sequence[dict[str, Any]], key: str) -> bool:
    """Whether any row has the metric."""
    return any(row[key].get("mean") is not None for row in rows)


def markdown(rows: Sequence[dict[str, Any]]) -> str:
    """A line a variant: its size, and every metric that any of them has."""
    shown = {key: facts for key, facts in COLUMNS.items() if is_measured(rows, key)}
    lines = [["", "M parameters", "people", "steps", *(heading for heading, _ in shown.values())]]
    for row in rows:
        sizes = [row["name"], f"{row['parameters'] / 1e6:.1f}", str(row["people"]), str(row["steps"])]
        lines.append(sizes + [cell(row[key], digits) for key, (_, digits) in shown.items()])
    return table(lines)


def changes(rows: Sequence[dict[str, Any]]) -> str:
    """A line a variant but the first: what each metric differs by from the first one, pair by pair; "" without pairs."""
    shown = {key: facts for key, facts in COLUMNS.items() if any(key in row.get("change", {}) for row in rows)}
    if not shown:
        return ""
    lines = [[f"less “{rows[0]['name']}”", *(heading for heading, _ in shown.values())]]
    for row in rows[1:]:
        lines.append(
            [row["name"], *(cell(row["change"].get(key, {}), digits, "+") for key, (_, digits) in shown.items())]
        )
    return table(lines)


def plot(rows: Sequence[dict[str, Any]], axis: str, path: Path) -> None:
    """A panel a metric with intervals: against the axis (people, steps or parameters), or a bar a variant without one."""
    keys = [key for key in COLUMNS if not key.startswith("copy_") and is_measured(rows, key)]
    figure, axes = plt.subplots(1, len(keys), figsize=(3.6 * len(keys), 3.4), layout="constrained", squeeze=False)
    for panel, key in zip(axes[0], keys, strict=True):
        measured = [row for row in rows if row[key].get("mean") is not None]
        means, error = [row[key]["mean"] for row in measured], _error([row[key] for row in measured])
        if axis:
            panel.errorbar([row[axis] for row in measured], means, error, fmt="o-", capsize=3)
            panel.set(xscale="log", xlabel=axis)
        else:
            panel.errorbar(means, range(len(measured)), xerr=error, fmt="o", capsize=3)
            panel.set_yticks(range(len(measured)), [row["name"] for row in measured] if key == keys[0] else [])
            panel.invert_yaxis()
        panel.set_title(COLUMNS[key][0])
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=100, format="png", metadata={"Software": None})
    plt.close(figure)


def _error(values: Sequence[dict[str, float]]) -> list[list[float]]:
    return [[v["mean"] - v["low"] for v in values], [v["high"] - v["mean"] for v in values]]
