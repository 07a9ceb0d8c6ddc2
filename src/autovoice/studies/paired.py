"""What a change does to each pair: differences between two variants of a study on the same sources and targets."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from autovoice.config import EvaluateConfig
from autovoice.evaluation.items import Item, read_items
from autovoice.evaluation.statistics import paired_difference
from autovoice.studies.variants import KINDS, METRICS, Variant, row_of


def rows_of(variants: Sequence[Variant], cfg: EvaluateConfig, seed: int) -> list[dict[str, Any]]:
    """A line of study.json a variant; `change`: what each metric differs by from the first of them, which has none."""
    items = [_items(variant.pairs) for variant in variants]
    changes = [{}, *(differences(items[0], other, cfg, seed) for other in items[1:])]
    return [row_of(variant) | {"change": change} for variant, change in zip(variants, changes, strict=True)]


def _items(pairs: Path | None) -> list[Item]:
    return read_items(pairs) if pairs else []


def differences(
    first: Sequence[Item], other: Sequence[Item], cfg: EvaluateConfig, seed: int
) -> dict[str, dict[str, float]]:
    """key of study.json -> mean of other - first, low, high and n, over items of the same audio in which both were measured."""
    before, found = {item.key: item for item in first}, {}
    for prefix, kind in KINDS.items():
        both = [(before[item.key], item) for item in other if item.key in before and item.system.startswith(kind)]
        for metric in METRICS:
            measured = [(a, b) for a, b in both if None not in (a.values.get(metric), b.values.get(metric))]
            if measured:
                found[prefix + metric] = _difference(measured, metric, cfg, seed)
    return found


def _difference(pairs: list[tuple[Item, Item]], metric: str, cfg: EvaluateConfig, seed: int) -> dict[str, float]:
    before, after = ([float(item.values[metric] or 0.0) for item in side] for side in zip(*pairs, strict=True))
    clusters = [item.cluster for item, _ in pairs]
    d = paired_difference(before, after, clusters, cfg.n_bootstrap, cfg.confidence, seed)
    return {"mean": d.mean, "low": d.low, "high": d.high, "n": d.n}
