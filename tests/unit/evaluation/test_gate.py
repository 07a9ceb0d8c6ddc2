"""The gate: green for what holds, red with a reason and its items for each thing that fell, exit 2 for misuse."""

import copy
import csv
import json
import math

import pytest
from evaluations import OURS, baseline_of, items_of_system, summary_of, write

from autovoice.cli import main
from autovoice.config import GateConfig, compose
from autovoice.errors import DataError
from autovoice.evaluation.baseline import read_baseline, read_summary, spread_of
from autovoice.evaluation.gate import judge
from autovoice.evaluation.regression import EITHER_WAY, HIGHER_IS_BETTER, NOT_COMPARED, tolerance_of
from autovoice.evaluation.rows import METRICS
from autovoice.evaluation.verdict import verdict_table


@pytest.fixture
def items():
    return items_of_system()


@pytest.fixture
def rerun():
    return items_of_system(seed=1)


@pytest.fixture(scope="module")
def config():
    return compose().gate


def verdict_of(items, config, before=None, own=False, **more):
    return judge(summary_of(items), items, baseline_of(before, **more) if before else None, config, own)


def faults(verdict):
    return {(fault.kind, fault.metric) for fault in verdict.faults}


def changed(items, metric, change, n=20):
    for item in items[:n]:
        item.values[metric] += change
    return items


def test_good_is_green_alone_against_itself_and_against_another_run(items, rerun, config):
    for before in (None, items, rerun):
        verdict = verdict_of(items, config, before)
        assert verdict.green, verdict.faults
    assert verdict.n_checks > 40


@pytest.mark.parametrize(("metric", "change"), [("f0_rmse_hz", 5.5), ("secs", -0.06), ("campp", -0.18), ("cer", 0.17)])
def test_each_bound_of_the_project_holds(items, config, metric, change):
    assert ("floor", metric) in faults(verdict_of(changed(items, metric, change), config))


def test_a_share_needs_its_floor_and_ceiling(items, config):
    summary = summary_of(items)
    summary["systems"][OURS]["campp"]["ceiling"] = None
    assert faults(judge(summary, items, None, config)) == {("floor", "campp")}


def test_a_bounded_metric_that_is_missing_is_red(items, config):
    summary = summary_of(items)
    del summary["systems"][OURS]["cer"]
    assert ("floor", "cer") in faults(judge(summary, items, None, config))


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_not_a_number_is_red_and_named(items, config, value):
    items[3].values["vde"] = value
    fault = next(f for f in verdict_of(items, config).faults if f.items)
    assert (fault.kind, fault.metric, fault.items) == ("sanity", "vde", [items[3].name])


def test_a_summary_that_does_not_fit_its_pairs_is_red(items, config):
    summary = summary_of(items)
    summary["systems"][OURS]["dmos"]["mean"] += 0.1
    assert faults(judge(summary, items, None, config)) == {("sanity", "dmos")}


def test_one_failed_item_is_red_with_its_reason(items, config):
    items[2].values["dmos"], items[2].faults["dmos"] = None, "is digital silence"
    fault = next(iter(verdict_of(items, config).faults))
    assert (fault.kind, fault.metric) == ("sanity", "dmos")
    assert fault.items == [f"{items[2].name} (is digital silence)"]


def test_one_truncated_item_is_red(items, config):
    items[7].values["dur_ratio"] = 0.9
    assert faults(verdict_of(items, config)) == {("sanity", "dur_ratio")}


def test_the_source_and_the_reference_are_no_conversions(items, config):
    items[0].hashes["converted_sha"] = items[0].hashes["source_sha"]
    items[1].values |= {"secs_source": 0.999, "campp_source": 0.998}
    items[2].values |= {"secs": 0.999, "campp": 0.999}
    found = [(f.message, f.items) for f in verdict_of(items, config).faults]
    assert ("the result is the source itself", [items[0].name, items[1].name]) in found
    assert ("the result is the target's own recording", [items[2].name]) in found


COMPARED = sorted(set(METRICS) - NOT_COMPARED)


@pytest.mark.parametrize("metric", COMPARED)
def test_each_regression_is_red_and_each_gain_green(items, rerun, config, metric):
    for item in (*items, *rerun):
        item.values.setdefault(metric, 1.0)
    drop = 2 * config.tolerances[metric] * (-1 if metric in HIGHER_IS_BETTER else 1)
    verdict = verdict_of(changed(copy.deepcopy(rerun), metric, drop), config, items)
    assert ("regression", metric) in faults(verdict)
    assert next(f for f in verdict.faults if f.metric == metric and f.kind == "regression").items
    better = verdict_of(changed(copy.deepcopy(rerun), metric, -drop), config, items)
    assert (("regression", metric) in faults(better)) == (metric in EITHER_WAY)


def test_one_bad_item_among_many_is_no_regression_but_several_are(items, rerun, config):
    assert verdict_of(changed(copy.deepcopy(rerun), "cer", 0.5, n=1), config, items).green
    assert ("regression", "cer") in faults(verdict_of(changed(rerun, "cer", 0.5, n=4), config, items))


def test_two_wild_items_of_twenty_are_no_regression_but_a_fall_of_all_is(items, rerun, config):
    wild = changed(copy.deepcopy(rerun), "f0_corr", -0.3, n=2)
    assert verdict_of(wild, config, items).green
    assert ("regression", "f0_corr") in faults(verdict_of(changed(rerun, "f0_corr", -0.03), config, items))


def test_a_word_lost_here_and_won_there_is_no_regression(items, rerun, config):
    for i, item in enumerate(rerun[:8]):
        item.values["cer"] += 0.6 if i % 2 else -0.6
    assert verdict_of(rerun, config, items).green
    assert ("regression", "cer") in faults(verdict_of(changed(rerun, "cer", 0.7, n=8), config, items))


def test_half_of_the_shifts_going_up_and_half_down_do_not_cancel(items, rerun, config):
    for i, item in enumerate(rerun):
        item.values["shift_st"] += 0.84 if i % 2 else -0.84
    assert ("regression", "shift_st") in faults(verdict_of(rerun, config, items))


def test_another_machines_speed_is_no_regression(items, rerun, config):
    assert verdict_of(changed(rerun, "rtf", 1.0), config, items).green


def test_a_measured_spread_replaces_the_tolerance(items, rerun, config):
    runs = [items_of_system(seed=seed) for seed in range(3)]
    spread = spread_of(runs)[OURS]["dmos"]
    assert 0.002 < spread < 0.03
    baseline = {"spread": {OURS: {"dmos": spread, "cer": 0.1}}}
    assert tolerance_of(OURS, "dmos", baseline, config) == config.tolerances["dmos"] / 4
    assert tolerance_of(OURS, "cer", baseline, config) == config.spread_factor * 0.1
    assert tolerance_of(OURS, "cer", {}, config) == config.tolerances["cer"]
    fallen = changed(rerun, "dmos", -0.1)
    assert verdict_of(fallen, config, items).green
    assert ("regression", "dmos") in faults(verdict_of(fallen, config, items, spread=spread_of(runs)))


def test_fewer_items_and_missing_systems_are_red_and_named(items, rerun, config):
    fault = next(iter(verdict_of(rerun[:-1], config, items).faults))
    assert (fault.kind, fault.items) == ("data", [items[-1].name])
    other = items_of_system("other")
    verdict = verdict_of(rerun, config, [*items, *other])
    assert [(f.kind, f.system) for f in verdict.faults] == [("data", "other")]


def test_changed_sources_and_transcripts_are_red_each_with_its_message(items, rerun, config):
    rerun[4].key = (OURS, "other audio", "t4", 0)
    rerun[5].who["text"] = "other words"
    verdict = verdict_of(rerun, config, items)
    assert {(f.message.split(":")[1].split(" the baseline")[0], *f.items) for f in verdict.faults} == {
        (" the source or a reference is other audio than", items[4].name),
        (" another transcript than", items[5].name),
    }


def test_a_changed_definition_is_red(items, rerun, config):
    summary = summary_of(rerun)
    summary["provenance"]["definitions"] = summary["provenance"]["definitions"] | {"dmos": 99}
    fault = next(iter(judge(summary, rerun, baseline_of(items), config).faults))
    assert (fault.kind, fault.items) == ("definition", ["dmos (1 to 99)"])


def test_copied_metrics_are_red(items, config):
    copied = copy.deepcopy(items)
    for item in copied:
        item.hashes["converted_sha"] += " other"
    assert faults(verdict_of(copied, config, items)) == {("copied", "")}


def test_few_items_are_not_enough_data(config):
    few = items_of_system("somebody/else", n=5)
    verdict = verdict_of(items_of_system("somebody/else", n=5, seed=1), config, few)
    assert (verdict.status, verdict.green) == ("not enough data", False)
    assert any("not enough data" in note for note in verdict.notes)


def test_a_metric_that_vanished_is_red(items, rerun, config):
    for item in rerun:
        del item.values["dmos"]
    assert ("regression", "dmos") in faults(verdict_of(rerun, config, items))


def test_another_system_is_judged_without_our_bounds_but_our_own_run_must_be_whole(config):
    other = changed(items_of_system("somebody/else"), "secs", -0.35)
    verdict = verdict_of(other, config)
    assert verdict.green
    assert any(OURS in note for note in verdict.notes)
    assert ("floor", "") in faults(verdict_of(other, config, own=True))


def test_a_bound_without_a_name_or_a_metric_without_tolerance_is_misuse(items, rerun):
    with pytest.raises(DataError, match="unknown bound"):
        judge(summary_of(items), items, None, GateConfig(floors={OURS: {"secs": {"least": 1.0}}}))
    with pytest.raises(DataError, match="no tolerance"):
        verdict_of(rerun, GateConfig(), items)


def test_every_metric_has_a_tolerance_and_a_direction(config):
    assert set(config.tolerances) == set(COMPARED)
    assert set(METRICS) >= HIGHER_IS_BETTER | EITHER_WAY | NOT_COMPARED


@pytest.mark.parametrize("text", ["", "not json", "[]", "{}", '{"systems": {}}', '{"systems": {"a": 3}}'])
def test_what_is_no_summary_is_misuse(tmp_path, text):
    path = tmp_path / "summary.json"
    path.write_text(text)
    with pytest.raises(DataError, match=r"summary\.json"):
        read_summary(path)


def test_a_baseline_is_missing_only_where_it_is_named_and_an_old_one_says_so(tmp_path):
    assert read_baseline(tmp_path / "none.json", required=False) is None
    with pytest.raises(DataError, match="no such baseline"):
        read_baseline(tmp_path / "none.json", required=True)
    old = {"systems": {OURS: {}}, "provenance": {}, "pairs": []}
    (tmp_path / "old.json").write_text(json.dumps(old))
    with pytest.raises(DataError, match="another version"):
        read_baseline(tmp_path / "old.json", required=True)


def test_the_table_has_a_line_a_fault(items, config):
    verdict = verdict_of(changed(items, "secs", -0.5), config)
    assert verdict_table(verdict).row_count == len(verdict.faults) == 1


def test_the_command_updates_and_then_compares(tmp_path, items, rerun, capsys):
    first, second = write(tmp_path / "first", items), write(tmp_path / "second", rerun)
    baseline = ["--baseline", str(tmp_path / "baseline.json")]
    assert main(["gate", str(first), *baseline]) == 2
    assert main(["gate", str(first), *baseline, "--update", "why", "--runs", str(second)]) == 0
    kept = json.loads((tmp_path / "baseline.json").read_text())
    assert (kept["reason"], len(kept["pairs"]), kept["n_runs"]) == ("why", 20, 2)
    assert kept["spread"][OURS]["dmos"] > 0
    assert main(["gate", str(first), *baseline]) == 0
    assert main(["gate", str(second), *baseline]) == 0
    third = write(tmp_path / "third", changed(rerun, "secs", -0.1))
    capsys.readouterr()
    assert main(["gate", str(third), *baseline, "--json"]) == 1
    verdict = json.loads(capsys.readouterr().out)
    assert {(fault["system"], fault["metric"]) for fault in verdict["faults"]} == {(OURS, "secs")}
    assert verdict["systems"] == {OURS: "red"}


def test_people_and_recordings_of_the_training_are_red(tmp_path, items, capsys):
    folder = write(tmp_path / "run", items)
    baseline = ["--baseline", str(tmp_path / "baseline.json")]
    (folder / "training.csv").write_text("speaker,sha,use\nsomebody,s77,base\nt1,t5,adaptation\n")
    assert main(["gate", str(folder), *baseline, "--update", "first"]) == 0
    (folder / "training.csv").write_text("speaker,sha,use\nt2,,base\nsomebody,s7,adaptation\n")
    capsys.readouterr()
    assert main(["gate", str(folder), *baseline, "--json"]) == 1
    (fault,) = json.loads(capsys.readouterr().out)["faults"]
    assert (fault["kind"], fault["items"]) == ("overlap", ["recording s7.wav", "speaker t2"])


def test_misuse_is_exit_2(tmp_path, items, capsys):
    folder = write(tmp_path / "run", items)
    assert main(["gate", str(folder.parent)]) == 2
    assert main(["gate", str(folder), "--update", " "]) == 2
    assert main(["gate", str(folder), "--runs", str(folder)]) == 2
    with (folder / "pairs.csv").open(encoding="utf-8") as stream:
        rows = [{k: v for k, v in row.items() if k != "refs_sha"} for row in csv.DictReader(stream)]
    with (folder / "pairs.csv").open("w", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    assert main(["gate", str(folder), "--baseline", str(folder / "b.json"), "--update", "why"]) == 2
    assert not (folder / "b.json").exists()
    errors = capsys.readouterr().err.splitlines()
    assert len(errors) == 4
    assert "another version" in errors[-1]
