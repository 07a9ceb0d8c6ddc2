"""Evaluation end to end on real speech: copy-through, the target itself, a copy, silence and a missing file."""

import csv
import json
import math
import re
from dataclasses import replace
from filecmp import cmp

import numpy as np
import pytest
import soundfile as sf
from audio_files import RATE, speech

from autovoice.config import EvaluateConfig
from autovoice.errors import DataError
from autovoice.evaluation.anchors import with_anchors
from autovoice.evaluation.cache import MeasureCache
from autovoice.evaluation.items import audio_sha, read_items
from autovoice.evaluation.overlap import Trained
from autovoice.evaluation.pairs import Pair
from autovoice.evaluation.report import short
from autovoice.evaluation.rows import METRICS
from autovoice.evaluation.run import evaluate, summary_table

CONFIG = EvaluateConfig(n_bootstrap=200, anchors=[])
COLUMNS = (
    "source", "target_refs", "ceiling_refs", "converted", "system", "lang", "source_speaker", "target_speaker",
    "pitch_st", "kind", "rtf",
)  # fmt: skip


def write(folder, name, wav):
    sf.write(folder / name, wav, RATE)
    return name


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """allison is the source, carlo the target; carlo reads Italian."""
    folder = tmp_path_factory.mktemp("pairs")
    source = write(folder, "source.wav", speech("allison", 4.0))
    own = write(folder, "own.wav", speech("allison", 4.0, 4.0))
    refs = [write(folder, f"carlo{i}.wav", speech("carlo", 4.0, 4.0 * i)) for i in range(4)]
    through = write(folder, "through.wav", speech("allison", 4.0))
    stolen = write(folder, "stolen.wav", speech("carlo", 4.0, 16.0))
    noise = np.random.default_rng(0).standard_normal(4 * RATE) * 0.002
    copied = write(folder, "copied.wav", np.clip(speech("allison", 4.0) + noise, -1, 1))
    silent = write(folder, "silent.wav", np.zeros(4 * RATE))
    base = {"source": source, "target_refs": "|".join(refs[:2]), "lang": "en", "source_speaker": "allison"}
    base |= {"target_speaker": "carlo"}
    rows = [
        base
        | {"converted": through, "system": "through", "ceiling_refs": "|".join(refs[2:]), "pitch_st": 0, "rtf": 0.1},
        base | {"converted": stolen, "system": "stolen", "lang": "it"},
        base | {"converted": silent, "system": "faulty"},
        base | {"converted": "missing.wav", "system": "faulty"},
        base | {"converted": copied, "system": "copy", "kind": "copy", "target_refs": own, "target_speaker": "allison"},
    ]
    with (folder / "pairs.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    return folder / "pairs.csv"


@pytest.fixture(scope="module")
def out(table, tmp_path_factory):
    folder = tmp_path_factory.mktemp("metrics") / "new" / "folder"
    shares = []
    evaluate(table, folder, CONFIG, 0, shares.append)
    assert shares[-1] == 1
    return folder


@pytest.fixture(scope="module")
def systems(out):
    return json.loads((out / "summary.json").read_text(), parse_constant=pytest.fail)["systems"]


def test_every_system_has_every_metric_with_every_key(systems):
    assert set(systems) == {"through", "stolen", "faulty", "copy"}
    for metrics in systems.values():
        assert set(metrics) == set(METRICS)
        for m in metrics.values():
            assert set(m) == {"mean", "low", "high", "n", "n_failed", "floor", "ceiling", "unit"}
            assert (m["mean"] is None) == (m["n"] == 0)


def test_the_source_passed_through_sits_on_the_floor(systems):
    through = systems["through"]
    for name in ("secs", "campp"):
        assert through[name]["mean"] == through[name]["floor"] < through[name]["ceiling"]
    assert through["cer"]["mean"] == through["f0_rmse_hz"]["mean"] == through["shift_st"]["mean"] == 0
    assert through["f0_corr"]["mean"] == through["dur_ratio"]["mean"] == 1
    assert through["dnsmos_ovrl"]["mean"] == through["dnsmos_ovrl"]["ceiling"]
    assert through["rtf"]["mean"] == 0.1


def test_the_target_itself_is_near_the_ceiling_and_loses_the_melody(systems):
    stolen = systems["stolen"]
    for name in ("secs", "campp"):
        assert stolen[name]["mean"] > (stolen[name]["floor"] + stolen[name]["ceiling"]) / 2
    assert stolen["f0_corr"]["mean"] < 0.9
    assert abs(stolen["shift_st"]["mean"]) > 0.5


def test_what_does_not_apply_is_null_and_no_failure(systems):
    assert (systems["stolen"]["cer"]["mean"], systems["stolen"]["cer"]["n_failed"]) == (None, 0)  # Italian
    for name in ("pesq", "stoi"):
        assert (systems["through"][name]["mean"], systems["through"][name]["n_failed"]) == (None, 0)  # no copy
    assert (systems["stolen"]["rtf"]["mean"], systems["stolen"]["rtf"]["n_failed"]) == (None, 0)


def test_silence_and_a_missing_file_are_failures_with_reasons(systems, out):
    faulty = systems["faulty"]
    for name in ("secs", "campp", "f0_rmse_hz", "dnsmos_ovrl", "dmos"):
        assert (faulty[name]["mean"], faulty[name]["n"], faulty[name]["n_failed"]) == (None, 0, 2)
    assert faulty["dur_ratio"]["n_failed"] == 1
    with (out / "pairs.csv").open(encoding="utf-8") as stream:
        rows = {row["converted"].rsplit("/")[-1]: row for row in csv.DictReader(stream)}
    assert "digital silence" in rows["silent.wav"]["faults"]
    assert "no such file" in rows["missing.wav"]["faults"]
    assert rows["through.wav"]["faults"] == ""


def test_a_copy_is_compared_sample_by_sample(systems):
    copy = systems["copy"]
    assert 1.5 < copy["pesq"]["mean"] < 4.64
    assert copy["stoi"]["mean"] > 0.9


def test_extra_says_what_is_nearer_to_the_source(out):
    extra = json.loads((out / "summary.json").read_text())["extra"]
    assert (extra["through"]["closer"], extra["stolen"]["closer"]) == (0, 1)
    assert extra["through"]["campp_source"] == pytest.approx(1)


def test_provenance_names_what_it_stands_on(out):
    facts = json.loads((out / "summary.json").read_text())["provenance"]
    assert facts["n_pairs"] == 5
    for key in ("git_sha", "inputs_sha256", "converted_sha256", "python", "packages", "hardware"):
        assert key in facts


def test_a_short_hash_keeps_that_the_code_differed():
    assert short("0123456789abcdef") == "0123456789ab"
    assert short("0123456789abcdef-dirty") == "0123456789ab-dirty"
    assert short("unknown") == "unknown"


def test_the_report_stands_alone(out):
    page = (out / "report.html").read_text(encoding="utf-8")
    clips = json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.S)[1])["clips"]
    assert sum("mp3" in clip for clip in (clips.values() if isinstance(clips, dict) else clips)) >= 4
    assert "light dark" in page
    assert "digital silence" in page
    assert not [link for link in ("http://", "https://", "file://") if link in page]
    assert len(page) < 15e6


def test_plots_for_dvc(out):
    lines = (out / "plots" / "similarity.csv").read_text().splitlines()
    assert lines[0].startswith("pair,system,source,target,secs,campp")
    assert len(lines) == 6
    assert list((out / "plots").glob("f0_*.png"))


def test_the_table_for_people_has_a_row_a_system(out):
    assert summary_table(json.loads((out / "summary.json").read_text())).row_count == 4


def test_the_same_inputs_give_the_same_files_to_the_byte_whatever_the_workers(table, out, tmp_path):
    evaluate(table, tmp_path, EvaluateConfig(n_bootstrap=200, num_workers=1, anchors=[]), 0)
    for name in ("summary.json", "plots/similarity.csv"):
        assert (tmp_path / name).read_bytes() == (out / name).read_bytes(), name
    again, before = (read_items(folder / "pairs.csv") for folder in (tmp_path, out))
    for a, b in zip(again, before, strict=True):
        assert (a.key, a.who, a.hashes, a.values, a.faults) == (b.key, b.who, b.hashes, b.values, b.faults)
        assert a.paths("source")[0].resolve() == b.paths("source")[0].resolve()


def test_fewer_metrics_leave_the_others_null(table, tmp_path):
    systems = evaluate(
        table, tmp_path, EvaluateConfig(metrics=["duration"], n_bootstrap=10, num_workers=1, anchors=[]), 0
    )["systems"]
    assert systems["through"]["secs"] | {"unit": ""} == {
        "mean": None, "low": None, "high": None, "n": 0, "n_failed": 0, "floor": None, "ceiling": None, "unit": "",
    }  # fmt: skip
    assert systems["through"]["dur_ratio"]["mean"] == 1


def test_nothing_converted_and_unknown_metrics_are_errors(table, tmp_path):
    with pytest.raises(DataError, match="no metric 'beauty'"):
        evaluate(table, tmp_path / "out", EvaluateConfig(metrics=["beauty"]))
    with pytest.raises(DataError, match="no metrics are named"):
        evaluate(table, tmp_path / "out", EvaluateConfig(metrics=[]))
    lonely = table.parent / "lonely.csv"
    lonely.write_text("source,target_refs,converted\nsource.wav,own.wav,gone.wav\n")
    with pytest.raises(DataError, match="none of the converted files"):
        evaluate(lonely, tmp_path / "out", CONFIG)
    assert not (tmp_path / "out").exists()


def test_no_number_is_nan(systems):
    for metrics in systems.values():
        for m in metrics.values():
            assert all(m[key] is None or math.isfinite(m[key]) for key in ("mean", "low", "high", "floor", "ceiling"))


def test_anchors_are_measured_beside_the_systems(table, tmp_path):
    config = EvaluateConfig(metrics=["secs", "f0", "duration"], n_bootstrap=10, n_world=1)
    systems = evaluate(table, tmp_path / "out", config, 0)["systems"]
    source, world = systems["anchor/source"], systems["anchor/world"]
    assert (source["secs"]["n"], world["secs"]["n"]) == (1, 1)  # one source and its references, however many systems
    assert source["secs"]["mean"] == source["secs"]["floor"] < world["secs"]["mean"]
    assert world["f0_corr"]["mean"] > 0.9
    assert world["dur_ratio"]["mean"] == 1
    (made,) = (tmp_path / "out" / "anchors" / "world").iterdir()
    (kept,) = (path for path in MeasureCache.default(True).folder.rglob("*.wav") if cmp(path, made, shallow=False))
    sf.write(kept, speech("carlo", 1.0), RATE)  # what is kept is not made again
    evaluate(table, tmp_path / "next", config, 0)
    assert cmp(kept, tmp_path / "next" / "anchors" / "world" / made.name, shallow=False)


def test_a_source_that_cannot_be_read_fails_alone(table, tmp_path):
    pair = Pair(2, table.parent / "source.wav", (table.parent / "source.wav",), table.parent / "source.wav")
    broken = replace(pair, source=tmp_path / "broken.wav")
    broken.source.write_text("no audio")
    good, bad = with_anchors([pair, broken], ["world"], 2, tmp_path, 1, MeasureCache(None))[2:]
    assert (good.converted.is_file(), bad.converted.is_file()) == (True, False)


def test_what_was_trained_on_is_refused_and_named(table, tmp_path):
    trained = [Trained("somebody", "", "base"), Trained("", audio_sha(table.parent / "source.wav"), "adaptation")]
    with pytest.raises(DataError, match=r"was trained on: recording source\.wav"):
        evaluate(table, tmp_path / "out", CONFIG, 0, trained=trained)
    with pytest.raises(DataError, match="was trained on: speaker carlo"):
        evaluate(table, tmp_path / "out", CONFIG, 0, trained=[Trained("carlo", "", "base")])
    assert not (tmp_path / "out").exists()
