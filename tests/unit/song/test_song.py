"""Whole songs: what is not sung stays to the sample, what is sung is in key, loud and in place, and what cannot be is said."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from audio_files import at_rate, speech, write_m4a
from scipy.ndimage import maximum_filter1d

from autovoice.audio.f0 import extract_f0
from autovoice.audio.resample import resample
from autovoice.cli import main
from autovoice.config import compose
from autovoice.convert import VoiceConverter
from autovoice.metrics.pitch import f0_corr, f0_rmse_hz
from autovoice.song.convert import SongOptions, convert_song
from autovoice.song.synthetic import Note, band, sing
from autovoice.voice import VoiceProfile

RATE = 22050
MELODY = [Note(52 + step, 1.0 + 0.6 * i, 0.58, "aeiou"[i % 5]) for i, step in enumerate((0, 4, 7, 12, 7))]


def write(path: Path, wav: np.ndarray, rate: int = RATE, subtype: str = "FLOAT", **tags: str) -> Path:
    with sf.SoundFile(path, "w", rate, 1 if wav.ndim == 1 else wav.shape[1], subtype) as stream:
        for name, text in tags.items():
            setattr(stream, name, text)
        stream.write(wav)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A singer on the left, a band, both as files; and a voice that lies near."""
    folder = tmp_path_factory.mktemp("songs")
    vocal, _ = sing(MELODY, 6.0, RATE)
    write(folder / "vocal.wav", np.stack([0.6 * vocal, 0.3 * vocal], 1))
    write(folder / "band.wav", 0.6 * band(6.0, RATE))
    write(folder / "reference.wav", speech("carlo", 6.0), 16000)
    assert main(["clone", "carlo", str(folder / "reference.wav"), "--voices", str(folder / "voices")]) == 0
    return folder


def sing_it(folder: Path, out: Path, *more: str | Path, voice: str = "carlo") -> int:
    named = [] if "--reference" in more else ["--voice", voice, "--voices", folder / "voices"]
    return main(["sing", *map(str, [*more, *named, "-o", out, "--preset", "fast"])])


def stems(folder: Path) -> tuple[str | Path, ...]:
    return "--vocals", folder / "vocal.wav", "--accompaniment", folder / "band.wav"


@pytest.fixture(scope="module")
def made(folder: Path) -> Path:
    assert sing_it(folder, folder / "made.wav", *stems(folder), "--keep-stems", "--pitch", "0") == 0
    return folder / "made.wav"


def converted(made: Path) -> np.ndarray:
    return sf.read(made.with_name("made_converted.wav"), dtype="float32")[0]


def test_the_accompaniment_is_untouched_and_silence_stays(folder: Path, made: Path) -> None:
    music, _ = sf.read(folder / "band.wav", dtype="float32")
    result, rate = sf.read(made, dtype="float32")
    assert (result.shape, rate) == (music.shape, RATE)
    vocal = converted(made)
    silent = np.abs(vocal).max(1) == 0
    assert silent[: int(0.6 * RATE)].all()
    assert silent[int(4.5 * RATE) :].all()
    rest = result - vocal - music
    assert 10 * np.log10(np.square(rest).sum() / np.square(music).sum()) < -60
    assert np.abs(rest[silent]).max() <= 2**-15


def test_what_is_sung_keeps_its_melody_its_time_its_loudness_and_its_side(folder: Path, made: Path) -> None:
    before, after = sf.read(folder / "vocal.wav", dtype="float32")[0], converted(made)
    tracks = [extract_f0(resample(wav.mean(1), RATE, 16000), 160, 590) for wav in (before, after)]
    voiced = (tracks[0] > 0) & (tracks[1] > 0)
    assert voiced.sum() > 0.9 * (tracks[0] > 0).sum()
    assert f0_rmse_hz(*tracks) < 4
    assert f0_corr(*tracks) > 0.99
    energies = [np.square(wav, dtype=np.float64).sum(0) for wav in (before, after)]
    assert energies[1][0] / energies[1][1] == pytest.approx(4.0, rel=0.02)
    assert 10 * np.log10(energies[1].sum() / energies[0].sum()) == pytest.approx(0, abs=3)
    size = RATE // 200
    loud = [np.sqrt(np.square(wav.mean(1)[: 6 * 200 * size]).reshape(-1, size).mean(1)) for wav in (before, after)]
    lags = range(-20, 21)
    best = max(lags, key=lambda lag: np.corrcoef(loud[0][30:-30], loud[1][30 + lag : len(loud[1]) - 30 + lag])[0, 1])
    assert abs(best) <= 2  # 5 ms each


def test_the_same_seed_gives_the_same_song_and_the_mark_is_not_in_the_band(folder: Path, made: Path) -> None:
    assert sing_it(folder, folder / "again.wav", *stems(folder), "--pitch", "0") == 0
    np.testing.assert_array_equal(sf.read(folder / "again.wav")[0], sf.read(made)[0])
    assert sing_it(folder, folder / "plain.wav", *stems(folder), "--pitch", "0", "--no-watermark") == 0
    differs = np.abs(sf.read(folder / "plain.wav")[0] - sf.read(made)[0]).max(1) > 2**-14
    assert differs.any()
    near = maximum_filter1d(np.abs(converted(made)).max(1), RATE // 20)
    assert (near == 0).mean() > 0.4
    assert not (differs & (near == 0)).any()


def test_phrases_are_led_away_from_nobody(folder: Path, tmp_path: Path) -> None:
    voice, balanced = VoiceProfile.load(folder / "voices" / "carlo"), compose().presets["balanced"]
    options = SongOptions(pitch=0.0, vocals=folder / "vocal.wav", accompaniment=folder / "band.wav")
    assert balanced.guidance > 0
    for name, preset in (("led", balanced), ("plain", replace(balanced, guidance=0.0, mapping=0.0))):
        convert_song(None, tmp_path / f"{name}.wav", voice, VoiceConverter("cpu"), preset, options=options)
    np.testing.assert_array_equal(sf.read(tmp_path / "led.wav")[0], sf.read(tmp_path / "plain.wav")[0])


def test_tags_rate_and_format_follow_and_the_song_may_follow_into_the_key(folder: Path, capsys) -> None:
    vocal, music = (sf.read(folder / f"{name}.wav", dtype="float32")[0] for name in ("vocal", "band"))
    song = write(folder / "song.flac", vocal + music, subtype="PCM_24", title="Lied", artist="Niemand")
    args = (song, "--vocals", folder / "vocal.wav", "--pitch", "3", "--shift-accompaniment", "--json")
    assert sing_it(folder, folder / "higher.mp3", *args) == 0
    stats = json.loads(capsys.readouterr().out)
    assert (stats["shift_st"], stats["accompaniment_shift_st"], stats["sample_rate"]) == (3, 3, RATE)
    with sf.SoundFile(folder / "higher.mp3") as found:
        assert (found.samplerate, found.title, found.artist) == (RATE, "Lied", "Niemand")
        assert found.frames == pytest.approx(6 * RATE, abs=0.05 * RATE)


def test_vocal_and_accompaniment_of_different_length_are_said(folder: Path, tmp_path: Path, capsys) -> None:
    music, _ = sf.read(folder / "band.wav", dtype="float32")
    short = write(tmp_path / "short.wav", music[: 3 * RATE])
    out = tmp_path / "out.wav"
    assert sing_it(folder, out, "--vocals", folder / "vocal.wav", "--accompaniment", short) == 0
    assert "the vocal has 6.00 s, the accompaniment 3.00 s" in capsys.readouterr().err
    assert sf.info(out).frames == 6 * RATE


def test_mono_at_8_khz_two_octaves_away(folder: Path, tmp_path: Path, capsys) -> None:
    vocal = at_rate(sing([Note(86, 0.5, 0.8), Note(84, 1.5, 0.8)], 2.8, 16000)[0], 8000)
    path, music = write(tmp_path / "v.wav", vocal, 8000), write(tmp_path / "b.wav", 0.1 * vocal[::-1], 8000)
    assert sing_it(folder, tmp_path / "o.wav", "--vocals", path, "--accompaniment", music, "--json") == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out)["shift_st"] == -24
    assert "2 octaves" in printed.err
    assert "narrow band" in printed.err
    found = sf.info(tmp_path / "o.wav")
    assert (found.samplerate, found.channels, found.frames) == (8000, 1, len(vocal))


def drm_protected(path: Path) -> Path:
    """An MP4 whose sound is marked as encrypted, with noise for content."""
    write_m4a(path, speech("allison", 1.0))
    raw = path.read_bytes().replace(b"mp4a", b"drms")
    at = raw.index(b"mdat") + 4
    path.write_bytes(raw[:at] + np.random.default_rng(0).bytes(200) + raw[at + 200 :])
    return path


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("silence", "no singing"),
        ("instrumental", "no singing"),
        ("six_channels", "6 channels"),
        ("drm", "is not audio that can be read"),
        ("text", "is not audio that can be read"),
        ("missing", "no such file"),
    ],
)
def test_what_is_no_song_is_one_sentence_and_leaves_nothing(
    folder: Path, tmp_path: Path, name: str, said: str, capsys
) -> None:
    vocal, rng = tmp_path / f"{name}.wav", np.random.default_rng(0)
    match name:
        case "silence":
            write(vocal, np.zeros((RATE, 2)))
        case "instrumental":
            write(vocal, rng.normal(0, 0.1, (2 * RATE, 2)))
        case "six_channels":
            write(vocal, rng.normal(0, 0.1, (RATE, 6)))
        case "drm":
            drm_protected(tmp_path / "drm.m4a").rename(vocal)
        case "text":
            vocal.write_text("not a song " * 50)
    out = tmp_path / "out" / "o.wav"
    assert sing_it(folder, out, "--vocals", vocal, "--accompaniment", folder / "band.wav") == 2
    err = capsys.readouterr().err
    assert said in err.splitlines()[-1]
    assert "Traceback" not in err
    assert not list((tmp_path / "out").glob("*") if (tmp_path / "out").exists() else [])


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ((), "there is no song"),
        (("--vocals", "v.wav"), "there is no song"),
        (("s.wav", "--accompaniment", "a.wav"), "--vocals too"),
        (("s.wav", "--pitch", "high"), "neither auto nor a number"),
    ],
)
def test_a_song_must_be_named_whole(folder: Path, tmp_path: Path, more: tuple[str, ...], said: str, capsys) -> None:
    try:
        code: object = sing_it(folder, tmp_path / "o.wav", *more)
    except SystemExit as stop:
        code = stop.code
    assert code == 2
    assert said in capsys.readouterr().err
