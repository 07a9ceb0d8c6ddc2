"""A study of pretraining as people read it: Markdown tables with intervals, and a plot against what was varied."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib

from autovoice.files import replacing

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, NullLocator

COLUMNS = {  # key of study.json -> heading, digits
    "secs": ("SECS", 3),
    "campp": ("CAM++", 3),
    "cer": ("CER", 3),
    "dmos": ("Distill-MOS", 2),
    "copy_secs": ("own voice: SECS", 3),
    "copy_campp": ("own voice: CAM++", 3),
    "copy_cer": ("own voice: CER", 3),
    "copy_dmos": ("own voice: Distill-MOS", 2),
    "copy_mrstft": ("own voice: STFT distance", 3),
}
OWN = "copy_"  # what keys of copies of the own voice begin with
Values = dict[str, dict[str, float]]  # variant -> mean, low, high


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
    """Writes drawing(rows, axis) as PNG."""
    figure = drawing(rows, axis)
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=100, format="png", metadata={"Software": None})
    plt.close(figure)


def drawing(rows: Sequence[dict[str, Any]], axis: str) -> Figure:
    """A panel a metric with intervals: against the axis (people, steps or parameters), or a bar a variant without one.

    Against an axis, conversions and copies of the own voice are two lines; bars are differences from the first variant
    where there are any.
    """
    if axis:
        return _curves(rows, axis)
    keys = [key for key in COLUMNS if not key.startswith(OWN) and is_measured(rows, key)]
    paired = any(row.get("change") for row in rows)
    height = max(3.4, 0.3 * len(rows))
    figure, axes = plt.subplots(1, len(keys), figsize=(3.6 * len(keys), height), layout="constrained", squeeze=False)
    for panel, key in zip(axes[0], keys, strict=True):
        found = {row["name"]: row.get("change", {}).get(key, {}) if paired else row[key] for row in rows}
        _bars(panel, {name: v for name, v in found.items() if v.get("mean") is not None}, named=key == keys[0])
        panel.set_title(COLUMNS[key][0])
        if paired:
            panel.axvline(0, color="gray", linewidth=0.8)
            panel.set_xlabel(f"less “{rows[0]['name']}”")
    return figure


def _two_digits(value: float) -> str:
    """1.6k, 13M."""
    return EngFormatter(sep="").format_eng(float(f"{value:.2g}"))


def _curves(rows: Sequence[dict[str, Any]], axis: str) -> Figure:
    """Each metric against rows[axis], of conversions and of copies."""
    rows = sorted(rows, key=lambda row: row[axis])
    measured = [key for key in COLUMNS if is_measured(rows, key)]
    metrics = list(dict.fromkeys(key.removeprefix(OWN) for key in measured))
    figure, axes = plt.subplots(1, len(metrics), figsize=(3.6 * len(metrics), 3.4), layout="constrained", squeeze=False)
    for panel, metric in zip(axes[0], metrics, strict=True):
        for key, label, color in ((metric, "other people's", "C0"), (OWN + metric, "own voice", "C1")):
            found = [(row[axis], row[key]) for row in rows if key in measured and row[key].get("mean") is not None]
            if found:
                at, values = zip(*found, strict=True)
                means = [value["mean"] for value in values]
                panel.errorbar(at, means, _error(values), fmt="o-", capsize=3, label=label, color=color)
        panel.set_title(COLUMNS[metric if metric in COLUMNS else OWN + metric][0].removeprefix("own voice: "))
        panel.set(xscale="log", xlabel=axis)
        panel.set_xticks([row[axis] for row in rows])
        panel.tick_params("x", labelrotation=45)  # sizes lie close together
        panel.xaxis.set(major_formatter=lambda value, _: _two_digits(value), minor_locator=NullLocator())
        panel.legend()
    return figure


def _bars(panel: plt.Axes, values: Values, named: bool) -> None:
    places = range(len(values))
    panel.errorbar([v["mean"] for v in values.values()], places, xerr=_error(list(values.values())), fmt="o", capsize=3)
    panel.set_yticks(places, list(values) if named else [])
    panel.invert_yaxis()


def _error(values: Sequence[dict[str, float]]) -> list[list[float]]:
    """How far intervals reach below and above their means."""
    return [[v["mean"] - v["low"] for v in values], [v["high"] - v["mean"] for v in values]]
