"""A study of a tiny base that goes on with one change a row: trained, converted and measured once, and read as two tables."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tiny_corpus import write_corpus
from tiny_pretraining import SETTINGS

from autovoice.config import Config, compose
from autovoice.models.discriminator import Discriminators
from autovoice.models.generator import Generator
from autovoice.studies.variants import folder_of
from autovoice.training.corpus import pseudo_speakers, read_corpus, read_recipe, write_recipe
from autovoice.training.module import GeneratorTraining, save_weights
from autovoice.training.pretrain import schedule_of
from autovoice.weights import model_metadata
from pipelines.pretraining.study import main

VARIANTS = {"as it is": [], "bottleneck of 4": ["model.bottleneck=4"], "less kept": ["presets.balanced.retrieval=0"]}
MEASURES = ["protocol.n_pairs=2", "protocol.half=choose", "protocol.metrics=[secs]", "protocol.reference_s=[5]"]


@pytest.fixture(scope="module")
def cfg(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """Two people and their pseudo-speakers who train, three whom training never heard, and weights to begin with."""
    folder = tmp_path_factory.mktemp("study")
    write_corpus(folder / "corpus")
    recordings = read_corpus(folder / "corpus/manifest.csv", "train")
    (folder / "work").mkdir()
    write_recipe(recordings + pseudo_speakers(recordings), folder / "work/recipe.csv")
    where = {"manifest": "corpus/manifest.csv", "root": "corpus", "work_dir": "work", "init": "init.safetensors"}
    own = [f"pretrain.{name}={folder / path}" for name, path in where.items()]
    cfg = compose([*SETTINGS, *MEASURES, *own, "evaluate.anchors=[]", "evaluate.num_workers=1"])
    torch.manual_seed(0)
    judges = Discriminators.at_rate(cfg.audio.output_rate)
    base = GeneratorTraining(Generator(cfg.model, cfg.audio, cfg.content), judges, schedule_of(cfg.pretrain), cfg.audio)
    save_weights(base, folder / "init.safetensors", model_metadata(cfg.model, cfg.audio))
    return replace(cfg, study=replace(cfg.study, name="tiny", axis="", common=[], variants=VARIANTS))


def test_a_study_says_what_a_change_does_and_does_nothing_twice(
    cfg: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    work = Path(cfg.pretrain.work_dir)
    main(cfg)
    said = " ".join(capsys.readouterr().out.split())
    assert "from init.safetensors: all weights are loaded" in said
    first, second = (text.splitlines() for text in (work / "studies/tiny.md").read_text().split("\n\n"))
    assert [line.split("|")[1].strip() for line in first[2:]] == list(VARIANTS)
    assert [line.split("|")[1].strip() for line in second[2:]] == list(VARIANTS)[1:]
    assert second[0].startswith("| less “as it is” | SECS |")
    weights = folder_of(cfg, read_recipe(work / "recipe.csv")) / "base.safetensors"
    made = {path: path.stat().st_mtime_ns for path in (work / "studies").glob("*/base.safetensors")}
    assert len(made) == 2  # a preset trains nothing
    assert weights in made
    main(cfg)
    assert {path: path.stat().st_mtime_ns for path in (work / "studies").glob("*/base.safetensors")} == made
