"""Evaluation end to end: a table of pairs in; summary.json, pairs.csv, plots and report.html out."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rich.table import Table

from autovoice.config import EvaluateConfig
from autovoice.errors import DataError
from autovoice.evaluation.anchors import ANCHORS, with_anchors
from autovoice.evaluation.cache import MeasureCache
from autovoice.evaluation.calibration import calibrate
from autovoice.evaluation.compute import compute
from autovoice.evaluation.items import read_items, write_items
from autovoice.evaluation.overlap import Trained, overlaps_of_pairs, refuse, write_training
from autovoice.evaluation.pairs import Pair, read_pairs
from autovoice.evaluation.plots import write_plots
from autovoice.evaluation.report import write_report
from autovoice.evaluation.rows import MEASURES
from autovoice.evaluation.summary import extra, provenance, summarise
from autovoice.files import write_json

SHOWN = ("secs", "campp", "cer", "f0_rmse_hz", "f0_corr", "dnsmos_ovrl", "dmos", "rtf")


def evaluate(
    pairs_csv: Path,
    out: Path,
    cfg: EvaluateConfig,
    seed: int = 0,
    on_progress: Callable[[float], None] | None = None,
    trained: Sequence[Trained] = (),
) -> dict[str, Any]:
    """Measures every pair and writes everything below `out`; returns the summary.

    trained: what the systems were trained on. Raises DataError for a bad table, and for people or recordings in both.
    """
    pairs, kept = _checked(pairs_csv, cfg, list(trained)), MeasureCache.default(cfg.cache)
    pairs = with_anchors(pairs, cfg.anchors, cfg.n_world, out / "anchors", cfg.num_workers, kept)
    rows = compute(pairs, set(cfg.metrics), cfg.num_workers, kept, on_progress, cfg.engine)
    calibration = calibrate(rows)
    summary = {"systems": summarise(rows, cfg, seed), "extra": extra(rows, calibration), "calibration": calibration}
    summary["provenance"] = provenance(rows, seed)
    out.mkdir(parents=True, exist_ok=True)
    if trained:
        write_training(out / "training.csv", trained)
    write_items(out / "pairs.csv", rows)
    write_plots(out / "plots", rows, kept)
    items = read_items(out / "pairs.csv")
    write_report(out / "report.html", items, summary, kept=kept, num_workers=cfg.num_workers)
    write_json(out / "summary.json", summary)
    return summary


def check_names(cfg: EvaluateConfig) -> None:
    """Raises DataError for unknown names of metrics or anchors, and where no metric is named."""
    for given, known, where in ((cfg.metrics, MEASURES, "metrics"), (cfg.anchors, ANCHORS, "anchors")):
        if unknown := [name for name in given if name not in known]:
            raise DataError(f"no {where[:-1]} {unknown[0]!r}", f"evaluate.{where}", f"choose from {', '.join(known)}")
    if not cfg.metrics:
        raise DataError("no metrics are named", "evaluate.metrics", f"choose from {', '.join(MEASURES)}")


def _checked(pairs_csv: Path, cfg: EvaluateConfig, trained: list[Trained]) -> list[Pair]:
    check_names(cfg)
    pairs = read_pairs(pairs_csv)
    if not any(pair.converted.is_file() for pair in pairs):
        raise DataError("none of the converted files exists", str(pairs_csv), "convert first, or correct the paths")
    refuse(overlaps_of_pairs(trained, pairs) if trained else [], str(pairs_csv))
    return pairs


def means_of(summary: dict[str, Any]) -> dict[str, float]:
    """system/metric -> mean, of what could be computed; trackers take no @ in a name."""
    return {
        f"{system}/{metric}".replace("@", " at "): value["mean"]
        for system, metrics in summary["systems"].items()
        for metric, value in metrics.items()
        if value["mean"] is not None
    }


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
