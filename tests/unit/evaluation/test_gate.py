"""The gate: green for what holds, red with a reason for each thing that fell, exit 2 for misuse."""

import copy
import json

import pytest

from autovoice.cli import main
from autovoice.config import GateConfig, compose
from autovoice.errors import DataError
from autovoice.evaluation.compute import METRICS
from autovoice.evaluation.gate import judge, read_baseline, read_summary, verdict_table

OURS = "adapted/balanced"
GOOD = {
    "secs": 0.85, "campp": 0.7, "cer": 0.05, "wer": 0.1, "f0_rmse_hz": 5.0, "f0_rmse_cents": 60.0, "f0_corr": 0.98,
    "gpe": 0.01, "vde": 0.05, "dnsmos_ovrl": 3.0, "dnsmos_sig": 3.4, "dnsmos_bak": 3.8, "dmos": 3.5, "shift_st": 2.0,
    "dur_ratio": 1.0, "rtf": 0.1,
}  # fmt: skip


def summary_of(system=OURS):
    metrics = {}
    for name, unit in METRICS.items():
        mean = GOOD.get(name)
        anchors = {"floor": 0.4, "ceiling": 0.84} if name in ("secs", "campp") else {"floor": None, "ceiling": None}
        n = 0 if mean is None else 20
        metrics[name] = {"mean": mean, "low": mean, "high": mean, "n": n, "n_failed": 0, "unit": unit} | anchors
    return {"systems": {system: metrics}, "provenance": {"inputs_sha256": "a", "texts_sha256": "t"}}


@pytest.fixture
def summary():
    return summary_of()


@pytest.fixture(scope="module")
def config():
    return compose().gate


def faults(verdict):
    return {(fault.kind, fault.metric) for fault in verdict.faults}


def test_good_is_green_also_against_itself(summary, config):
    assert judge(summary, None, config).green
    verdict = judge(summary, copy.deepcopy(summary), config)
    assert verdict.green
    assert verdict.n_checks > 40


@pytest.mark.parametrize(
    ("metric", "value"), [("f0_rmse_hz", 10.5), ("secs", 0.79), ("campp", 0.61), ("cer", 0.21), ("secs", None)]
)
def test_each_bound_of_the_project_holds(summary, config, metric, value):
    summary["systems"][OURS][metric]["mean"] = value
    assert ("floor", metric) in faults(judge(summary, None, config))


def test_a_share_needs_its_floor_and_ceiling(summary, config):
    summary["systems"][OURS]["campp"]["ceiling"] = None
    assert faults(judge(summary, None, config)) == {("floor", "campp")}


def test_a_bounded_metric_that_is_missing_is_red(summary, config):
    del summary["systems"][OURS]["cer"]
    assert ("floor", "cer") in faults(judge(summary, None, config))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_not_a_number_is_red(summary, config, value):
    summary["systems"][OURS]["vde"]["mean"] = value
    assert ("sanity", "vde") in faults(judge(summary, None, config))


def test_one_failed_item_is_red(summary, config):
    summary["systems"][OURS]["dmos"]["n_failed"] = 1
    assert faults(judge(summary, None, config)) == {("sanity", "dmos")}


def test_truncated_results_are_red(summary, config):
    summary["systems"][OURS]["dur_ratio"]["mean"] = 0.9
    assert ("sanity", "dur_ratio") in faults(judge(summary, None, config))


@pytest.mark.parametrize(
    ("metric", "change"),
    [("secs", -0.03), ("campp", -0.05), ("cer", 0.05), ("f0_rmse_hz", 2), ("f0_corr", -0.05), ("dnsmos_ovrl", -0.3),
     ("dmos", -0.5), ("gpe", 0.05), ("vde", 0.1), ("shift_st", 1.0), ("shift_st", -1.0), ("dur_ratio", -0.01)],
)  # fmt: skip
def test_each_regression_is_red_and_each_gain_green(summary, config, metric, change):
    before = copy.deepcopy(summary)
    summary["systems"][OURS][metric]["mean"] += change
    assert ("regression", metric) in faults(judge(summary, before, config))
    if metric not in ("shift_st", "dur_ratio"):
        summary["systems"][OURS][metric]["mean"] = before["systems"][OURS][metric]["mean"] - change
        assert judge(summary, before, config).green


def test_another_machines_speed_is_no_regression(summary, config):
    before = copy.deepcopy(summary)
    summary["systems"][OURS]["rtf"]["mean"] = 0.4
    assert judge(summary, before, config).green


def test_fewer_items_a_missing_system_and_other_data_are_red(summary, config):
    before = copy.deepcopy(summary)
    before["systems"]["other"] = before["systems"][OURS]
    summary["systems"][OURS]["secs"]["n"] = 19
    summary["provenance"]["inputs_sha256"] = "b"
    verdict = judge(summary, before, config)
    assert {("regression", "secs"), ("regression", ""), ("data", "inputs_sha256")} == faults(verdict)
    assert "19" in next(fault.message for fault in verdict.faults if fault.metric == "secs")


def test_a_metric_that_vanished_is_red(summary, config):
    before = copy.deepcopy(summary)
    summary["systems"][OURS]["dmos"].update(mean=None, n=0)
    assert ("regression", "dmos") in faults(judge(summary, before, config))


def test_another_system_is_judged_without_our_bounds_but_our_own_run_must_be_whole(config):
    other = summary_of("somebody/else")
    other["systems"]["somebody/else"]["secs"]["mean"] = 0.5
    verdict = judge(other, None, config)
    assert verdict.green
    assert any(OURS in note for note in verdict.notes)
    assert ("floor", "") in faults(judge(other, None, config, own=True))


def test_a_bound_without_a_name_or_a_metric_without_tolerance_is_misuse(summary):
    with pytest.raises(DataError, match="unknown bound"):
        judge(summary, None, GateConfig(floors={OURS: {"secs": {"least": 1.0}}}))
    with pytest.raises(DataError, match="no tolerance"):
        judge(summary, summary, GateConfig())


def test_every_metric_has_a_tolerance(config):
    assert set(config.tolerances) == set(METRICS) - {"rtf"}


@pytest.mark.parametrize("text", ["", "not json", "[]", "{}", '{"systems": {}}', '{"systems": {"a": 3}}'])
def test_what_is_no_summary_is_misuse(tmp_path, text):
    path = tmp_path / "summary.json"
    path.write_text(text)
    with pytest.raises(DataError):
        read_summary(path)


def test_a_baseline_is_missing_only_where_it_is_named(tmp_path):
    assert read_baseline(tmp_path / "none.json", required=False) is None
    with pytest.raises(DataError, match="no such baseline"):
        read_baseline(tmp_path / "none.json", required=True)


def test_the_table_has_a_line_a_fault(summary, config):
    summary["systems"][OURS]["secs"]["mean"] = 0.1
    verdict = judge(summary, None, config)
    assert verdict_table(verdict).row_count == len(verdict.faults) == 1


@pytest.fixture
def folder(tmp_path, summary):
    (tmp_path / "metrics").mkdir()
    (tmp_path / "metrics" / "summary.json").write_text(json.dumps(summary))
    (tmp_path / "metrics" / "pairs.csv").write_text("system,secs\nadapted/balanced,0.85\n")
    return tmp_path / "metrics"


def test_the_command_updates_and_then_compares(folder, summary, capsys):
    baseline = folder.parent / "baseline.json"
    assert main(["gate", str(folder), "--baseline", str(baseline)]) == 2
    assert main(["gate", str(folder), "--baseline", str(baseline), "--update", "first"]) == 0
    kept = json.loads(baseline.read_text())
    assert (kept["reason"], kept["pairs"]) == ("first", [{"system": OURS, "secs": "0.85"}])
    assert main(["gate", str(folder), "--baseline", str(baseline)]) == 0
    summary["systems"][OURS]["secs"]["mean"] = 0.81
    (folder / "summary.json").write_text(json.dumps(summary))
    capsys.readouterr()
    assert main(["gate", str(folder), "--baseline", str(baseline), "--json"]) == 1
    verdict = json.loads(capsys.readouterr().out)
    assert [(fault["system"], fault["metric"]) for fault in verdict["faults"]] == [(OURS, "secs")]


def test_misuse_is_exit_2(folder, summary, capsys):
    assert main(["gate", str(folder.parent)]) == 2
    assert main(["gate", str(folder), "--update", " "]) == 2
    summary["systems"][OURS]["secs"]["mean"] = float("nan")
    (folder / "summary.json").write_text(json.dumps(summary))
    assert main(["gate", str(folder), "--baseline", str(folder / "b.json"), "--update", "why"]) == 2
    assert not (folder / "b.json").exists()
    assert len(capsys.readouterr().err.splitlines()) == 3
