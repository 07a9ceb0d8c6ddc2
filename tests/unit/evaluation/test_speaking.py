"""The protocol speak: sentences read by the front-end, spoken in a person's voice, and measured. Needs the extra speech."""

import csv
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("hibari", reason="needs hibari-tts: pip install -e .[speech]")

from audio_files import RATE, speech

from autovoice.audio.io import load_wav, save_wav
from autovoice.config import TtsConfig, compose
from autovoice.convert import VoiceConverter
from autovoice.errors import DataError
from autovoice.evaluation.clips import Cutter
from autovoice.evaluation.conversions import convert_all, jobs_of
from autovoice.evaluation.protocol import build_trials
from autovoice.evaluation.speaking import SENTENCES, SpeakingMaker, read_aloud
from autovoice.metrics.secs import secs_embedding
from autovoice.metrics.speaker import cosine
from autovoice.tts.front_end import load_front_end

WAVS = ("source", "converted", "target_refs")


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One man with 13 s of speech."""
    folder = tmp_path_factory.mktemp("corpus")
    save_wav(folder / "carlo.flac", speech("carlo", 13.0), RATE)
    with (folder / "manifest.csv").open("w", newline="", encoding="utf-8") as stream:
        rows = [
            ("path", "speaker", "gender", "split", "kind", "lang"),
            ("carlo.flac", "carlo", "M", "dev", "speech", "it"),
        ]
        csv.writer(stream).writerows(rows)
    return folder / "manifest.csv"


def test_each_sentence_is_spoken_in_each_voice_and_less_like_the_reader(manifest: Path, tmp_path: Path) -> None:
    cfg, front_end = compose(["protocol=speak", f"protocol.manifest={manifest}"]), load_front_end(TtsConfig())
    p = replace(cfg.protocol, n_sources=2, n_references=1, half="all", presets=["fast"])
    cutter, texts = Cutter(tmp_path / "speech", cfg.audio), SENTENCES.read_text(encoding="utf-8").splitlines()
    trials, _ = build_trials(p, cutter, cfg.seed, set(), read_aloud(front_end, p.n_sources, cutter.out))
    maker = SpeakingMaker(VoiceConverter("cpu"), cfg.presets, cfg.seed, front_end)
    table = convert_all(jobs_of(trials, p.name, p.presets, tmp_path), maker, tmp_path)
    with table.open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["text"] for row in rows] == texts[:2]
    assert {(row["source_speaker"], row["target_speaker"], row["system"]) for row in rows} == {
        ("hibari heart", "carlo", "speak/fast")
    }
    read, said, person = (secs_embedding(load_wav(tmp_path / rows[0][name], RATE)) for name in WAVS)
    assert cosine(said, person) > cosine(read, person) + 0.1
    assert cosine(said, read) < cosine(said, person)


def test_more_sentences_than_there_are_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"there are 150 sentences; ask for fewer|protocol\.n_sources=151"):
        read_aloud(load_front_end(TtsConfig()), 151, tmp_path)
