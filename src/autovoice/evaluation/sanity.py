"""What no conversion of any system may be: unmeasured, not a number, silent, clipped, shorter, its source, its reference."""

import math
from collections import defaultdict
from typing import Any

from autovoice.config import GateConfig
from autovoice.evaluation.items import Item, audio_sha
from autovoice.evaluation.verdict import Verdict

MEAN_DIGITS = 1e-4  # pairs.csv has six digits
ITSELF = 0.995  # similarity by both encoders: two recordings of one voice stay below


def finite(value: Any) -> bool:
    """Whether it is a number at all."""
    return isinstance(value, int | float) and math.isfinite(value)


def check_sanity(verdict: Verdict, metrics_of: dict[str, Any], items: list[Item], cfg: GateConfig) -> None:
    """metrics_of: system -> metric -> summary. Every check names its items."""
    by_system = defaultdict(list)
    for item in items:
        by_system[item.system].append(item)
    for system, metrics in metrics_of.items():
        own = by_system[system]
        verdict.check(bool(own), "sanity", system, "", "has no lines in pairs.csv")
        for name, metric in metrics.items():
            _check_metric(verdict, system, name, metric, own)
        _check_bounds(verdict, system, own, cfg)
        _check_identity(verdict, system, own)
    lost = [item.name for item in items if item.system not in metrics_of]
    verdict.check(not lost, "sanity", "", "", "lines of pairs.csv belong to no system of the summary", lost)
    other = [i.name for i in items if i.hashes["converted_sha"] not in ("", *_heard(i))]
    verdict.check(not other, "sanity", "", "", "the converted file is not the one that was measured", other)


def _heard(item: Item) -> list[str]:
    """The hash of the converted file as it is now; the recorded one where the file is elsewhere."""
    return [audio_sha(item.paths("converted")[0]) or item.hashes["converted_sha"]]


def _check_metric(verdict: Verdict, system: str, name: str, metric: dict[str, Any], items: list[Item]) -> None:
    mean: Any = metric.get("mean")
    verdict.check(mean is None or finite(mean), "sanity", system, name, f"its mean is {mean}, not a number")
    failed = [f"{item.name} ({item.faults[name]})" for item in items if name in item.faults]
    n_failed = max(metric.get("n_failed") or 0, len(failed))
    verdict.check(not n_failed, "sanity", system, name, f"could not be measured on {n_failed} items", failed)
    odd = [item.name for item in items if (v := item.values.get(name)) is not None and not math.isfinite(v)]
    verdict.check(not odd, "sanity", system, name, "is not a number", odd)
    values = [v for item in items if (v := item.values.get(name)) is not None and math.isfinite(v)]
    if finite(mean) and values and not odd:
        own = sum(values) / len(values)
        same = abs(own - mean) <= MEAN_DIGITS * max(1.0, abs(mean)) and len(values) == metric.get("n")
        verdict.check(
            same, "sanity", system, name, f"summary.json says {mean:.4g}, the pairs {own:.4g}: one was changed"
        )


def _check_bounds(verdict: Verdict, system: str, items: list[Item], cfg: GateConfig) -> None:
    for name, bound in cfg.sanity.items():
        values = {item.name: v for item in items if finite(v := item.values.get(name))}
        low, high = bound.get("min", -math.inf), bound.get("max", math.inf)
        out = [f"{who} ({v:.3g})" for who, v in values.items() if v is not None and not low <= v <= high]
        limits = " to ".join(f"{x:g}" for x in (low, high) if math.isfinite(x))
        verdict.check(not out, "sanity", system, name, f"{len(out)} items are outside {limits}", out)


def _check_identity(verdict: Verdict, system: str, items: list[Item]) -> None:
    across = [i for i in items if i.who["kind"] == "conversion" and i.hashes["source_sha"] != i.hashes["refs_sha"]]
    across = [i for i in across if not i.who["source_speaker"] or i.who["source_speaker"] != i.who["target_speaker"]]

    def alike(item: Item, suffix: str) -> bool:
        values = [item.values.get(f"{encoder}{suffix}") for encoder in ("secs", "campp")]
        return all(value is not None and value >= ITSELF for value in values)

    same = [i.name for i in across if i.hashes["converted_sha"] == i.hashes["source_sha"] or alike(i, "_source")]
    verdict.check(not same, "sanity", system, "campp", "the result is the source itself", same)
    given = [i.name for i in across if alike(i, "")]
    verdict.check(not given, "sanity", system, "campp", "the result is the target's own recording", given)
