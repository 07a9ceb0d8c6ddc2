"""The zero-shot protocol: people halved by hash, references and ceilings disjoint, pairs drawn with a seed."""

import csv
from pathlib import Path

import numpy as np
import pytest

from autovoice.audio.io import load_wav, save_wav
from autovoice.errors import DataError
from autovoice.evaluation.protocol import Person, cut_person, read_people, zero_shot_trials

RATE = 16000


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    with (tmp_path / "manifest.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["path", "speaker", "gender", "lang", "split", "kind"])
        for i in range(24):
            seconds = 15.0 if i % 2 else 3.0
            save_wav(tmp_path / f"{i}.flac", (rng.normal(size=int(seconds * RATE)) * 0.05).astype(np.float32), RATE)
            writer.writerow([f"{i}.flac", f"p{i}", "F" if i % 3 else "M", "en", "dev", "speech"])
        writer.writerow(["none.flac", "trained", "M", "en", "train", "speech"])
    return tmp_path


def test_people_of_training_are_not_in_it(corpus: Path) -> None:
    people = read_people(corpus / "manifest.csv", corpus, "dev")
    assert len(people) == 24
    assert {p.half for p in people} == {"choose", "measure"}
    assert "trained" not in {p.name for p in people}


def test_trials_pair_other_people_of_the_same_half_and_repeat_with_the_seed(corpus: Path, tmp_path: Path) -> None:
    people = read_people(corpus / "manifest.csv", corpus, "dev")
    trials = zero_shot_trials(people, "measure", 20, 0, tmp_path / "cut", RATE)
    again = zero_shot_trials(people, "measure", 20, 0, tmp_path / "cut", RATE)
    assert [(t.source, t.reference) for t in trials] == [(t.source, t.reference) for t in again]
    assert len(trials) >= 20
    assert all(t.source_person.name != t.target_person.name for t in trials)
    assert {p.half for t in trials for p in (t.source_person, t.target_person)} == {"measure"}


def test_reference_and_ceiling_are_disjoint_stretches(corpus: Path, tmp_path: Path) -> None:
    person = next(p for p in read_people(corpus / "manifest.csv", corpus, "dev") if p.name == "p1")
    files = cut_person(person, tmp_path / "cut", RATE)
    whole = load_wav(person.paths[0], RATE)
    reference, ceiling = (load_wav(files[name], RATE) for name in ("reference", "ceiling"))
    assert np.allclose(np.concatenate([reference, ceiling]), whole, atol=1e-3)
    assert len(reference) == 10 * RATE


def test_a_half_without_enough_speech_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="measure"):
        zero_shot_trials([Person("x", "M", "en", [])], "measure", 4, 0, tmp_path, RATE)
