"""The recipe joins a corpus with gathered voices, and counts both."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest

from autovoice.config import Config
from autovoice.training.corpus import Recording, read_recipe
from pipelines.pretraining.recipe import main

COLUMNS = ("path", "speaker", "gender", "split", "kind", "licence", "source", "seconds")
PERSON = ("a/1.flac", "ann", "F", "train", "speech", "CC0", "read", "7200")
SYNTHETIC = ("audio/v_00.flac", "v", "M", "train", "speech", "Apache-2.0", "kokoro (synthetic)", "3600")


def write(path: Path, row: tuple[str, ...]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([COLUMNS, row])
    return path


@pytest.fixture
def cfg(tmp_path: Path) -> Config:
    """A corpus of one person, and a work folder."""
    manifest, config = write(tmp_path / "corpus" / "manifest.csv", PERSON), Config()
    work = str(tmp_path / "work")
    return replace(config, pretrain=replace(config.pretrain, manifest=str(manifest), work_dir=work))


def test_gathered_voices_come_after_the_corpus_whose_keys_stay(cfg: Config) -> None:
    work = Path(cfg.pretrain.work_dir)
    assert main(cfg)["recordings"] == 1
    alone = read_recipe(work / "recipe.csv")
    gathered = write(work / "gathered" / "manifest.csv", SYNTHETIC)
    assert main(cfg) == {"recordings": 2.0, "speakers": 2.0}
    person, voice, *twins = read_recipe(work / "recipe.csv")
    assert person.key == alone[0].key == Recording("a/1.flac", "ann", "F", "train").key
    assert Path(cfg.pretrain.root) / voice.path == gathered.parent.resolve() / "audio/v_00.flac"
    assert [twin.speaker for twin in twins] == ["ann@", "v@"]


def test_synthetic_hours_are_counted_apart(cfg: Config) -> None:
    work = Path(cfg.pretrain.work_dir)
    write(work / "gathered" / "manifest.csv", SYNTHETIC)
    main(cfg)
    sources = json.loads((work / "recipe.json").read_text())["source"]
    assert sources == {"read": {"people": 1, "hours": 2.0}, "kokoro (synthetic)": {"people": 1, "hours": 1.0}}
