"""Synthetic voices of the base model's corpus. Needs the extra tts."""

import csv
from itertools import islice
from pathlib import Path

import pytest

pytest.importorskip("espeakng_loader", reason="needs espeak-ng: pip install -e .[tts]")

from autovoice.data.synthetic import SENTENCES, gather, speak_for, synthetic_voices, texts_for
from autovoice.errors import ConfigError


def test_voices_are_drawn_from_the_seed_and_balanced() -> None:
    drawn = synthetic_voices(32, seed=0)
    assert drawn == synthetic_voices(32, seed=0)
    assert drawn[28:] != synthetic_voices(32, seed=1)[28:]
    assert len({voice.name for voice in drawn}) == 60
    assert [voice.gender for voice in drawn[28:32]] == ["F", "M", "F", "M"]
    assert all(sum(voice.weights.values()) == pytest.approx(1) for voice in drawn)
    with pytest.raises(ConfigError, match="blends are not possible"):
        synthetic_voices(1000, seed=0)


def test_each_voice_reads_all_sentences_before_it_repeats_one() -> None:
    sentences = SENTENCES.read_text(encoding="utf-8").splitlines()
    first, second = synthetic_voices(0, seed=0)[:2]
    read = " ".join(islice(texts_for(first, seed=0), len(sentences) // 4))
    assert sum(sentence in read for sentence in sentences) >= len(sentences) - 3
    assert next(texts_for(first, seed=0)) != next(texts_for(second, seed=0))


def test_recordings_that_exist_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autovoice.data.synthetic.SENTENCES_A_RECORDING", 1)
    voice = synthetic_voices(1, seed=0)[28]
    (row,) = speak_for(voice, tmp_path, seconds=0.5, seed=0)
    made = tmp_path / row.path
    assert 1 < row.seconds < 6
    assert (row.gender, row.licence, row.split) == ("F", "Apache-2.0", "train")
    assert "synthetic" in row.source
    before = made.stat().st_mtime_ns
    assert speak_for(voice, tmp_path, seconds=0.5, seed=0) == [row]
    assert made.stat().st_mtime_ns == before


def test_no_seconds_are_a_manifest_without_voices(tmp_path: Path) -> None:
    assert gather(tmp_path, seconds=0.0, n_blends=32, seed=0, num_workers=1) == []
    with (tmp_path / "manifest.csv").open(encoding="utf-8", newline="") as stream:
        reader = csv.DictReader(stream)
        wanted = {"path", "speaker", "gender", "split", "kind", "licence", "source", "lang", "seconds"}
        assert set(reader.fieldnames or []) == wanted
        assert not list(reader)
