"""Evaluation end to end: a table of pairs in; summary.json, pairs.csv, plots and report.html out."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.table import Table

from autovoice.config import EvaluateConfig
from autovoice.errors import DataError
from autovoice.evaluation.cache import MeasureCache
from autovoice.evaluation.compute import METRICS, Row, compute
from autovoice.evaluation.pairs import read_pairs
from autovoice.evaluation.report import write_plots, write_report
from autovoice.evaluation.summary import extra, provenance, summarise
from autovoice.files import replacing, write_json

MEASURES = ("secs", "campp", "f0", "asr", "dnsmos", "dmos", "copy", "duration")
SHOWN = ("secs", "campp", "cer", "f0_rmse_hz", "f0_corr", "dnsmos_ovrl", "dmos", "rtf")


def evaluate(
    pairs_csv: Path, out: Path, cfg: EvaluateConfig, seed: int = 0, on_progress: Callable[[float], None] | None = None
) -> dict[str, Any]:
    """Measures every pair and writes everything below `out`; returns the summary. Raises DataError for a bad table."""
    if unknown := [name for name in cfg.metrics if name not in MEASURES]:
        raise DataError(f"no metric {unknown[0]!r}", "evaluate.metrics", f"choose from {', '.join(MEASURES)}")
    pairs = read_pairs(pairs_csv)
    if not any(pair.converted.is_file() for pair in pairs):
        raise DataError("none of the converted files exists", str(pairs_csv), "convert first, or correct the paths")
    rows = compute(pairs, set(cfg.metrics), cfg.num_workers, MeasureCache.default(cfg.cache), on_progress)
    summary = {"systems": summarise(rows, cfg, seed), "extra": extra(rows), "provenance": provenance(rows, seed)}
    out.mkdir(parents=True, exist_ok=True)
    write_rows(out / "pairs.csv", rows, pairs_csv.parent)
    write_plots(out / "plots", rows)
    write_report(out / "report.html", rows, summary)
    write_json(out / "summary.json", summary)
    return summary


def write_rows(path: Path, rows: list[Row], base: Path) -> None:
    """A line a pair: who, what, each metric, and why one failed."""
    names = ["system", "kind", "preset", "source_speaker", "target_speaker", "sex", "lang", "source", "converted"]
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow([*names, *METRICS, "secs_source", "campp_source", "faults"])
        for row in rows:
            facts = [str(getattr(row.pair, name)) for name in names]
            values = [row.values.get(name) for name in METRICS] + [
                row.extra.get(n) for n in ("secs_source", "campp_source")
            ]
            faults = "; ".join(f"{name}: {fault}" for name, fault in row.faults.items())
            writer.writerow([*facts, *("" if v is None else f"{v:.6g}" for v in values), faults])


def summary_table(summary: dict[str, Any]) -> Table:
    """A row a system: mean, interval, floor and ceiling of the main metrics."""
    table = Table("system", *SHOWN, title="Means [95 % interval] (floor, ceiling)")
    for system, metrics in summary["systems"].items():
        cells = []
        for name in SHOWN:
            m = metrics[name]
            cell = "-" if m["mean"] is None else f"{m['mean']:.3g} [{m['low']:.3g}, {m['high']:.3g}]"
            anchors = [f"{m[a]:.3g}" for a in ("floor", "ceiling") if m[a] is not None]
            cells.append(
                cell
                + (f" ({', '.join(anchors)})" if anchors else "")
                + (f" {m['n_failed']} failed" if m["n_failed"] else "")
            )
        table.add_row(f"{system} n={metrics['secs']['n']}", *cells)
    return table
