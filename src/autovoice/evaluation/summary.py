"""summary.json: every metric of every system with interval, floor, ceiling and n, and what it all stands on."""

import hashlib
from collections.abc import Sequence
from typing import Any

from autovoice.config import EvaluateConfig
from autovoice.evaluation.cache import definitions
from autovoice.evaluation.calibration import accepted
from autovoice.evaluation.rows import METRICS, Row
from autovoice.evaluation.statistics import interval
from autovoice.files import sha256_file
from autovoice.reproducibility import environment_record, hash_or_none
from autovoice.weights import BASE_GENERATOR

DIGITS = 6


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, DIGITS)


def _mean(values: Sequence[float]) -> float | None:
    return _rounded(sum(values) / len(values)) if values else None


def cluster(row: Row) -> str:
    """Who speaks to whom; the source file where no speaker is named."""
    return f"{row.pair.source_speaker or row.pair.source} > {row.pair.target_speaker or row.pair.target_refs[0]}"


def summarise(rows: list[Row], cfg: EvaluateConfig, seed: int) -> dict[str, dict[str, dict[str, Any]]]:
    """system -> metric -> {mean, low, high, n, n_failed, floor, ceiling, unit}, null where there is nothing."""
    systems: dict[str, dict[str, dict[str, Any]]] = {}
    for system in sorted({row.pair.system for row in rows}):
        own = [row for row in rows if row.pair.system == system]
        systems[system] = {metric: _metric(metric, own, cfg, seed) for metric in METRICS}
    return systems


def _metric(metric: str, rows: list[Row], cfg: EvaluateConfig, seed: int) -> dict[str, Any]:
    good = [(row.values[metric], cluster(row)) for row in rows if row.values.get(metric) is not None]
    n_failed = sum(metric in row.values and row.values[metric] is None for row in rows)
    mean = low = high = None
    if good:
        values, clusters = [float(v) for v, _ in good if v is not None], [c for _, c in good]
        mean, low, high = interval(values, clusters, cfg.n_bootstrap, cfg.confidence, seed)
    anchors = [row.anchors[metric] for row in rows if metric in row.anchors]
    floor, ceiling = (_mean([a[name] for a in anchors if name in a]) for name in ("floor", "ceiling"))
    numbers = {"mean": _rounded(mean), "low": _rounded(low), "high": _rounded(high), "floor": floor, "ceiling": ceiling}
    return numbers | {"n": len(good), "n_failed": n_failed, "unit": METRICS[metric]}


def extra(rows: list[Row], calibration: dict[str, dict[str, Any]]) -> dict[str, dict[str, float | None]]:
    """system -> similarity to the source, the share of pairs nearer to the target than to the source by CAM++, and the share
    that each encoder takes for the target."""
    found = {}
    for system in sorted({row.pair.system for row in rows if row.pair.kind == "conversion"}):
        own = [row for row in rows if row.pair.system == system]
        values = {n: _mean([row.extra[n] for row in own if n in row.extra]) for n in ("secs_source", "campp_source")}
        nearer = [
            float(row.values["campp"] > row.extra["campp_source"])  # type: ignore[operator]
            for row in own
            if row.values.get("campp") is not None and "campp_source" in row.extra
        ]
        found[system] = values | {"closer": _mean(nearer)} | accepted(own, calibration)
    return found


def _hash_files(paths: set[Any]) -> str:
    digests = sorted(sha256_file(path) for path in paths if path.is_file())
    return hashlib.sha256("".join(digests).encode()).hexdigest()


def provenance(rows: list[Row], seed: int) -> dict[str, Any]:
    """Commit, hashes of inputs and results, packages, hardware, n."""
    inputs = {p for row in rows for p in (row.pair.source, *row.pair.target_refs, *row.pair.ceiling_refs)}
    texts = hashlib.sha256("\n".join(sorted(row.pair.text for row in rows)).encode()).hexdigest()
    record = environment_record()
    record.pop("dvc_lock_sha256", None)  # the lock is written after this stage
    hashes = {
        "inputs_sha256": _hash_files(inputs),
        "converted_sha256": _hash_files({row.pair.converted for row in rows}),
    }
    record |= hashes | {"texts_sha256": texts, "weights_sha256": hash_or_none(BASE_GENERATOR)}
    return record | {"definitions": definitions(), "n_pairs": len(rows), "seed": seed}
