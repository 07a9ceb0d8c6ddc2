"""The whole chain on two real readers and a few training steps: recordings in, report, verdict and bundle out."""

import csv
import json
import os
import runpy
import shutil
import subprocess
import sys
import time

import pytest
import yaml
from audio_files import DEMO

from autovoice.cli import main
from autovoice.config import to_params

READERS = {"allison": 5, "narrator": 5}  # recordings of 2 to 6 s each
OVERRIDES = [
    "experiment=smoke",
    "dataset=manifest",
    "dataset.path=recordings.csv",
    "dataset.adapt=[narrator]",
    "convert.max_sources=2",
    "evaluate.metrics=[secs,campp,f0,asr,copy,duration]",
    "tracking.enabled=false",
]


def run(stage):
    """`python -m pipelines.<stage>` on params.yaml of the working folder, in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", [stage])
        runpy.run_module(f"pipelines.{stage}", run_name="__main__", alter_sys=True)  # workers look there


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    """A project folder in which the chain ran up to evaluate."""
    folder = tmp_path_factory.mktemp("workspace")
    with (folder / "recordings.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(("path", "speaker", "sex", "lang"))
        for reader, n in READERS.items():
            for path in sorted((DEMO / reader).glob("*.flac"))[:n]:
                shutil.copyfile(path, folder / f"{reader}_{path.name}")
                writer.writerow((f"{reader}_{path.name}", reader, "F" if reader == "allison" else "M", "en"))
    (folder / "params.yaml").write_text(to_params(OVERRIDES), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for stage in ("prepare", "features", "clone", "train", "convert", "evaluate"):
            run(stage)
    return folder


@pytest.fixture(autouse=True)
def inside(workspace, monkeypatch):
    monkeypatch.chdir(workspace)


def measured(folder):
    """Rows of the pairs.csv that an evaluation wrote."""
    with (folder / "pairs.csv").open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_every_recording_is_in_the_manifest_with_a_split_of_its_own(workspace):
    with (workspace / "data/prepared/manifest.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    splits = {}
    for row in rows:
        splits.setdefault((row["speaker"], row["recording"]), set()).add(row["split"])
    assert {speaker for speaker, _ in splits} == set(READERS)
    assert all(len(found) == 1 for found in splits.values())
    for reader in READERS:
        assert {next(iter(found)) for (speaker, _), found in splits.items() if speaker == reader} == {
            "train",
            "dev",
            "eval",
        }


def test_training_is_chosen_by_words_and_voice(workspace):
    with (workspace / "data/adapted/selection.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert {"speaker", "step", "cer", "similarity"} <= set(rows[0])
    assert not list((workspace / "data/checkpoints").rglob("*.ckpt"))


def test_a_killed_training_continues_from_its_last_checkpoint_to_the_same_weights(workspace, tmp_path):
    folder = tmp_path / "killed"
    shutil.copytree(workspace, folder, ignore=shutil.ignore_patterns("adapted", "converted", "metrics"))
    train, work = [sys.executable, "-m", "pipelines.train"], folder / "data/checkpoints/narrator"
    environment = os.environ | {"PYTHONPATH": str(DEMO.parents[2])}
    process = subprocess.Popen(train, cwd=folder, env=environment, stdout=subprocess.DEVNULL)
    while not (work / "checkpoints/last.ckpt").exists():
        assert process.poll() is None, "training ended before its first checkpoint"
        time.sleep(0.05)
    process.kill()
    process.wait()
    first_row = (work / "loss.csv").read_text(encoding="utf-8").splitlines()[1]
    (work / "loss.csv").write_text(f"step,loss\n{first_row.split(',')[0]},123\n", encoding="utf-8")
    subprocess.run(train, cwd=folder, env=environment, stdout=subprocess.DEVNULL, check=True)
    unbroken, resumed = (root / "data/adapted/narrator" for root in (workspace, folder))
    history = (resumed / "loss.csv").read_text(encoding="utf-8")
    assert ",123" in history, "the first interval was trained again"
    assert (resumed / "weights.safetensors").read_bytes() == (unbroken / "weights.safetensors").read_bytes()


def test_every_system_is_measured_and_no_number_is_a_nan(workspace):
    text = (workspace / "data/metrics/summary.json").read_text(encoding="utf-8")
    assert "NaN" not in text
    systems = json.loads(text)["systems"]
    assert {
        f"{mode}/{preset}" for mode in ("adapted", "zero-shot") for preset in ("fast", "balanced", "quality")
    } <= set(systems)
    for system, metrics in systems.items():
        copies = system.startswith("copy")
        assert (metrics["stoi"]["mean"] is not None) == copies
        assert metrics["secs"]["mean"] is not None
        assert metrics["dur_ratio"]["mean"] == pytest.approx(1.0, abs=1e-3)
        assert all(m["n_failed"] == 0 for m in metrics.values())


def test_the_report_is_one_self_contained_file(workspace):
    page = (workspace / "data/metrics/report.html").read_text(encoding="utf-8")
    assert page.count('"mp3": "') + page.count('"mp3":"') >= 3
    assert 'src="http' not in page


def test_a_finished_stage_repeats_no_work(workspace):
    stamps = {path: path.stat().st_mtime_ns for path in (workspace / "data/features").glob("*.safetensors")}
    run("features")
    assert {path: path.stat().st_mtime_ns for path in stamps} == stamps


def test_the_gate_misses_a_baseline_then_judges_and_the_bundle_is_whole(workspace, capsys):
    params = yaml.safe_load((workspace / "params.yaml").read_text(encoding="utf-8"))
    params["gate"]["floors"]["adapted/balanced"]["secs"]["min"] = 0.999  # out of reach, whatever the base
    (workspace / "params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
    with pytest.raises(SystemExit):
        run("gate")
    assert "no baseline" in capsys.readouterr().out
    main(["gate", "data/metrics", "--baseline", "metrics/baseline.json", "--update", "first run"])
    assert json.loads((workspace / "metrics/baseline.json").read_text(encoding="utf-8"))["reason"] == "first run"
    with pytest.raises(SystemExit) as stop:
        run("gate")
    assert stop.value.code == 1
    verdict = json.loads((workspace / "data/gate/verdict.json").read_text(encoding="utf-8"))
    assert {fault["kind"] for fault in verdict["faults"]} == {"floor"}
    run("export")
    manifest = json.loads((workspace / "data/bundle/manifest.json").read_text(encoding="utf-8"))
    assert {"base.safetensors", "MODEL_CARD.md", "voices/narrator/weights.safetensors"} <= set(manifest)


def test_the_command_line_measures_the_same_pair_to_the_bit(workspace):
    with (workspace / "data/converted/pairs.csv").open(encoding="utf-8") as stream:
        header, first, *_ = stream.read().splitlines()
    (workspace / "data/converted/one.csv").write_text(f"{header}\n{first}\n", encoding="utf-8")
    assert main(["evaluate", "data/converted/one.csv", "-o", "other/folder"]) == 0
    again, before = measured(workspace / "other/folder")[0], measured(workspace / "data/metrics")[0]
    for name in ("secs", "campp", "cer", "f0_rmse_hz", "f0_corr", "dur_ratio"):
        assert again[name] == before[name]
    assert again["dnsmos_ovrl"]
