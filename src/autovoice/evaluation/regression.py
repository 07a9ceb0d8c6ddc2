"""An evaluation against its baseline, item by item: the same data, no fewer items, the same definitions, nothing worse."""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from scipy.stats import trim_mean

from autovoice.config import GateConfig
from autovoice.errors import DataError
from autovoice.evaluation.items import Item, Key
from autovoice.evaluation.sanity import finite
from autovoice.evaluation.statistics import paired_difference
from autovoice.evaluation.verdict import Verdict

HIGHER_IS_BETTER = {
    "secs", "campp", "f0_corr", "dnsmos_ovrl", "dnsmos_sig", "dnsmos_bak", "dmos", "pesq", "stoi", "secs_place",
    "campp_place", "chroma", "si_sdr_db",
}  # fmt: skip
EITHER_WAY = {"shift_st", "dur_ratio", "loudness_db", "bright_db", "silence_share"}  # any change is one
NOT_COMPARED = {"rtf", "latency_ms", "memory_mb"}  # another machine is another speed
TRIMMED = 0.1  # of the items at either end: two of twenty that differ by chance, up or down, move no mean
Pairs = list[tuple[Item, Item]]  # (before, now) of the same item


def check_regressions(
    verdict: Verdict,
    summary: dict[str, Any],
    items: list[Item],
    baseline: dict[str, Any],
    old: list[Item],
    cfg: GateConfig,
) -> None:
    """Everything that a baseline allows to be said; `old` are its items."""
    _check_definitions(verdict, summary, baseline)
    now = {item.key: item for item in items}
    for system in sorted({item.system for item in old}):
        before = [item for item in old if item.system == system]
        if system not in summary["systems"]:
            verdict.check(False, "data", system, "", "the baseline's system is missing")
            continue
        pairs = _paired(verdict, system, before, now)
        _check_copied(verdict, system, pairs)
        if len(pairs) < cfg.min_items:
            verdict.too_few[system] = len(pairs)
            continue
        for metric in sorted({m for item in before for m, v in item.values.items() if finite(v)} & set(cfg.tolerances)):
            _check_metric(verdict, system, metric, pairs, tolerance_of(system, metric, baseline, cfg), cfg)
        _check_known(before, cfg)


def tolerance_of(system: str, metric: str, baseline: dict[str, Any], cfg: GateConfig) -> float:
    """How much worse a mean may be: the measured run-to-run spread of the baseline where it has one, else conf/gate's.

    A spread from few runs is itself uncertain: it never makes a tolerance smaller than a quarter of conf/gate's.
    """
    spread = baseline.get("spread", {}).get(system, {}).get(metric)
    given = cfg.tolerances[metric]
    return max(cfg.spread_factor * spread, given / 4) if finite(spread) else given


def _check_known(before: list[Item], cfg: GateConfig) -> None:
    names = {name for item in before for name in item.values} - NOT_COMPARED - {"secs_source", "campp_source"}
    if unknown := sorted(names - set(cfg.tolerances)):
        raise DataError(f"no tolerance for {unknown[0]}", "gate.tolerances", "add one in conf/gate")


def _check_definitions(verdict: Verdict, summary: dict[str, Any], baseline: dict[str, Any]) -> None:
    now, then = (s.get("provenance", {}).get("definitions", {}) for s in (summary, baseline))
    changed = [f"{name} ({then[name]} to {now.get(name, 'none')})" for name in then if now.get(name) != then[name]]
    message = "a metric's definition changed, so that its numbers do not compare: make a new baseline (--update)"
    verdict.check(not changed, "definition", "", "", message, changed)


def _paired(verdict: Verdict, system: str, before: list[Item], now: dict[Key, Item]) -> Pairs:
    """The items of both; those that are missing, or whose data changed, are faults."""
    found = [(item, now[item.key]) for item in before if item.key in now]
    lost = [item for item in before if item.key not in now]
    known = {item.key for item in before}
    named = {
        (i.files["source"], i.files["target_refs"]) for i in now.values() if i.system == system and i.key not in known
    }
    changed = [item.name for item in lost if (item.files["source"], item.files["target_refs"]) in named]
    gone = [item.name for item in lost if (item.files["source"], item.files["target_refs"]) not in named]
    message = (
        "changed data: the source or a reference is other audio than the baseline's; compare on the same, or --update"
    )
    verdict.check(not changed, "data", system, "", message, changed)
    message = f"fewer items than the baseline: {len(found)} of {len(before)}"
    verdict.check(not gone, "data", system, "", message, gone)
    texts = [b.name for b, n in found if b.who["text"] != n.who["text"]]
    verdict.check(not texts, "data", system, "cer", "changed data: another transcript than the baseline's", texts)
    return found


def _numbers(item: Item) -> dict[str, float | None]:
    return {name: value for name, value in item.values.items() if name not in NOT_COMPARED}


def _check_copied(verdict: Verdict, system: str, pairs: Pairs) -> None:
    other = [(b, n) for b, n in pairs if b.hashes["converted_sha"] != n.hashes["converted_sha"]]
    same = [b.name for b, n in other if _numbers(b) == _numbers(n)]
    message = "copied metrics: every number is the baseline's, but the audio is not"
    verdict.check(not same, "copied", system, "", message, same)


def _worse(metric: str, before: float, now: float) -> float:
    if metric in EITHER_WAY:
        return abs(now - before)
    return before - now if metric in HIGHER_IS_BETTER else now - before


def _check_metric(verdict: Verdict, system: str, metric: str, pairs: Pairs, tolerance: float, cfg: GateConfig) -> None:
    """Red if the mean (of either-way metrics: the median) is worse by more than the tolerance, with and without the items at
    either end, and surely worse at all; or if item_share of the items, less those that gained as much, are worse by so many
    tolerances as item_factors says."""
    known = [(b, n) for b, n in pairs if finite(b.values.get(metric))]
    lost = [b.name for b, n in known if not finite(n.values.get(metric))]
    verdict.check(not lost, "regression", system, metric, "was measured in the baseline and is missing now", lost)
    both = [(b, n, b.values[metric], n.values[metric]) for b, n in known if finite(n.values.get(metric))]
    if not both:
        return
    losses = np.array([_worse(metric, x, y) for *_, x, y in both])  # type: ignore[arg-type]
    limit = cfg.item_factors.get(metric, cfg.item_factor) * tolerance
    far, gained = losses > limit, int((losses < -limit).sum())
    order = np.argsort(-losses, kind="stable")
    worst = [_named(both[i]) for i in order if losses[i] > tolerance]
    if metric in EITHER_WAY:
        typical, sure = float(np.median(losses)), True
    else:
        difference = paired_difference([0.0] * len(losses), losses.tolist(), [b.cluster for b, *_ in both])
        typical = min(difference.mean, float(trim_mean(losses, TRIMMED)))
        sure = difference.low > 0
    what = f"{_mean(x for *_, x, _ in both):.4g} became {_mean(y for *_, y in both):.4g}"
    how = "a change" if metric in EITHER_WAY else "worse"
    message = (
        f"{what}, {how} of {typical:.3g} an item (tolerance {tolerance:.3g}; {len(worst)} of {len(both)} items over it)"
    )
    verdict.check(typical <= tolerance or not sure, "regression", system, metric, message, worst)
    many = max(cfg.item_min, math.ceil(cfg.item_share * len(both)))
    if typical <= tolerance or not sure:
        message = f"{int(far.sum())} of {len(both)} items fell by more than {limit:.3g}, and {gained} gained as much"
        named = [_named(both[i]) for i in order if far[i]]
        verdict.check(int(far.sum()) - gained < many, "regression", system, metric, message, named)


def _mean(values: Iterable[Any]) -> float:
    return float(np.mean(list(values)))


def _named(entry: tuple[Item, Item, Any, Any]) -> str:
    before, _, old, new = entry
    return f"{before.name} ({old:.3g} to {new:.3g})"
