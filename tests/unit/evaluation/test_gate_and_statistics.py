"""The gate goes red for each kind of fault and names it; intervals cover what they should."""

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autovoice.config import compose
from autovoice.errors import DataError
from autovoice.evaluation.compute import METRICS
from autovoice.evaluation.gate import judge, read_baseline, read_summary, write_baseline
from autovoice.evaluation.pairs import read_pairs
from autovoice.evaluation.statistics import interval

GATE = compose().gate
SYSTEM = "adapted/balanced"


def good_summary() -> dict[str, Any]:
    means = {"secs": 0.85, "campp": 0.75, "cer": 0.02, "f0_rmse_hz": 4.0, "dur_ratio": 1.0}
    metrics = {
        name: {
            "mean": means.get(name, 1.0),
            "low": 0,
            "high": 1,
            "n": 20,
            "n_failed": 0,
            "floor": 0.4,
            "ceiling": 0.9,
            "unit": "",
        }
        for name in METRICS
    }
    return {"systems": {SYSTEM: metrics}, "provenance": {"inputs_sha256": "a", "texts_sha256": "b"}}


def changed(metric: str, **values: Any) -> dict[str, Any]:
    summary = good_summary()
    summary["systems"][SYSTEM][metric] |= values
    return summary


def test_a_good_run_is_green_with_and_without_a_baseline() -> None:
    assert judge(good_summary(), None, GATE).green
    assert judge(good_summary(), good_summary(), GATE).green


@pytest.mark.parametrize(
    ("metric", "values", "kind"),
    [
        ("secs", {"mean": 0.79}, "floor"),
        ("f0_rmse_hz", {"mean": 11.0}, "floor"),
        ("cer", {"mean": 0.3}, "floor"),
        ("campp", {"mean": 0.6}, "floor"),
        ("campp", {"ceiling": None}, "floor"),
        ("secs", {"mean": None}, "floor"),
        ("dnsmos_ovrl", {"mean": float("nan")}, "sanity"),
        ("dmos", {"n_failed": 1}, "sanity"),
        ("dur_ratio", {"mean": 0.9}, "sanity"),
    ],
)
def test_each_bound_is_red_without_a_baseline(metric: str, values: dict[str, Any], kind: str) -> None:
    faults = judge(changed(metric, **values), None, GATE).faults
    assert [(f.kind, f.metric) for f in faults] == [(kind, metric)]


@pytest.mark.parametrize("metric", [m for m in METRICS if m != "rtf"])
def test_every_metric_is_red_when_it_falls_and_green_when_it_stays(metric: str) -> None:
    baseline = good_summary()
    old = baseline["systems"][SYSTEM][metric]["mean"]
    drop = 2 * GATE.tolerances[metric]
    worse = [judge(changed(metric, mean=old + sign * drop), baseline, GATE) for sign in (-1, 1)]
    assert any(f.kind == "regression" and f.metric == metric for v in worse for f in v.faults)
    assert judge(changed(metric, mean=old), baseline, GATE).green


def test_fewer_items_a_missing_system_and_changed_data_are_red() -> None:
    baseline = good_summary()
    assert judge(changed("secs", n=19), baseline, GATE).faults[0].message == "only 19 items, 20 in the baseline"
    renamed = {"systems": {"other": good_summary()["systems"][SYSTEM]}, "provenance": baseline["provenance"]}
    assert {f.kind for f in judge(renamed, baseline, GATE, own=True).faults} == {"floor", "regression"}
    other = copy.deepcopy(baseline)
    other["provenance"]["inputs_sha256"] = "c"
    assert judge(other, baseline, GATE).faults[0].kind == "data"


def test_a_baseline_is_written_with_its_reason_and_read_back(tmp_path: Path) -> None:
    (tmp_path / "summary.json").write_text(json.dumps(good_summary()))
    (tmp_path / "pairs.csv").write_text("system,secs\nadapted/balanced,0.85\n")
    write_baseline(tmp_path, read_summary(tmp_path / "summary.json"), "first", tmp_path / "baseline.json")
    baseline = read_baseline(tmp_path / "baseline.json", required=True)
    assert baseline is not None
    assert (baseline["reason"], len(baseline["pairs"])) == ("first", 1)
    assert judge(good_summary(), baseline, GATE).green


def test_a_missing_baseline_is_misuse_only_when_it_was_named(tmp_path: Path) -> None:
    assert read_baseline(tmp_path / "none.json", required=False) is None
    with pytest.raises(DataError, match="no such baseline"):
        read_baseline(tmp_path / "none.json", required=True)


@pytest.mark.parametrize("text", ["", "not json", "{}", '{"systems": {}}'])
def test_a_broken_summary_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "summary.json").write_text(text)
    with pytest.raises(DataError, match=r"summary\.json"):
        read_summary(tmp_path / "summary.json")


def test_intervals_cover_the_truth_about_as_often_as_they_say() -> None:
    rng = np.random.default_rng(0)
    hits = 0
    for trial in range(200):
        values = rng.normal(5.0, 1.0, 40)
        _, low, high = interval(values.tolist(), [str(i) for i in range(40)], 400, 0.95, trial)
        hits += low <= 5.0 <= high
    assert 0.88 <= hits / 200 <= 0.99


def test_clustered_items_give_a_wider_interval() -> None:
    rng = np.random.default_rng(0)
    values = np.repeat(rng.normal(0, 1, 8), 10)
    clusters = [str(i // 10) for i in range(80)]
    _, low, high = interval(values.tolist(), clusters, 1000, 0.95, 0)
    _, naive_low, naive_high = interval(values.tolist(), [str(i) for i in range(80)], 1000, 0.95, 0)
    assert high - low > 1.5 * (naive_high - naive_low)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("source,converted\na,b\n", "lacks the columns target_refs"),
        ("source,target_refs,converted\n", "has no rows"),
        ("source,target_refs,converted\nnone.wav,none.wav,c.wav\n", "line 2: source .* does not exist"),
        ("source,target_refs,converted\na.wav,,c.wav\n", "line 2: target_refs is empty"),
        ("source,target_refs,converted\na.wav,a.wav,c.wav\na.wav,a.wav,c.wav\n", "lines 2 and 3 are the same"),
        ("source,target_refs,converted,pitch_st\na.wav,a.wav,c.wav,high\n", "line 2: pitch_st .* is not a number"),
        ("source,target_refs,converted,kind\na.wav,a.wav,c.wav,odd\n", "kind 'odd' is unknown"),
    ],
)
def test_a_bad_table_is_one_sentence_that_names_the_line(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "a.wav").write_bytes(b"x")
    (tmp_path / "pairs.csv").write_text(text)
    with pytest.raises(DataError, match=message):
        read_pairs(tmp_path / "pairs.csv")
