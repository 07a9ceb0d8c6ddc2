"""Telling speakers apart: clusters, turns, splices, and a conversation of two demo readers of whom one is converted."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from autovoice.audio.io import load_wav, save_wav
from autovoice.audio.runs import closed, runs
from autovoice.cli import main
from autovoice.commands.conversation import parse_map
from autovoice.config import AudioConfig
from autovoice.diarise.cluster import find_voices
from autovoice.diarise.speakers import FRAMES_PER_S, diarise
from autovoice.diarise.speech import Heard, hear, speech_stretches
from autovoice.diarise.splice import cut, fade, lay, pieces_in, places_of
from autovoice.diarise.turns import Turn, find_turns, in_order, likeliest
from autovoice.errors import AudioError, DataError
from autovoice.metrics.diarisation import diarisation_errors
from autovoice.models.speaker import embed_speaker
from autovoice.provenance import read_provenance
from tests.audio_files import RATE, speech

OUT_RATE = AudioConfig().output_rate


def people(counts: list[int], seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Windows of people whose mean cosines are .75 within and .5 between, as those of d-vectors -> (n, 256), who."""
    rng = np.random.default_rng(seed)
    common, own = rng.standard_normal(256), rng.standard_normal((len(counts), 256))
    who = rng.permutation(np.repeat(np.arange(len(counts)), counts))
    embs = np.sqrt(0.5) * common + np.sqrt(0.25) * own[who] + np.sqrt(0.25) * rng.standard_normal((len(who), 256))
    return embs / np.linalg.norm(embs, axis=1, keepdims=True), who


@pytest.mark.parametrize("counts", [[40], [40, 40], [60, 8], [50, 30, 10, 20]])
def test_as_many_voices_are_found_as_there_are(counts: list[int]) -> None:
    embs, who = people(counts)
    labels = (embs @ find_voices(embs).T).argmax(1)
    assert len(set(zip(labels.tolist(), who.tolist(), strict=True))) == len(counts) == labels.max() + 1


@pytest.mark.parametrize("n", [1, 2, 3])
def test_the_number_of_speakers_can_be_given(n: int) -> None:
    assert len(find_voices(people([50, 30, 20])[0], n)) == n


def test_a_few_odd_windows_are_no_person() -> None:
    embs, _ = people([40, 40])
    odd = np.abs(np.random.default_rng(9).standard_normal((2, 256)))
    odd /= np.linalg.norm(odd, axis=1, keepdims=True)
    assert len(find_voices(np.concatenate([embs, odd]))) == 2
    assert len(find_voices(np.concatenate([embs, odd]), 2)) == 2
    assert len(find_voices(embs[:1])) == 1


def test_runs_and_gaps() -> None:
    mask = np.array([1, 1, 0, 1, 0, 0, 1], bool)
    assert runs(mask) == [(0, 2), (3, 4), (6, 7)]
    assert runs(closed(mask, 2)) == [(0, 4), (6, 7)]
    assert runs(np.zeros(3, bool)) == []


def test_speakers_change_rarely_and_where_it_is_cheap() -> None:
    scores = np.stack([np.r_[np.ones(50), np.zeros(50)], np.r_[np.zeros(50), np.ones(50)]], 1)
    assert likeliest(scores, np.full(100, 5.0)).tolist() == [0] * 50 + [1] * 50
    assert len(set(likeliest(scores, np.full(100, 1000.0)))) == 1
    blurred, costs = 0.5 + np.clip((scores - 0.5) * 0.01, -1, 1), np.full(100, 5.0)
    costs[57] = 0.1  # a pause near the border
    assert np.flatnonzero(np.diff(likeliest(blurred, costs))).tolist() == [56]


def test_turns_are_numbered_by_appearance_and_joined_over_short_pauses() -> None:
    heard = Heard(np.zeros(700), np.ones(700, bool), [(0, 200), (230, 400), (500, 700)])
    voices = np.eye(2)
    windows = [(0, 160), (40, 200), (235, 395), (240, 400), (500, 660), (540, 700)]
    embs = voices[[1, 1, 1, 1, 0, 0]]
    assert find_turns(heard, windows, embs, voices) == [Turn(0, 0, 400), Turn(1, 500, 700)]
    assert in_order([Turn(4, 0, 1), Turn(2, 1, 2), Turn(4, 2, 3)]) == [Turn(0, 0, 1), Turn(1, 1, 2), Turn(0, 2, 3)]


def test_noise_and_silence_are_no_speech() -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, 3 * RATE).astype(np.float32)
    for wav in (noise, np.zeros(RATE, np.float32), np.zeros(0, np.float32)):
        assert hear(wav, AudioConfig()).stretches == []
        with pytest.raises(AudioError, match="no speech"):
            diarise(wav)
    assert speech_stretches(np.r_[np.full(99, -90.0), np.full(50, -20.0), np.full(99, -90.0)], np.ones(248, bool)) == [
        (99, 149)
    ]


def test_places_meet_half_way_and_lie_on_content_frames() -> None:
    turns = [Turn(0, 3, 100), Turn(1, 105, 200), Turn(0, 300, 411)]
    assert places_of(turns, 415) == [(0, 102), (102, 210), (290, 414)]


def test_what_is_cut_comes_back_in_place_and_the_rest_is_untouched() -> None:
    wav = np.random.default_rng(0).uniform(-1, 1, 100 * 160).astype(np.float32)
    pieces = [(0, 20), (38, 62)]
    parts = pieces_in(cut(wav, pieces, 160), pieces, 160)
    np.testing.assert_array_equal(parts[1][200:-200], wav[38 * 160 + 200 : 62 * 160 - 200])
    out = wav.copy()
    lay(out, wav, np.zeros(24 * 160, np.float32), 38 * 160, (40 * 160, 60 * 160), 160)
    assert np.abs(out[40 * 160 + 80 : 60 * 160 - 80]).max() == 0
    np.testing.assert_array_equal(out[: 40 * 160 - 80], wav[: 40 * 160 - 80])
    np.testing.assert_array_equal(out[60 * 160 + 80 :], wav[60 * 160 + 80 :])


def test_two_neighbours_leave_nothing_of_the_original_between_them() -> None:
    first, second = (fade(400, start, stop, 40) for start, stop in ((50, 200), (200, 350)))
    np.testing.assert_allclose((first + second)[70:330], 1, atol=1e-6)
    assert np.abs(np.diff(first)).max() == pytest.approx(1 / 40, abs=1e-6)


def test_the_diarisation_error_is_by_the_book() -> None:
    true = [("a", 0.0, 10.0), ("b", 10.0, 20.0)]
    assert diarisation_errors(true, [("x", 0.0, 10.0), ("y", 10.0, 20.0)]).der == 0
    assert diarisation_errors(true, [("x", 0.0, 10.2), ("y", 10.2, 20.0)]).der == 0  # within the collar
    assert diarisation_errors(true, [("x", 0.0, 20.0)]).confused == pytest.approx(0.5)
    one = diarisation_errors(true, [("x", 0.0, 10.0), ("y", 10.0, 15.0), ("x", 21.0, 23.0)], 0.0)
    assert (one.missed, one.false_alarm, one.confused) == pytest.approx((0.25, 0.1, 0.0))
    with pytest.raises(ValueError, match="no true speech"):
        diarisation_errors([("a", 0.0, 0.1)], [("a", 0.0, 0.1)])


@pytest.mark.parametrize(
    ("pairs", "said"),
    [(["ada"], "SPEAKER=VOICE"), (["S1="], "SPEAKER=VOICE"), (["S0=a"], "SPEAKER=VOICE"), (["S1=a", "s1=b"], "twice")],
)
def test_a_map_that_is_none_is_one_sentence(pairs: list[str], said: str) -> None:
    with pytest.raises(DataError, match=said):
        parse_map(pairs)
    assert parse_map(["s1=ada", "S2=june:1,carlo:2"]) == {"S1": "ada", "S2": "june:1,carlo:2"}


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[tuple[str, float, float]]]:
    """nikolay and allison by turns, 0.3 s apart, and a voice made of carlo; -> (folder, who speaks when)."""
    folder, pause, parts, truth, at = tmp_path_factory.mktemp("talk"), np.zeros(3 * RATE // 10, np.float32), [], [], 0.0
    for name, skip_s, duration_s in (("nikolay", 0, 4), ("allison", 0, 5), ("nikolay", 12, 4), ("allison", 6, 4)):
        parts += [speech(name, duration_s, skip_s), pause]
        truth.append((name, at, at + duration_s))
        at += duration_s + 0.3
    save_wav(folder / "talk.wav", np.concatenate(parts), RATE)
    save_wav(folder / "carlo.wav", speech("carlo", 10.0), RATE)
    clone = ["clone", "carlo", str(folder / "carlo.wav"), "--voices", str(folder / "v"), "--consent", "by its licence"]
    assert main(clone) == 0
    return folder, truth


def test_one_of_two_readers_is_converted_and_the_other_stays(
    talk: tuple[Path, list[tuple[str, float, float]]], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, truth = talk
    source, target = folder / "talk.wav", folder / "out.wav"
    found = diarise(load_wav(source, RATE))
    segments = [(str(t.speaker), t.start / FRAMES_PER_S, t.stop / FRAMES_PER_S) for t in found]
    assert diarisation_errors(truth, segments).confused < 0.02

    options = ["--voices", str(folder / "v"), "--device", "cpu", "--preset", "fast", "--json"]
    capsys.readouterr()
    assert main(["convert", str(source), "--map", "S2=carlo", "-o", str(target), *options]) == 0
    said = json.loads(capsys.readouterr().out)["speakers"]
    assert (said["S1"]["voice"], said["S2"]["voice"]) == ("", "carlo")
    assert said["S2"]["shift_st"] < -2

    before, after = load_wav(source, OUT_RATE), sf.read(target, dtype="float32")[0]
    assert len(before) == len(after)
    voice = embed_speaker(speech("carlo", 10.0))
    for name, start, stop in truth:
        part = slice(int((start + 0.2) * OUT_RATE), int((stop - 0.1) * OUT_RATE))
        if name == "nikolay":  # to half a step of 16 bits, and the scale of the format
            np.testing.assert_allclose(after[part], before[part], atol=1.6 / 32768)
        else:
            heard, was = (load_wav(p, RATE)[int(start * RATE) : int(stop * RATE)] for p in (target, source))
            near, far = (float(embed_speaker(0.05 * w / w.std()) @ voice) for w in (heard, was))
            assert near > far + 0.05
    record = read_provenance(target)["metadata"]
    assert record["voice"] == "S2=carlo"
    assert len(record["consent_id"]) == 8


def test_speakers_can_be_listed_and_strangers_are_refused(
    talk: tuple[Path, list[tuple[str, float, float]]], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, _ = talk
    source, capture = str(folder / "talk.wav"), capsys.readouterr
    capture()
    assert main(["convert", source, "--list-speakers", "--json"]) == 0
    speakers = json.loads(capture().out)["speakers"]
    assert [speaker["name"] for speaker in speakers] == ["S1", "S2"]
    assert sum(speaker["speech_s"] for speaker in speakers) == pytest.approx(15, abs=3)
    common = ["-o", str(folder / "none.wav"), "--voices", str(folder / "v"), "--device", "cpu"]
    for options, sentence in (
        (["--map", "S3=carlo"], "no speaker S3"),
        (["--map", "S1=nobody"], "no such voice"),
        (["--map", "S1=carlo:1,carlo:1"], "twice"),
        (["--voice", "carlo", "--speakers", "2"], "--map or --list-speakers"),
    ):
        assert main(["convert", source, *options, *common]) == 2
        assert sentence in capture().err
    assert main(["convert", source, "--voice", "carlo"]) == 2
    assert "-o OUT" in capture().err
    assert not (folder / "none.wav").exists()
