"""Protocols: pairs drawn with a seed, references and ceilings disjoint in time, people halved by hash, training kept out."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from audio_files import RATE, speech

from autovoice.audio.io import load_wav, save_wav
from autovoice.config import AudioConfig, ProtocolConfig, compose
from autovoice.errors import ConfigError, DataError
from autovoice.evaluation.clips import Clip, Cutter, Target
from autovoice.evaluation.items import audio_sha
from autovoice.evaluation.overlap import Trained
from autovoice.evaluation.people import Person, read_people
from autovoice.evaluation.protocol import build_trials, check_training
from autovoice.evaluation.trials import paired

AUDIO = AudioConfig(output_rate=RATE, output_n_fft=1024)  # clips are cut at the rate of the recordings
COLUMNS = ("path", "speaker", "gender", "split", "kind", "lang", "text")
PEOPLE = (  # name, demo reader, seconds of each recording, gender, split, kind, language
    ("ann", "allison", (7.0, 29.0), "F", "dev", "speech", "en"),
    ("bob", "carlo", (4.0, 10.0), "M", "dev", "speech", "en-US"),
    ("cleo", "june", (15.0, 3.0), "F", "dev", "speech", "en"),
    ("dina", "ivrvoice", (2.5,), "", "dev", "speech", "en"),
    ("emil", "nikolay", (14.0,), "M", "train", "speech", "de"),
    ("fay", "narrator", (3.0, 3.0, 2.5, 1.0, 3.0, 3.0), "F", "dev", "song", "ru"),
)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    with (folder / "manifest.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(COLUMNS)
        for name, reader, lengths, gender, split, kind, lang in PEOPLE:
            start = 0.0
            for i, seconds in enumerate(lengths):
                save_wav(folder / f"{name}{i}.flac", speech(reader, seconds, start), RATE)
                writer.writerow([f"{name}{i}.flac", name, gender, split, kind, lang, f"words {name}{i}"])
                start += seconds
    return folder


def built(corpus: Path, out: Path, name: str, seed: int = 0, known: tuple[str, ...] = (), **settings):
    """Trials and notes of a protocol on the corpus, everyone in it."""
    p = replace(compose([f"protocol={name}"]).protocol, manifest=str(corpus / "manifest.csv"), half="all", **settings)
    return build_trials(p, Cutter(out, AUDIO), seed, set(known))


def who(trials, kind="conversion"):
    return [(t.source.person.name, t.target.person.name) for t in trials if t.kind == kind]


def test_zero_shot_pairs_other_people_and_repeats_with_the_seed(corpus, tmp_path):
    trials, _ = built(corpus, tmp_path, "zero-shot", n_pairs=7)
    again, _ = built(corpus, tmp_path, "zero-shot", n_pairs=7)
    other, _ = built(corpus, tmp_path, "zero-shot", n_pairs=7, seed=1)
    assert who(trials) == who(again) != who(other)
    assert len(who(trials)) == len(set(who(trials))) == 7
    assert all(source != target for source, target in who(trials))
    assert {target for _, target in who(trials)} == {"ann", "bob", "cleo"}  # dina has too little for a voice
    assert sorted(who(trials, "copy")) == [("ann", "ann"), ("bob", "bob"), ("cleo", "cleo")]


def test_reference_and_ceiling_are_disjoint_stretches(corpus, tmp_path):
    bob = next(p for p in read_people(corpus / "manifest.csv", corpus, "dev") if p.name == "bob")
    target = Cutter(tmp_path, AUDIO).target(bob, 10.0)
    assert target is not None
    whole = np.concatenate([load_wav(path, RATE) for path in bob.paths])
    [reference] = target.references[10.0]
    parts = [load_wav(path, RATE) for path in (reference, target.ceiling)]
    assert [len(part) for part in parts] == [10 * RATE, 4 * RATE]
    assert np.allclose(np.concatenate(parts), whole, atol=1e-3)


def test_noise_is_no_speech_to_clone_a_voice_from(tmp_path):
    save_wav(tmp_path / "noise.wav", np.random.default_rng(0).normal(0, 0.05, 14 * RATE).astype(np.float32), RATE)
    person = Person("x", "", "en", [tmp_path / "noise.wav"])
    assert Cutter(tmp_path, AUDIO).target(person, 10.0) is None


def test_seedvc_crosses_every_source_with_every_reference_of_other_people(corpus, tmp_path):
    trials, _ = built(corpus, tmp_path, "seedvc", n_sources=3, n_references=1)
    [target] = {target for _, target in who(trials)}
    assert len(trials) == 3
    assert len({source for source, _ in who(trials)} - {target}) == 3  # three people before anyone's second recording
    trials, _ = built(corpus, tmp_path, "seedvc", n_sources=4, n_references=1)
    assert len({t.source.path for t in trials}) == 4


def test_a_whole_recording_keeps_its_text_and_a_cut_one_has_none(corpus, tmp_path):
    people = read_people(corpus / "manifest.csv", corpus, "dev")
    texts = {clip.recordings[0].stem: clip.text for clip in Cutter(tmp_path, AUDIO).utterances(people)}
    assert texts["ann0"] == "words ann0"
    assert texts["ann1"] == ""  # 29 s, cut at 15


def test_fewshot_compares_all_lengths_with_the_same_speech_that_no_reference_holds(corpus, tmp_path):
    lengths = [5.0, 10.0, 30.0]
    trials, notes = built(corpus, tmp_path, "fewshot", n_pairs=2, n_references=1, reference_s=lengths)
    assert [(t.seconds, t.target.person.name) for t in trials] == [(s, "ann") for s in (5.0, 5.0, 10.0, 10.0)]
    assert notes == ["30 s of reference: left out ann, who have less speech"]
    assert len({str(t.target.judged[t.seconds]) for t in trials}) == 1
    assert who(trials[:2]) == who(trials[2:])
    ann = trials[0].target
    whole = np.concatenate([load_wav(path, RATE) for path in ann.recordings])
    cut = [load_wav(path, RATE) for path in (*ann.judged[10.0], ann.ceiling, *ann.references[10.0])]
    assert np.allclose(np.concatenate(cut), whole[: 30 * RATE], atol=1e-3)


def test_copies_say_the_ceiling_in_the_persons_own_voice(corpus, tmp_path):
    trials, _ = built(corpus, tmp_path, "copy", n_pairs=3)
    assert len(who(trials, "copy")) == 3
    assert all(t.source.path == t.target.ceiling and t.source.person is t.target.person for t in trials)


def test_songs_go_into_speakers(corpus, tmp_path):
    trials, _ = built(corpus, tmp_path, "singing", split="dev", n_pairs=6)
    assert {source for source, _ in who(trials, "singing")} == {"fay"}
    assert {target for _, target in who(trials, "singing")} == {"ann", "bob", "cleo"}
    assert all(len(load_wav(t.source.path, RATE)) >= 2 * RATE for t in trials)


def test_songs_go_into_other_singers_where_asked(corpus, tmp_path):
    with pytest.raises(DataError, match="give 0 pairs"):  # the only singer has nobody else
        built(corpus, tmp_path, "singing", split="dev", n_pairs=1, target_kind="singing")


def test_seen_has_targets_of_training_and_sources_of_others(corpus, tmp_path):
    trials, _ = built(corpus, tmp_path, "seen", n_pairs=3, known=("emil",))
    assert {target for _, target in who(trials)} == {"emil"}
    assert trials[0].target.ceiling is None
    assert len(trials[0].target.references[10.0]) == 2  # each the ceiling of the other
    with pytest.raises(DataError, match="training heard nobody of the split 'train'"):
        built(corpus, tmp_path, "seen", n_pairs=3)


def test_people_of_training_are_named_and_refused(corpus, tmp_path):
    trials, _ = built(corpus, tmp_path, "zero-shot", n_pairs=3)
    assert check_training(trials, [Trained("someone", "", "base")], False, "m.csv")
    with pytest.raises(DataError, match=r"m\.csv: was trained on: speaker bob"):
        check_training(trials, [Trained("bob", "", "base")], False, "m.csv")


def test_recordings_of_training_are_refused_under_any_name(corpus, tmp_path):
    trials, _ = built(corpus, tmp_path, "zero-shot", n_pairs=3)
    with pytest.raises(DataError, match=r"recording .*cleo0\.flac"):
        check_training(trials, [Trained("other name", audio_sha(corpus / "cleo0.flac"), "base")], False, "m.csv")


def test_seen_may_use_training_recordings_as_references_only(corpus, tmp_path):
    trials, _ = built(corpus, tmp_path, "seen", n_pairs=3, known=("emil",))
    emil = Trained("emil", audio_sha(corpus / "emil0.flac"), "base")
    assert check_training(trials, [emil], True, "m.csv") == [replace(emil, use="adaptation")]
    source = trials[0].source.person.name
    with pytest.raises(DataError, match=f"speaker {source}"):
        check_training(trials, [emil, Trained(source, "", "base")], True, "m.csv")
    recording = trials[0].source.recordings[0]
    with pytest.raises(DataError, match=f"recording .*{recording.name}"):
        check_training(trials, [emil, Trained("emil", audio_sha(recording), "base")], True, "m.csv")


def test_people_are_halved_by_the_hash_of_their_name(corpus):
    everyone = read_people(corpus / "manifest.csv", corpus, "dev")
    halves = [read_people(corpus / "manifest.csv", corpus, "dev", half=half) for half in ("choose", "measure")]
    assert sorted(p.name for half in halves for p in half) == [p.name for p in everyone]
    assert all(p.half == half for half, people in zip(("choose", "measure"), halves, strict=True) for p in people)


def test_names_that_are_no_file_names_stay_apart():
    names = {Person(name, "", "", []).file_name for name in ("../a", "__/a", "a")}
    assert len(names) == 3
    assert not any("/" in name or "." in name for name in names)


def clip(name):
    return Clip(Path(name), Person(name, "", "en", []), [])


def voice(name):
    return Target(Person(name, "", "en", []), {10.0: []}, {10.0: []}, None, [])


def test_every_target_has_a_pair_before_any_has_two():
    pairs = paired([clip(n) for n in "abcd"], [voice(n) for n in "abc"], 4, np.random.default_rng(0))
    assert [target.person.name for _, target in pairs] == ["a", "b", "c", "a"]


@pytest.mark.parametrize(
    ("name", "settings", "words"),
    [
        ("zero-shot", {"n_pairs": 10}, "these 4 sources and 3 targets give 9 pairs"),
        ("zero-shot", {"reference_s": [120.0]}, "nobody of the split 'dev'"),
        ("zero-shot", {"split": "test"}, "has no speech of the split 'test'"),
        ("seedvc", {"n_sources": 1, "n_references": 9}, "only 3 people of the split 'dev'"),
        ("seedvc", {"n_sources": 50, "n_references": 2}, "English recordings of 2 people are left"),
        ("fewshot", {"n_references": 4}, "only 1 person of the split 'dev'"),
        ("copy", {"n_pairs": 4}, "only 3 people of the split 'dev'"),
        ("singing", {"split": "train"}, "has no singing of the split 'train'"),
    ],
)
def test_what_the_corpus_cannot_give_is_one_sentence(corpus, tmp_path, name, settings, words):
    with pytest.raises(DataError, match=words) as caught:
        built(corpus, tmp_path, name, **settings)
    assert "\n" not in caught.value.sentence


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "no such manifest"),
        ("path,speaker,gender,split,kind\na.flac,a,F,dev,speech\n", "lacks the columns lang"),
        ("path,speaker,gender,split,kind,lang\na.flac,a,F,dev,speech,en\n", r"line 2: .*a\.flac does not exist"),
        ("path,speaker,gender,split,kind,lang\nann0.flac,,F,dev,speech,en\n", "line 2 has no path or no speaker"),
        ("path,speaker,gender,split,kind,lang\nb.flac,a,F,train,speech,en\n", "has no speech of the split 'dev'"),
        ("path,speaker,gender,split,kind,lang\nann0.flac,\xe4,F,dev,speech,en\n", "not a CSV in UTF-8"),
    ],
)
def test_a_wrong_manifest_is_one_sentence(corpus, tmp_path, text, words):
    if text is not None:
        (tmp_path / "manifest.csv").write_text(text, encoding="latin-1")
    with pytest.raises(DataError, match=words):
        read_people(tmp_path / "manifest.csv", corpus, "dev")


def test_without_a_manifest_it_says_which_key_names_it(tmp_path):
    with pytest.raises(DataError, match=r"protocol\.manifest"):
        build_trials(ProtocolConfig(), Cutter(tmp_path, AUDIO), 0, set())


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("protocol=seedcv", "did you mean seedvc"),
        ("protocol.name=other", "choose from zero-shot"),
        ("protocol.half=both", "choose from choose"),
        ("protocol.n_pairs=0", "more than 0"),
        ("protocol.n_pairs=-4", "more than 0"),
        ("protocol.n_sources=0", "more than 0"),
        ("protocol.n_references=-1", "more than 0"),
        ("protocol.reference_s=[2]", "3 or more"),
        ("protocol.reference_s=[]", "one number"),
        ("protocol.reference_s=[5,10]", "one number"),
        ("protocol.presets=[best]", "choose from fast"),
        ("protocol.presets=[]", "a list of presets"),
        ("protocol.target_kind=song", "choose from speech"),
    ],
)
def test_wrong_settings_are_one_sentence(override, words):
    with pytest.raises(ConfigError, match=words):
        compose([override])
