"""Small evaluations without audio: items with numbers as a good run leaves them, and the summary that fits."""

import copy
import json

import numpy as np

from autovoice.config import EvaluateConfig
from autovoice.evaluation.cache import definitions
from autovoice.evaluation.items import Item
from autovoice.evaluation.rows import METRICS
from autovoice.evaluation.statistics import interval

OURS = "adapted/balanced"
GOOD = {
    "secs": 0.85, "campp": 0.75, "cer": 0.05, "wer": 0.1, "f0_rmse_hz": 5.0, "f0_rmse_cents": 60.0, "f0_corr": 0.98,
    "gpe": 0.01, "vde": 0.05, "dnsmos_ovrl": 3.0, "dnsmos_sig": 3.4, "dnsmos_bak": 3.8, "dmos": 3.5, "shift_st": 2.0,
    "dur_ratio": 1.0, "rtf": 0.1,
}  # fmt: skip
CONFIG = EvaluateConfig(n_bootstrap=100)


def items_of_system(system=OURS, n=20, seed=0):
    """Each item around GOOD by a hundredth."""
    rng = np.random.default_rng(seed)
    items = []
    for i in range(n):
        values = {name: round(value * (1 + 0.01 * float(rng.normal())), 5) for name, value in GOOD.items()}
        values |= {"dur_ratio": 1.0, "secs_source": 0.6, "campp_source": 0.4}
        who = {"system": system, "kind": "conversion", "preset": "", "sex": "", "lang": "en", "text": f"text {i}"}
        who |= {"source_speaker": f"s{i % 5}", "target_speaker": f"t{i // 5}"}
        files = {"source": f"s{i}.wav", "target_refs": f"t{i}.wav", "converted": f"{system}/c{i}.wav"}
        hashes = {"source_sha": f"s{i}", "refs_sha": f"t{i}", "converted_sha": f"{system} {seed} {i}"}
        items.append(Item((system, f"s{i}", f"t{i}", 0), who, files, hashes, _nowhere(), values))
    return items


def _nowhere():
    from pathlib import Path

    return Path("nowhere")


def summary_of(items):
    """What evaluation would say of the items."""
    systems = {}
    for system in sorted({item.system for item in items}):
        own = [item for item in items if item.system == system]
        systems[system] = {name: _metric(name, unit, own) for name, unit in METRICS.items()}
    return {"systems": systems, "provenance": {"definitions": definitions()}}


def _metric(name, unit, items):
    anchors = {"floor": 0.4, "ceiling": 0.84} if name in ("secs", "campp") else {"floor": None, "ceiling": None}
    values = [v for item in items if (v := item.values.get(name)) is not None]
    n_failed = sum(name in item.faults for item in items)
    mean = low = high = None
    if values:
        mean, low, high = interval(values, [i.cluster for i in items][: len(values)], 100, 0.95, 0)
    return {"mean": mean, "low": low, "high": high, "n": len(values), "n_failed": n_failed, "unit": unit} | anchors


def baseline_of(items, **more):
    """What judge takes as (baseline, its items)."""
    return summary_of(items) | more, copy.deepcopy(items)


def write(folder, items):
    """The items as an evaluation's folder."""
    import csv

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "summary.json").write_text(json.dumps(summary_of(items)))
    with (folder / "pairs.csv").open("w", newline="", encoding="utf-8") as stream:
        rows = [item.who | item.files | item.hashes | item.values | {"faults": ""} for item in items]
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return folder
