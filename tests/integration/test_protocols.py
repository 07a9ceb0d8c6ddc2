"""`python -m pipelines.protocol` end to end on demo readers, what it refuses, and the pipeline that runs all protocols."""

import csv
import json
import subprocess
import sys

import pytest
import yaml
from audio_files import RATE, ROOT, speech

from autovoice.audio.io import save_wav
from autovoice.errors import ConfigError

sys.path.insert(0, str(ROOT / "scripts"))
import stage_deps

PIPELINE = yaml.safe_load((ROOT / "protocols/dvc.yaml").read_text(encoding="utf-8"))["stages"]["protocol"]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpus")
    with (folder / "manifest.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(("path", "speaker", "gender", "split", "kind", "lang"))
        for reader, seconds in (("allison", 14.0), ("carlo", 14.0), ("june", 3.0), ("narrator", 3.0)):
            save_wav(folder / f"{reader}.flac", speech(reader, seconds), RATE)
            writer.writerow((f"{reader}.flac", reader, "", "dev", "speech", "en"))
    return folder


def protocol(corpus, *overrides):
    """Runs seedvc, 2 sources into 2 references, in a process of its own."""
    fixed = [
        "protocol=seedvc", f"protocol.manifest={corpus}/manifest.csv", f"protocol.work_dir={corpus}/work",
        "protocol.half=all", "protocol.n_sources=2", "protocol.n_references=2", "protocol.presets=[fast]",
        "protocol.metrics=[secs,f0,duration]", "evaluate.cache=false", "evaluate.num_workers=1",
        "evaluate.n_bootstrap=50", "evaluate.anchors=[source]", "tracking.enabled=false",
    ]  # fmt: skip
    command = [sys.executable, "-m", "pipelines.protocol", *fixed, *overrides]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)


def test_every_source_goes_into_every_reference_and_is_measured(corpus):
    done = protocol(corpus)
    assert done.returncode == 0, done.stderr
    work = corpus / "work" / "seedvc"
    trials = list(csv.DictReader((work / "trials.csv").open(encoding="utf-8")))
    people = {(row["source_speaker"], row["target_speaker"]) for row in trials}
    assert people == {(source, target) for source in ("june", "narrator") for target in ("allison", "carlo")}
    summary = json.loads((work / "metrics" / "summary.json").read_text(encoding="utf-8"))["systems"]
    system = summary["seedvc/fast"]
    assert {name: system[name]["n"] for name in ("secs", "f0_corr", "dur_ratio")} == dict.fromkeys(
        ("secs", "f0_corr", "dur_ratio"), 4
    )
    assert system["secs"]["mean"] > system["secs"]["floor"]
    assert system["dur_ratio"]["mean"] == pytest.approx(1, abs=0.01)
    assert "anchor/source" in summary


def test_a_reader_who_trained_the_model_is_refused_by_name(corpus, tmp_path):
    (tmp_path / "trained.csv").write_text("speaker,sha,use\nsomeone,,base\ncarlo,,base\n", encoding="utf-8")
    done = protocol(corpus, f"protocol.training={tmp_path}/trained.csv", f"protocol.work_dir={tmp_path}/work")
    assert done.returncode == 2
    assert done.stderr.strip().splitlines()[-1].startswith("protocol: ")
    assert "was trained on: speaker carlo;" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.glob("work/**/*.wav"))


def test_weights_of_ones_own_need_their_training_list():
    from pipelines.protocol import trained_on

    with pytest.raises(ConfigError, match=r"protocol\.training"):
        trained_on("other.safetensors", "")
    assert len(trained_on("", "")) > 1000


def test_its_pipeline_depends_on_what_the_stage_imports_and_composes():
    listed = PIPELINE["do"]["deps"]
    used = stage_deps.code_deps("protocol")
    assert [dep for dep in used if not any(dep == d or dep.startswith(f"{d}/") for d in listed)] == []
    code = [d for d in listed if d.startswith(("src/", "pipelines/"))]
    assert [d for d in code if not any(dep == d or dep.startswith(f"{d}/") for dep in used)] == []
    groups = {f"conf/{name}" for name in ("audio", "content", "preset", "evaluate", "run", "tts")}
    assert {d for d in listed if d.startswith("conf/")} - {"conf/assets"} == groups | {
        "conf/config.yaml", "conf/protocol/_common.yaml", "conf/protocol/${item}.yaml"
    }  # fmt: skip
    assert all((ROOT / dep).exists() for dep in listed if "$" not in dep)


def test_its_pipeline_runs_every_protocol_and_is_not_the_default_one():
    names = {path.stem for path in (ROOT / "conf/protocol").glob("[!_]*.yaml")}
    assert set(PIPELINE["foreach"]) == names
    assert "protocol" not in yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
