"""The base model's own pipeline on two readers and a few steps: recipe, features, training, student, measurement, card."""

import csv
import json
import runpy
import sys

import pytest
import yaml
from audio_files import ROOT, speech

from autovoice.audio.io import save_wav
from autovoice.config import to_params
from autovoice.evaluation.people import Person
from autovoice.files import sha256_file

OVERRIDES = [
    "pretrain.manifest=corpus.csv",
    "audio=24khz",
    "model=small",
    "model.causal=true",
    "pretrain.max_steps=2",
    "pretrain.checkpoint_every_steps=1",
    "pretrain.adversarial_from_step=1",
    "pretrain.batch_size=2",
    "distill.max_steps=6",
    "distill.checkpoint_every_steps=3",
    "distill.batch_size=2",
    "distill.segment_s=1",
    "distill.warmup_steps=3",
    "protocol.n_pairs=2",
    "evaluate.metrics=[secs,duration]",
    "tracking.enabled=false",
]
TRAIN, DEV = ("nikolay", "carlo"), ("allison", "june")


def run(stage, *overrides):
    """`python -m pipelines.<stage> <overrides>` in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", [stage, *overrides])
        runpy.run_module(f"pipelines.{stage}", run_name="__main__", alter_sys=True)


def named(reader):
    """A name for the reader that hashes into the half that measures."""
    return next(name for name in (f"{reader}{i}" for i in range(99)) if Person(name, "", "", []).half == "measure")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pretraining")
    with (folder / "corpus.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(("path", "speaker", "seconds", "gender", "lang", "licence", "source", "split", "kind"))
        for readers, split, seconds in ((TRAIN, "train", 4.0), (DEV, "dev", 14.0)):
            for reader in readers:
                save_wav(folder / f"{reader}.flac", speech(reader, seconds), 16000)
                row = (f"{reader}.flac", named(reader), seconds, "M", "en", "CC BY", "demo", split, "speech")
                writer.writerow(row)
    (folder / "params.yaml").write_text(to_params(OVERRIDES), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for stage in ("pretraining.recipe", "pretraining.features", "pretrain", "pretraining.distil"):
            run(stage)
        run("pretraining.verify")
        run("pretraining.publish")
    return folder


def test_the_recipe_counts_people_and_their_licences(workspace):
    recipe = json.loads((workspace / ".pretrain/recipe.json").read_text())
    assert recipe["speakers"] == 2
    assert recipe["licence"]["CC BY"] == {"people": 2, "hours": pytest.approx(8 / 3600, abs=1e-3)}
    rows = list(csv.DictReader((workspace / ".pretrain/recipe.csv").open()))
    assert [row["ratio"] == "1.0" for row in rows] == [True, True, False, False]


def test_people_of_the_measurement_are_not_in_the_recipe(workspace):
    trained = {row["speaker"] for row in csv.DictReader((workspace / ".pretrain/recipe.csv").open())}
    measured = list(csv.DictReader((workspace / ".pretrain/verify/measure/pairs.csv").open()))
    assert {row["kind"] for row in measured} == {"conversion", "copy"}
    assert not trained & {row[key] for row in measured for key in ("source_speaker", "target_speaker")}


def test_what_is_published_is_whole_and_says_what_it_is(workspace):
    out = workspace / ".pretrain/published"
    manifest = json.loads((out / "manifest.json").read_text())
    assert {"base.safetensors", "student.safetensors", "base_training.csv", "MODEL_CARD.md"} == set(manifest)
    assert all(sha256_file(out / name) == digest for name, digest in manifest.items())
    card = (out / "MODEL_CARD.md").read_text()
    summary = json.loads((workspace / ".pretrain/verify/measure/metrics/summary.json").read_text())
    assert f"{summary['systems']['zero-shot/balanced']['secs']['mean']:.4g}" in card
    assert "CC BY" in card


@pytest.mark.parametrize("stage", ["pretraining.features", "pretrain", "pretraining.distil", "pretraining.verify"])
def test_other_content_settings_than_those_of_the_features_are_one_sentence(workspace, stage, monkeypatch, capsys):
    monkeypatch.chdir(workspace)
    with pytest.raises(SystemExit) as ended:
        run(stage, *OVERRIDES, "content.instance_norm=false")
    assert ended.value.code == 2
    (sentence,) = capsys.readouterr().err.splitlines()
    what = ".pretrain/features: the features were made with content.instance_norm=True"
    assert sentence.startswith(f"{stage.rpartition('.')[2]}: {what}")


def test_its_pipeline_names_files_that_exist_and_is_not_the_default_one():
    own = yaml.safe_load((ROOT / "pretraining/dvc.yaml").read_text())["stages"]
    default = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    for stage in own.values():
        module = stage["cmd"].split()[-1]
        assert (ROOT / (module.replace(".", "/") + ".py")).is_file()
        assert all((ROOT / dep).exists() for dep in stage["deps"] if not dep.startswith(".pretrain"))
        assert all(stage["cmd"] != other["cmd"] for other in default.values())
