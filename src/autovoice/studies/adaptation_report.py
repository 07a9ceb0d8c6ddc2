"""A study of adaptation as people read it: a table by seconds and variant, and a plot against seconds and against steps."""

from collections.abc import Callable, Sequence
from pathlib import Path

import matplotlib
import numpy as np

from autovoice.config import EvaluateConfig
from autovoice.evaluation.statistics import interval
from autovoice.files import replacing
from autovoice.studies.adaptation import METRICS, SPEAKER, StudyRow
from autovoice.studies.report import table

matplotlib.use("Agg")
import matplotlib.pyplot as plt

HEADINGS = {"secs": "SECS", "campp": "CAM++", "cer": "CER"}
Rows = Sequence[StudyRow]


def values(rows: Rows, metric: str) -> list[float]:
    """What was measured of a metric; failures are left out."""
    return [float(row[metric]) for row in rows if row[metric]]


def mean(rows: Rows, metric: str) -> float:
    """NaN where nothing was measured."""
    found = values(rows, metric)
    return float(np.mean(found)) if found else float("nan")


def middle(rows: Rows, metric: str) -> float:
    """What a plot shows of a metric: the mean, of CER the median, since a recogniser that loops says anything up to 20."""
    return float(np.median(values(rows, metric) or [float("nan")])) if metric == "cer" else mean(rows, metric)


def base(rows: Rows) -> list[StudyRow]:
    """Conversions by the base, before any step."""
    return [row for row in rows if row["step"] == "0"]


def chosen(rows: Rows) -> list[StudyRow]:
    """Conversions by the weights that an adaptation chose."""
    return [row for row in rows if row["chosen"] == "1"]


def last(rows: Rows) -> list[StudyRow]:
    """Conversions after the last step of each adaptation."""
    ends: dict[str, int] = {}
    for row in rows:
        ends[row["key"]] = max(ends.get(row["key"], 0), int(row["step"]))
    return [row for row in rows if int(row["step"]) == ends[row["key"]]]


def markdown(rows: Rows, evaluate: EvaluateConfig, seed: int) -> str:
    """A line a length and variant: the base, the chosen weights with an interval, the last ones; ceilings below."""
    parts = [f"{HEADINGS[name]} {when}" for name in METRICS for when in ("base", "chosen", "last")]
    lines = [["seconds", "variant", "readers", "step chosen", *parts]]
    for seconds, variant, own in _groups(rows):
        readers = len({row["reader"] for row in own})
        line = [seconds, variant, str(readers), f"{np.mean([int(row['step']) for row in chosen(own)]):.0f}"]
        for name in METRICS:
            cell = _interval(chosen(own), name, evaluate, seed)
            line += [_digits(mean(base(own), name)), cell, _digits(mean(last(own), name))]
        lines.append(line)
    ceilings = ", ".join(f"{HEADINGS[name]} {_digits(mean(rows, f'{name}_ceiling'))}" for name in SPEAKER)
    failed = sum(bool(row["fault"]) for row in rows)
    return (
        f"{table(lines)}\nTwo recordings of one reader: {ceilings}. Conversions that failed: {failed} of {len(rows)}.\n"
    )


def _groups(rows: Rows) -> list[tuple[str, str, list[StudyRow]]]:
    names = dict.fromkeys((row["seconds"], row["variant"]) for row in rows)
    return [(s, v, [row for row in rows if (row["seconds"], row["variant"]) == (s, v)]) for s, v in names]


def _interval(rows: Rows, metric: str, evaluate: EvaluateConfig, seed: int) -> str:
    measured = [row for row in rows if row[metric]]
    if not measured:
        return "-"
    clusters = [row["reader"] for row in measured]
    found = interval(values(measured, metric), clusters, evaluate.n_bootstrap, evaluate.confidence, seed)
    return "{} [{}, {}]".format(*map(_digits, found))


def _digits(value: float) -> str:
    return f"{value:.3f}" if np.isfinite(value) else "-"


def plot(rows: Rows, path: Path) -> None:
    """PNG: a column a metric; above the chosen weights against seconds, below every measured step, a line a variant."""
    figure, axes = plt.subplots(2, len(METRICS), figsize=(11, 6), layout="constrained")
    for column, name in enumerate(METRICS):
        above, below = axes[:, column]
        _curve(above, base(rows), name, lambda row: (float(row["seconds"]), "base"), "o--")
        _curve(above, chosen(rows), name, lambda row: (float(row["seconds"]), row["variant"]), "o-")
        _curve(below, rows, name, lambda row: (float(row["step"]), row["variant"]), "o-")
        above.set(
            title=HEADINGS[name] + (" (median)" if name == "cer" else ""), xscale="log", xlabel="seconds of the voice"
        )
        below.set(xlabel="steps (mean of all lengths)")
    axes[0, 0].legend()
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=100, format="png", metadata={"Software": None})
    plt.close(figure)


def _curve(axis: plt.Axes, rows: Rows, metric: str, place: Callable[[StudyRow], tuple[float, str]], style: str) -> None:
    """Means, of CER medians, by place(row) = (x, label), a line a label."""
    points: dict[str, dict[float, list[StudyRow]]] = {}
    for row in rows:
        x, label = place(row)
        points.setdefault(label, {}).setdefault(x, []).append(row)
    for label, by_x in points.items():
        xs = sorted(by_x)
        axis.plot(
            xs, [middle(by_x[x], metric) for x in xs], style, label=label, color="gray" if label == "base" else None
        )
