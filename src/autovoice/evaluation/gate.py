"""The gate: an evaluation against sanity, against this project's absolute bounds, and against the committed baseline."""

from pathlib import Path
from typing import Any

from autovoice.config import GateConfig
from autovoice.errors import DataError
from autovoice.evaluation.anchors import ANCHOR
from autovoice.evaluation.baseline import read_baseline, read_summary
from autovoice.evaluation.items import Item, read_items
from autovoice.evaluation.overlap import check_overlap, read_training
from autovoice.evaluation.regression import check_regressions
from autovoice.evaluation.sanity import check_sanity, finite
from autovoice.evaluation.verdict import Verdict


def judge_folder(
    folder: Path, baseline: Path, cfg: GateConfig, own: bool = False, baseline_required: bool = False
) -> Verdict:
    """The verdict on the evaluation in `folder`. Raises DataError for what is no evaluation, or no baseline."""
    summary, items = read_summary(folder / "summary.json"), read_items(folder / "pairs.csv")
    verdict = judge(summary, items, read_baseline(baseline, baseline_required), cfg, own)
    check_overlap(verdict, items, read_training(folder / "training.csv"))
    return verdict


def judge(
    summary: dict[str, Any],
    items: list[Item],
    baseline: tuple[dict[str, Any], list[Item]] | None,
    cfg: GateConfig,
    own: bool = False,
) -> Verdict:
    """All checks; a metric that is missing, null or not finite where one is expected is a fault, never a pass.

    own: the evaluation is this project's, so that every system with bounds must be in it. Otherwise a table of other
    systems only is judged by sanity and baseline; as soon as it holds one system with bounds, it must hold all.
    """
    judged = {system: metrics for system, metrics in summary["systems"].items() if not system.startswith(ANCHOR)}
    items = [item for item in items if not item.system.startswith(ANCHOR)]
    verdict = Verdict(systems=sorted(judged))
    if not judged:
        raise DataError("holds nothing but anchors", "summary.json", "evaluate a system")
    check_sanity(verdict, judged, items, cfg)
    _check_floors(verdict, judged, cfg, own)
    if baseline is None:
        verdict.notes.append("no baseline: only bounds and sanity were checked")
    else:
        then, old = baseline
        old = [item for item in old if not item.system.startswith(ANCHOR)]
        check_regressions(verdict, summary, items, then, old, cfg)
    for system, n in verdict.too_few.items():
        verdict.notes.append(
            f"{system}: {n} items are not enough data to compare with a baseline ({cfg.min_items} are)"
        )
    return verdict


def _check_floors(verdict: Verdict, systems: dict[str, Any], cfg: GateConfig, own: bool) -> None:
    bounded = [system for system in cfg.floors if system in systems]
    for system, bounds in cfg.floors.items():
        if system not in systems:
            if own or bounded:
                verdict.check(False, "floor", system, "", "the system is missing from the evaluation")
            else:
                verdict.notes.append(f"{system} is not in this evaluation: its bounds were not checked")
            continue
        for metric, bound in bounds.items():
            _check_floor(verdict, system, metric, bound, systems[system].get(metric))


def _check_floor(
    verdict: Verdict, system: str, metric: str, bound: dict[str, float], found: dict[str, Any] | None
) -> None:
    """bound: min and max on the mean, min_share on its place between floor (0) and ceiling (1)."""
    mean: Any = (found or {}).get("mean")
    if found is None or not finite(mean):
        verdict.check(False, "floor", system, metric, "was not measured")
        return
    for name, limit in bound.items():
        if name == "min":
            verdict.check(mean >= limit, "floor", system, metric, f"{mean:.4g} is under the bound {limit:g}")
        elif name == "max":
            verdict.check(mean <= limit, "floor", system, metric, f"{mean:.4g} is over the bound {limit:g}")
        elif name == "min_share":
            good, message = _share(mean, found, limit)
            verdict.check(good, "floor", system, metric, message)
        else:
            raise DataError(f"unknown bound {name!r}", f"gate.floors {system} {metric}", "use min, max or min_share")


def _share(mean: float, found: dict[str, Any], limit: float) -> tuple[bool, str]:
    floor: Any = found.get("floor")
    ceiling: Any = found.get("ceiling")
    if not (finite(floor) and finite(ceiling) and ceiling > floor):
        return False, "has no floor or ceiling"
    share = (mean - floor) / (ceiling - floor)
    return share >= limit, f"{share:.0%} of the way from floor to ceiling is under {limit:.0%}"
