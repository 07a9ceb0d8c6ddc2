"""Every bad input through the command line: what clone and convert refuse, and what they accept with a warning."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from audio_files import RATE, speech, write_bad, write_good

from autovoice.cli import main
from autovoice.config import AudioConfig

OUT_RATE = AudioConfig().output_rate
REFUSED = ["empty", "0s", "nan", "inf", "text", "header_only", "missing", "folder_without_audio"]
ACCEPTED = {
    "clipped": "clipped",
    "dc_offset": "DC offset",
    "8khz": "8 kHz",
    "96khz": "96 kHz",
    "stereo": "mixed down",
    "24bit": "24-bit",
    "5.1": "6 channels",
    "truncated": "truncated",
    "lying_header": "truncated",
    "mp3_named_wav": "",
    "m4a": "",
    "ünï çødé 声": "",
}


@pytest.fixture(scope="module")
def voices(tmp_path_factory):
    """A folder with one cloned voice, carlo."""
    folder = tmp_path_factory.mktemp("clone")
    sf.write(folder / "carlo.wav", speech("carlo", 8.0), RATE)
    assert main(["clone", "carlo", str(folder / "carlo.wav"), "--voices", str(folder / "voices")]) == 0
    return folder / "voices"


def clone(voices, path, name="probe"):
    return main(["clone", name, str(path), "--voices", str(voices)])


def convert(voices, source, out, *more):
    return main(
        ["convert", str(source), "--voice", "carlo", "--voices", str(voices), "-o", str(out), "--preset", "fast", *more]
    )


def assert_one_sentence(capsys, path):
    err = capsys.readouterr().err
    assert str(path) in err
    assert err.count("\n") == 1
    assert "Traceback" not in err


@pytest.mark.parametrize("name", REFUSED)
def test_clone_refuses(name, tmp_path, capsys):
    path = write_bad(tmp_path, name)
    assert clone(tmp_path / "voices", path) == 2
    assert_one_sentence(capsys, path)
    assert not (tmp_path / "voices" / "probe").exists()


@pytest.mark.parametrize("name", REFUSED)
def test_convert_refuses(name, voices, tmp_path, capsys):
    path = write_bad(tmp_path, name)
    assert (
        convert(voices, path, tmp_path / "out" / "x.wav" if name != "folder_without_audio" else tmp_path / "out") == 2
    )
    assert_one_sentence(capsys, path)
    assert not list(tmp_path.glob("out/*"))


@pytest.mark.parametrize(("name", "warning"), ACCEPTED.items())
def test_clone_accepts_with_a_warning(name, warning, tmp_path, capsys):
    path = write_good(tmp_path, name, speech("allison", 8.0))
    assert clone(tmp_path / "voices", path) == 0
    assert warning in capsys.readouterr().err
    assert (tmp_path / "voices" / "probe" / "voice.json").is_file()


@pytest.mark.parametrize(("name", "warning"), ACCEPTED.items())
def test_convert_accepts_with_a_warning_and_keeps_the_duration(name, warning, voices, tmp_path, capsys):
    path = write_good(tmp_path, name, speech("allison", 2.0))
    out = tmp_path / "out" / "ergebnis ü.wav"
    assert convert(voices, path, out, "--json") == 0
    printed = capsys.readouterr()
    assert warning in printed.err
    seconds = 1.6 if name == "truncated" else 2.0
    tolerance = 0.1 if name == "mp3_named_wav" else 0.02  # mp3's own padding
    assert sf.info(out).duration == pytest.approx(seconds, abs=tolerance)
    assert json.loads(printed.out)["converted"][0]["duration_s"] == pytest.approx(sf.info(out).duration, abs=1e-3)


@pytest.mark.parametrize("name", ["silence", "noise", "10ms", "2s"])
def test_clone_refuses_what_holds_too_little_speech(name, tmp_path, capsys):
    wav = {
        "silence": np.zeros(8 * RATE),
        "noise": np.random.default_rng(0).normal(0, 0.1, 8 * RATE),
        "10ms": speech("allison", 0.01),
        "2s": speech("allison", 2.0),
    }[name]
    sf.write(tmp_path / "x.wav", wav, RATE)
    assert clone(tmp_path / "voices", tmp_path / "x.wav") == 2
    assert "of speech" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["silence", "noise", "10ms"])
def test_convert_keeps_the_length_of_what_holds_no_speech(name, voices, tmp_path):
    wav = {
        "silence": np.zeros(RATE),
        "noise": np.random.default_rng(0).normal(0, 0.1, RATE),
        "10ms": speech("allison", 0.01),
    }[name]
    sf.write(tmp_path / "x.wav", wav, RATE)
    assert convert(voices, tmp_path / "x.wav", tmp_path / "y.wav") == 0
    result, _ = sf.read(tmp_path / "y.wav")
    assert len(result) == len(wav) * OUT_RATE // RATE
    assert np.isfinite(result).all()
    if name == "silence":
        assert np.abs(result).max() < 1e-3


def test_clone_warns_under_ten_seconds(tmp_path, capsys):
    sf.write(tmp_path / "x.wav", speech("allison", 6.0), RATE)
    assert clone(tmp_path / "voices", tmp_path / "x.wav") == 0
    assert "give 10 s or more" in capsys.readouterr().err


def test_a_second_speaker_of_the_same_name_is_refused_and_replaces_only_on_request(tmp_path, capsys):
    sf.write(tmp_path / "a.wav", speech("allison", 8.0), RATE)
    sf.write(tmp_path / "b.wav", speech("carlo", 8.0), RATE)
    voices = tmp_path / "voices"
    assert clone(voices, tmp_path / "a.wav", "ada") == 0
    before = (voices / "ada" / "voice.json").read_text(encoding="utf-8")
    assert clone(voices, tmp_path / "b.wav", "ada") == 2
    assert (voices / "ada" / "voice.json").read_text(encoding="utf-8") == before
    assert main(["clone", "ada", str(tmp_path / "b.wav"), "--voices", str(voices), "--replace"]) == 0
    assert (voices / "ada" / "voice.json").read_text(encoding="utf-8") != before
    assert [p.name for p in voices.iterdir()] == ["ada"]


def test_a_voice_with_a_name_beyond_ascii(tmp_path):
    sf.write(tmp_path / "a.wav", speech("allison", 8.0), RATE)
    assert clone(tmp_path / "voices", tmp_path / "a.wav", "Zoë Ångström") == 0
    args = ["convert", str(tmp_path / "a.wav"), "--voice", "Zoë Ångström", "--voices", str(tmp_path / "voices")]
    assert main([*args, "-o", str(tmp_path / "b.wav"), "--preset", "fast"]) == 0


def test_an_unreadable_file_is_refused(voices, tmp_path, capsys):
    sf.write(tmp_path / "x.wav", speech("allison", 2.0), RATE)
    (tmp_path / "x.wav").chmod(0)
    if os.access(tmp_path / "x.wav", os.R_OK):
        pytest.skip("this user may read everything")
    assert convert(voices, tmp_path / "x.wav", tmp_path / "y.wav") == 2
    assert_one_sentence(capsys, tmp_path / "x.wav")


def test_a_bad_source_does_not_stop_the_others(voices, tmp_path, capsys):
    good = tmp_path / "good.wav"
    sf.write(good, speech("allison", 1.0), RATE)
    text, gone = write_bad(tmp_path, "text"), write_bad(tmp_path, "missing")
    args = [
        "convert",
        str(text),
        str(good),
        str(gone),
        "--voice",
        "carlo",
        "--voices",
        str(voices),
        "-o",
        str(tmp_path / "out"),
    ]
    assert main([*args, "--json"]) == 2
    printed = capsys.readouterr()
    report = json.loads(printed.out)
    assert set(report["failed"]) == {str(text), str(gone)}
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["good.wav", "good.wav.json"]
    assert str(text) in printed.err
    assert str(gone) in printed.err


def test_a_reference_can_stand_in_for_a_voice(tmp_path):
    sf.write(tmp_path / "r.wav", speech("carlo", 6.0), RATE)
    sf.write(tmp_path / "s.wav", speech("allison", 1.0), RATE)
    args = ["convert", str(tmp_path / "s.wav"), "--reference", str(tmp_path / "r.wav"), "-o", str(tmp_path / "o.flac")]
    assert main([*args, "--preset", "fast"]) == 0
    assert sf.info(tmp_path / "o.flac").frames == OUT_RATE


def test_the_same_seed_gives_the_same_samples_from_any_folder(voices, tmp_path, monkeypatch):
    sf.write(tmp_path / "s.wav", speech("allison", 1.0), RATE)
    convert(voices, tmp_path / "s.wav", tmp_path / "one.wav")
    monkeypatch.chdir(tmp_path)
    assert convert(voices, "s.wav", "new/folder/two.wav") == 0
    one, two = (sf.read(path, dtype="int16")[0] for path in ("one.wav", "new/folder/two.wav"))
    assert np.array_equal(one, two)  # their metadata say when they were made


@pytest.fixture
def full_disk(tmp_path):
    """A tmpfs with almost no room; skipped where it may not be mounted."""
    folder = tmp_path / "full"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("this user may not mount a tmpfs")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("command", ["clone", "convert"])
def test_no_space_left_is_one_sentence_and_leaves_nothing(command, voices, tmp_path, full_disk, capsys):
    sf.write(tmp_path / "s.wav", speech("allison", 8.0), RATE)
    if command == "clone":
        code = clone(full_disk / "voices", tmp_path / "s.wav")
    else:
        code = convert(voices, tmp_path / "s.wav", full_disk / "o.wav")
    err = capsys.readouterr().err
    assert code == 2
    assert "no space left" in err.lower()
    assert "Traceback" not in err
    assert not [p for p in full_disk.rglob("*") if p.is_file()]


def test_the_installed_program_answers():
    done = subprocess.run(
        [Path(sys.executable).with_name("autovoice"), "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("autovoice ")
