"""The gate: an evaluation against absolute bounds, against sanity, and against the committed baseline."""

import csv
import json
import math
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rich.table import Table

from autovoice.config import GateConfig
from autovoice.errors import DataError
from autovoice.files import write_json

HIGHER_IS_BETTER = {"secs", "campp", "f0_corr", "dnsmos_ovrl", "dnsmos_sig", "dnsmos_bak", "dmos", "pesq", "stoi"}
EITHER_WAY = {"shift_st", "dur_ratio"}  # a change is a regression, whichever way it goes
NOT_COMPARED = {"rtf"}  # another machine is another speed
DURATION_RATIO = (0.98, 1.02)


@dataclass
class Fault:
    """One reason to be red."""

    kind: str  # floor | regression | sanity | data
    system: str
    metric: str
    message: str


@dataclass
class Verdict:
    """faults empty = green; notes: what was not checked, and why."""

    faults: list[Fault] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    n_checks: int = 0

    @property
    def green(self) -> bool:
        return not self.faults

    def check(self, good: bool, kind: str, system: str, metric: str, message: str) -> None:
        """Counts a check; remembers the fault if it failed."""
        self.n_checks += 1
        if not good:
            self.faults.append(Fault(kind, system, metric, message))

    def as_json(self) -> dict[str, Any]:
        """For verdict.json and --json."""
        return {
            "green": self.green,
            "n_checks": self.n_checks,
            "faults": [asdict(f) for f in self.faults],
            "notes": self.notes,
        }


def read_summary(path: Path) -> dict[str, Any]:
    """summary.json as evaluation wrote it; raises DataError when it is missing or not one. NaN stays NaN: sanity names it."""
    if not path.is_file():
        raise DataError("no such file", str(path), "run autovoice evaluate first")
    try:
        summary = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"is not JSON ({error})", str(path), "run autovoice evaluate again") from error
    if not isinstance(summary, dict) or not isinstance(summary.get("systems"), dict) or not summary["systems"]:
        raise DataError("holds no systems", str(path), "run autovoice evaluate again")
    for system, metrics in summary["systems"].items():
        if not isinstance(metrics, dict) or not all(isinstance(metric, dict) for metric in metrics.values()):
            raise DataError(f"holds no metrics of {system}", str(path), "run autovoice evaluate again")
    return summary


def judge(summary: dict[str, Any], baseline: dict[str, Any] | None, cfg: GateConfig, own: bool = False) -> Verdict:
    """All checks; a metric that is missing, null or not finite where one is expected is a fault, never a pass.

    own: the evaluation is this project's, so that every system with bounds must be in it. Otherwise a table of other
    systems only is judged by sanity and baseline; as soon as it holds one system with bounds, it must hold all.
    """
    verdict = Verdict()
    for system, metrics in summary["systems"].items():
        _sanity(verdict, system, metrics)
    bounded = [system for system in cfg.floors if system in summary["systems"]]
    for system, bounds in cfg.floors.items():
        if system not in summary["systems"]:
            if own or bounded:
                verdict.check(False, "floor", system, "", "the system is missing from the evaluation")
            else:
                verdict.notes.append(f"{system} is not in this evaluation: its bounds were not checked")
            continue
        for metric, bound in bounds.items():
            _floor(verdict, system, metric, bound, summary["systems"][system].get(metric))
    if baseline is None:
        verdict.notes.append("no baseline: only bounds and sanity were checked")
    else:
        _regressions(verdict, summary, baseline, cfg)
    return verdict


def _finite(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _sanity(verdict: Verdict, system: str, metrics: dict[str, Any]) -> None:
    for name, metric in metrics.items():
        mean = metric.get("mean")
        verdict.check(mean is None or _finite(mean), "sanity", system, name, f"is {mean}, not a number")
        n_failed = metric.get("n_failed", 0)
        verdict.check(not n_failed, "sanity", system, name, f"could not be measured on {n_failed} items")
    ratio = metrics.get("dur_ratio", {}).get("mean")
    if _finite(ratio):
        low, high = DURATION_RATIO
        verdict.check(low <= ratio <= high, "sanity", system, "dur_ratio", f"{ratio:.3f} is outside {low} to {high}")


def _floor(verdict: Verdict, system: str, metric: str, bound: dict[str, float], found: dict[str, Any] | None) -> None:
    """bound: min and max on the mean, min_share on its place between floor (0) and ceiling (1)."""
    mean: Any = (found or {}).get("mean")
    if found is None or not _finite(mean):
        verdict.check(False, "floor", system, metric, "was not measured")
        return
    for name, limit in bound.items():
        if name == "min":
            verdict.check(mean >= limit, "floor", system, metric, f"{mean:.4g} is under the bound {limit:g}")
        elif name == "max":
            verdict.check(mean <= limit, "floor", system, metric, f"{mean:.4g} is over the bound {limit:g}")
        elif name == "min_share":
            floor: Any = found.get("floor")
            ceiling: Any = found.get("ceiling")
            known = _finite(floor) and _finite(ceiling) and ceiling > floor
            share = (mean - floor) / (ceiling - floor) if known else float("nan")
            message = (
                f"{share:.0%} of the way from floor to ceiling is under {limit:.0%}"
                if known
                else "has no floor or ceiling"
            )
            verdict.check(known and share >= limit, "floor", system, metric, message)
        else:
            raise DataError(f"unknown bound {name!r}", f"gate.floors {system} {metric}", "use min, max or min_share")


def _regressions(verdict: Verdict, summary: dict[str, Any], baseline: dict[str, Any], cfg: GateConfig) -> None:
    for name in ("inputs_sha256", "texts_sha256"):
        same = summary.get("provenance", {}).get(name) == baseline.get("provenance", {}).get(name)
        what = "sources or references" if name == "inputs_sha256" else "transcripts"
        verdict.check(
            same, "data", "", name, f"changed data: other {what} than the baseline's; compare on the same, or --update"
        )
    for system, metrics in baseline["systems"].items():
        now = summary["systems"].get(system)
        if now is None:
            verdict.check(False, "regression", system, "", "the baseline's system is missing")
            continue
        for metric, before in metrics.items():
            if metric not in NOT_COMPARED and _finite(before.get("mean")):
                _regression(verdict, system, metric, before, now.get(metric) or {}, cfg)


def _regression(
    verdict: Verdict, system: str, metric: str, before: dict[str, Any], now: dict[str, Any], cfg: GateConfig
) -> None:
    mean, old = now.get("mean"), before["mean"]
    if not _finite(mean):
        verdict.check(False, "regression", system, metric, "was measured in the baseline and is missing now")
        return
    verdict.check(
        now.get("n", 0) >= before.get("n", 0),
        "regression",
        system,
        metric,
        f"only {now.get('n', 0)} items, {before.get('n', 0)} in the baseline",
    )
    worse = abs(mean - old) if metric in EITHER_WAY else (old - mean if metric in HIGHER_IS_BETTER else mean - old)
    if metric not in cfg.tolerances:
        raise DataError(f"no tolerance for {metric}", "gate.tolerances", "add one in conf/gate")
    limit = cfg.tolerances[metric]
    verdict.check(
        worse <= limit,
        "regression",
        system,
        metric,
        f"{old:.4g} fell to {mean:.4g}, {worse:.3g} worse (tolerance {limit:g})",
    )


def verdict_table(verdict: Verdict) -> Table:
    """A line a fault."""
    colour = "green" if verdict.green else "red"
    table = Table(
        "kind", "system", "metric", "what fell", title=f"[{colour}]gate {colour}[/] ({verdict.n_checks} checks)"
    )
    for fault in verdict.faults:
        table.add_row(fault.kind, fault.system, fault.metric, fault.message)
    return table


def write_baseline(folder: Path, summary: dict[str, Any], reason: str, target: Path) -> None:
    """Makes an evaluation the baseline: means, provenance, the values of every pair, and why.

    Raises DataError if the evaluation is incomplete or holds a value that is not a number: no run could be compared with it.
    """
    if not (folder / "pairs.csv").is_file() or "provenance" not in summary:
        raise DataError("is not a whole evaluation", str(folder), "run autovoice evaluate again")
    for system, metrics in summary["systems"].items():
        for name, metric in metrics.items():
            if metric.get("mean") is not None and not _finite(metric["mean"]):
                raise DataError(f"{name} of {system} is not a number", str(folder), "run autovoice evaluate again")
    with (folder / "pairs.csv").open(encoding="utf-8", newline="") as stream:
        pairs = list(csv.DictReader(stream))
    write_json(
        target, {"reason": reason, "provenance": summary["provenance"], "systems": summary["systems"], "pairs": pairs}
    )


def read_baseline(path: Path, required: bool) -> dict[str, Any] | None:
    """The baseline; None when there is none and none is required; raises DataError otherwise."""
    if not path.is_file():
        if required:
            raise DataError("no such baseline", str(path), "make one with autovoice gate DIR --update REASON")
        return None
    baseline = read_summary(path)
    if "provenance" not in baseline:
        raise DataError("is not a baseline", str(path), "make one with autovoice gate DIR --update REASON")
    return baseline
