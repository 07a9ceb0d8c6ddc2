"""The parts of a song conversion, each alone: phrases, gate, level, headroom, room, key, tags."""

import itertools
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
import torch
import yaml
from audio_files import ROOT
from scipy.signal import fftconvolve

from autovoice.analysis import Analysis, analyse, octave_shift_st
from autovoice.audio.f0 import extract_f0
from autovoice.audio.io import StreamWriter
from autovoice.audio.loudness import gain_to, loudness_contour
from autovoice.audio.resample import resample
from autovoice.audio.windows import array_blocks
from autovoice.config import AudioConfig
from autovoice.metrics.singing import vibrato
from autovoice.song.match import CEILING, balance, gain_to_match, headroom_gain
from autovoice.song.phrases import MAX_PHRASE_FRAMES, Gate, Phrase, find_phrases, sung
from autovoice.song.room import decay_s, room_of
from autovoice.song.shift import in_octave, shifted
from autovoice.song.stats import SongStats, warnings_of
from autovoice.song.synthetic import Note, band, hz, sing
from autovoice.song.tags import read_tags
from autovoice.song.truth import mixed
from autovoice.voice import VoiceProfile

sys.path.insert(0, str(ROOT / "scripts"))
import stage_deps

RATE = 16000
MELODY = [Note(57 + step, 0.5 + 0.6 * i, 0.5, "aeiou"[i % 5]) for i, step in enumerate((0, 4, 7, 12, 7, 4))]


def voice_of(f0_median_hz: float) -> VoiceProfile:
    empty = torch.zeros(0)
    return VoiceProfile("v", np.zeros(256, np.float32), empty, empty, f0_median_hz, 0, 0, 10, 1, 40, "good")


def analysis_of(wav: np.ndarray, voice: VoiceProfile, pitch: float | str = 0.0) -> Analysis:
    return analyse(array_blocks(wav, RATE)(), voice, AudioConfig(), pitch)


def test_a_singer_is_found_with_its_breaths_and_a_drum_is_not() -> None:
    wav, _ = sing(MELODY, 9.0, RATE)
    wav[int(6 * RATE) : int(6.2 * RATE)] += 0.2 * np.random.default_rng(0).standard_normal(int(0.2 * RATE)).astype(
        np.float32
    )
    analysis = analysis_of(wav, voice_of(200))
    singing = sung(analysis, AudioConfig().level_dbfs)
    assert singing[33:400].all()  # the breath begins at 0.25 s, slowly
    assert not singing[500:].any()
    first, last = np.flatnonzero(singing)[[0, -1]]
    assert find_phrases(singing, analysis.loudness) == [Phrase(first, last + 1)]


def test_two_hours_without_a_pause_are_cut_into_phrases_of_a_minute_at_quiet_moments() -> None:
    n = 2 * 3600 * 100
    loudness = np.random.default_rng(0).uniform(0, 1, n).astype(np.float32)
    phrases = find_phrases(np.ones(n, bool), loudness)
    assert phrases[0].start == 0
    assert phrases[-1].stop == n
    assert all(a.stop == b.start for a, b in itertools.pairwise(phrases))
    assert max(p.stop - p.start for p in phrases) <= MAX_PHRASE_FRAMES
    assert max(loudness[p.start] for p in phrases[1:]) < 0.01


def test_the_gate_is_open_within_the_singing_and_shut_outside() -> None:
    singing = np.zeros(300, bool)
    singing[100:200] = True
    gate = Gate(singing, 44100)
    gain = gate.at(0, 3 * 44100)
    assert gain[: 44100 - 441].max() == 0
    assert gain[2 * 44100 :].max() == 0
    assert gain[int(1.1 * 44100) : int(1.9 * 44100)].min() == 1
    assert np.abs(np.diff(gain)).max() < 1e-3
    np.testing.assert_allclose(gate.at(50_000, 1000), gain[50_000:51_000], atol=1e-6)
    assert gate.at(4 * 44100, 10).max() == 0


@pytest.mark.parametrize("seconds", [0.1, 3.0])
def test_loudness_is_that_of_the_original(seconds: float) -> None:
    wav = np.random.default_rng(0).normal(0, 0.1, (int(seconds * 44100), 2))
    assert gain_to_match(wav, 0.5 * wav, 44100) == pytest.approx(2.0, rel=1e-3)
    assert gain_to_match(wav, 1e-6 * wav, 44100) == pytest.approx(10 ** (12 / 20))


def test_a_voice_stands_where_the_original_stood() -> None:
    wav = np.random.default_rng(0).normal(0, 0.1, 44100)
    sides = balance(np.stack([wav, 0.5 * wav], 1))
    assert sides[0] / sides[1] == pytest.approx(2.0)
    assert np.square(sides).sum() == pytest.approx(2.0)
    np.testing.assert_array_equal(balance(wav[:, None]), [1.0])
    np.testing.assert_array_equal(balance(np.zeros((10, 2))), [1.0, 1.0])


def test_where_the_sum_would_clip_the_vocal_gives_way_and_nowhere_else() -> None:
    rng = np.random.default_rng(0)
    vocal, music = rng.uniform(-0.5, 0.5, (44100, 2)), rng.uniform(-0.4, 0.4, (44100, 2))
    music[20_000:20_010] = 0.95
    gain = headroom_gain(vocal, music, 44100)
    assert np.abs(music + gain[:, None] * vocal).max() <= CEILING + 1e-6
    assert gain[20_000:20_010].max() < 1
    assert gain[:19_000].min() == 1
    assert gain[21_000:].min() == 1
    assert np.abs(np.diff(gain)).max() < 0.02


def test_a_longer_reverberation_measures_longer_and_dry_notes_get_none() -> None:
    notes = [Note(60, 0.3 + 1.5 * i, 0.4) for i in range(6)]
    dry, _ = sing(notes, 9.5, RATE)
    measured = []
    for seconds in (0.0, 1.0, 2.0):
        n = max(1, int(seconds * RATE))
        tail = np.random.default_rng(0).standard_normal(n) * 10 ** (-3 * np.arange(n) / n)
        wet = dry + 0.3 * fftconvolve(dry, tail / np.linalg.norm(tail))[: len(dry)] if seconds else dry
        wet = (wet * gain_to(wet, RATE, -26)).astype(np.float32)
        measured.append(decay_s(loudness_contour(wet, 160, len(wet) // 160), -26))
    assert measured[0] < 1.0
    assert measured[0] < measured[1] < measured[2]
    assert room_of(measured[0]) is None
    room = room_of(measured[2])
    assert room is not None
    added = room.added(dry, RATE)
    assert added.shape == dry.shape
    assert np.abs(added[: int(0.01 * RATE)]).max() < 1e-7  # nothing before the first breath
    assert np.square(added).sum() == pytest.approx(np.square(dry).sum(), rel=0.3)


@pytest.mark.parametrize(("shift_st", "rate"), [(3.0, 44100), (-5.0, 22050)])
def test_another_key_at_the_same_speed(shift_st: float, rate: int) -> None:
    t = np.arange(3 * rate) / rate
    wav = np.stack([0.3 * np.sin(2 * np.pi * 440 * t)] * 2, 1).astype(np.float32)
    out = np.concatenate(list(shifted((wav[i : i + 5000] for i in range(0, len(wav), 5000)), rate, shift_st)))
    assert len(out) == pytest.approx(len(wav), abs=0.01 * rate)
    heard_hz = np.abs(np.fft.rfft(out[rate : 2 * rate, 0] * np.hanning(rate))).argmax()
    assert heard_hz == pytest.approx(440 * 2 ** (shift_st / 12), abs=1)


@pytest.mark.parametrize(("shift_st", "same_key_st"), [(0, 0), (12, 0), (-24, 0), (7, -5), (-7, 5), (3, 3), (-10, 2)])
def test_the_same_key_is_at_most_half_an_octave_away(shift_st: float, same_key_st: float) -> None:
    assert in_octave(shift_st) == same_key_st


@pytest.mark.parametrize(
    ("song_hz", "voice_hz", "shift_st"),
    [(220, 110, 0), (330, 200, 0), (330, 110, -12), (110, 200, 12), (880, 100, -24), (60, 400, 36), (0, 200, 0)],
)
def test_a_song_moves_by_as_few_whole_octaves_as_bring_it_to_the_voice(
    song_hz: float, voice_hz: float, shift_st: float
) -> None:
    assert octave_shift_st(np.full(10, song_hz, np.float32), voice_of(voice_hz)) == shift_st


@pytest.mark.parametrize("midi", [45, 69, 84, 85])
def test_vibrato_is_heard_up_to_1100_hz(midi: float) -> None:
    wav, truth = sing([Note(midi, 0.3, 1.5)], 2.0, RATE, vibrato_cents=80)
    analysis = analysis_of(wav, voice_of(200))
    f0, true = analysis.f0[:200], truth[::160][:200]
    inside = slice(60, 160)
    assert (f0[inside] > 0).mean() > 0.99
    assert np.abs(1200 * np.log2(f0[inside] / true[inside])).max() < 40
    assert vibrato(f0)[1] == pytest.approx(vibrato(true)[1], rel=0.12)


def test_a_slide_is_no_jump() -> None:
    wav, truth = sing([Note(57, 0.3, 0.8), Note(64, 1.1, 0.8)], 2.2, RATE, vibrato_cents=0, slide_s=0.3)
    f0 = extract_f0(wav, 160, 220)
    sliding = slice(115, 135)
    assert np.abs(1200 * np.log2(f0[sliding] / truth[::160][sliding])).max() < 60
    assert np.abs(np.diff(1200 * np.log2(f0[sliding]))).max() < 60


def test_a_song_of_arithmetic_is_what_it_says() -> None:
    wav, truth = sing(MELODY, 5.0, 44100)
    assert np.abs(wav).max() == pytest.approx(0.5)
    assert sorted({round(f) for f in truth[truth > 0]})[0] >= round(hz(56))
    music = band(2.0, 44100)
    assert music.shape == (88200, 2)
    np.testing.assert_array_equal(music, band(2.0, 44100))
    f0 = extract_f0(resample(wav, 44100, RATE), 160, 500)
    both = (f0 > 0) & (truth[::441][:500] > 0)
    assert np.median(np.abs(1200 * np.log2(f0[both] / truth[::441][:500][both]))) < 15


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3"])
def test_tags_come_back(tmp_path: Path, suffix: str) -> None:
    path, tags = tmp_path / f"a.{suffix}", {"title": "Lied für dich", "artist": "Niemand"}
    with StreamWriter(path, 44100, 2, tags) as writer:
        writer.write(np.zeros((44100, 2), np.float32))
    assert sf.info(path).channels == 2
    assert read_tags(path).items() >= tags.items()
    (tmp_path / "text.wav").write_text("no song")
    assert read_tags(tmp_path / "text.wav") == {}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, None),
        ({"vocal_db": -40.0}, "leaked"),
        ({"voiced_share": 0.1}, "leaked"),
        ({"width_db": 0.0}, "backing voices"),
        ({"decay_s": 2.5}, "reverberant"),
        ({"shift_st": 24.0}, "2 octaves"),
        ({"shift_st": 3.0}, "off the accompaniment's key"),
        ({"shift_st": 3.0, "accompaniment_shift_st": 3.0}, None),
        ({"shift_st": -9.0, "accompaniment_shift_st": 3.0}, None),
        ({"lowered_db": 9.0}, "would have clipped"),
    ],
)
def test_what_a_person_should_know_of_a_song(change: dict[str, float], said: str | None) -> None:
    plain = {"duration_s": 9, "sample_rate": 44100, "channels": 2, "vocal_db": -5, "width_db": -20, "voiced_share": 0.8}
    plain |= {"sung_s": 5, "n_phrases": 2, "decay_s": 0.5, "shift_st": 0.0}
    found = warnings_of(SongStats(**plain | change))
    assert len(found) == (said is not None)
    assert said is None or said in found[0]


def test_the_stage_depends_on_all_the_code_that_it_imports() -> None:
    stage = yaml.safe_load((ROOT / "protocols/dvc.yaml").read_text(encoding="utf-8"))["stages"]["songs"]
    uncovered = [
        needed
        for needed in stage_deps.code_deps("songs")
        if not any(needed == dep or needed.startswith(f"{dep}/") for dep in stage["deps"])
    ]
    assert not uncovered


def test_mixtures_are_at_the_level_that_they_say() -> None:
    vocal = sing(MELODY, 4.5, 44100)[0]
    mixture = mixed(vocal, 6.0)
    during = slice(2 * 44100, -2 * 44100)
    energies = [np.square(wav[during], dtype=np.float64).sum() for wav in (mixture.vocal, mixture.band)]
    assert 10 * np.log10(energies[0] / energies[1]) == pytest.approx(6.0, abs=0.01)
    assert np.abs(mixture.song).max() == pytest.approx(0.9, abs=1e-5)
    assert np.abs(mixture.vocal[: 2 * 44100]).max() == 0
