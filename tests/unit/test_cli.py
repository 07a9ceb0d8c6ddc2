"""The command line's manners: help, exit codes, names, pitch, where results go; its results are tested elsewhere."""

import errno
import json
import subprocess
import sys
from pathlib import Path

import pytest

from autovoice import __version__
from autovoice.cli import COMMANDS, main, parse
from autovoice.commands.convert import plan
from autovoice.commands.faults import explain
from autovoice.errors import AutovoiceError, DataError

HEAVY = ("torch", "numpy", "mlflow", "hydra", "rich", "soundfile")


def run(*argv):
    """Exit code of a command, also where argparse ends it."""
    try:
        return main(list(argv))
    except SystemExit as stop:
        return stop.code


def test_help_and_version_load_nothing_heavy():
    script = "import sys; from autovoice.cli import build_parser; build_parser(); "
    script += f"print([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_version(capsys):
    assert run("--version") == 0
    assert capsys.readouterr().out == f"autovoice {__version__}\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(command, capsys):
    assert run(command, "--help") == 0
    text = capsys.readouterr().out
    assert f"autovoice {command} " in text.split("example")[1]
    assert "--json" in text


@pytest.mark.parametrize("command", ["clone", "convert", "adapt", "doctor"])
def test_every_command_about_voices_takes_voices(command, capsys):
    run(command, "--help")
    assert "--voices DIR" in capsys.readouterr().out


@pytest.mark.parametrize(
    "argv",
    [
        (),
        ("sing",),
        ("clone",),
        ("clone", "ada"),
        ("convert", "a.wav"),
        ("convert", "a.wav", "-o", "b.wav"),
        ("convert", "a.wav", "--voice", "ada"),
        ("convert", "a.wav", "--voice", "ada", "--reference", "r.wav", "-o", "b.wav"),
        ("convert", "a.wav", "--voice", "ada", "-o", "b.wav", "--pitch", "high"),
        ("convert", "a.wav", "--voice", "ada", "-o", "b.wav", "--pitch", "nan"),
        ("convert", "a.wav", "--voice", "ada", "-o", "b.wav", "--pitch", "37"),
        ("convert", "a.wav", "--voice", "ada", "-o", "b.wav", "--seed", "-1"),
        ("convert", "a.wav", "--voice", "ada", "-o", "b.wav", "--seed", "1.5"),
        ("convert", "a.wav", "--voice", "ada", "-o", "b.wav", "--preset", "best"),
        ("convert", "a.wav", "--voice", "ada", "-o", "b.wav", "--device", "tpu"),
        ("adapt", "ada", "--fast"),
        ("evaluate", "pairs.csv"),
        ("verify",),
    ],
)
def test_bad_use_is_exit_2_and_one_sentence(argv, capsys):
    assert run(*argv) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("autovoice")
    assert err.count("\n") == 1


@pytest.mark.parametrize(("text", "value"), [("auto", "auto"), ("-3", -3.0), ("2.5", 2.5), ("0", 0.0)])
def test_pitch_is_auto_or_a_number(text, value):
    assert parse(["convert", "a.wav", "--voice", "v", "-o", "b.wav", "--pitch", text]).pitch == value


def test_defaults_of_convert():
    args = parse(["convert", "a.wav", "--voice", "v", "-o", "b.wav"])
    assert (args.preset, args.pitch, args.device, args.seed, args.voices) == (
        "balanced",
        "auto",
        "auto",
        0,
        Path("voices"),
    )


def test_operands_may_follow_options():
    assert parse(["adapt", "ada", "--voices", "v", "seed=1"]).overrides == ["seed=1"]
    assert parse(["convert", "a.wav", "--voice", "v", "b.wav", "-o", "out"]).sources == [Path("a.wav"), Path("b.wav")]


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../a", "/a", ".hidden", "a\\b", "a\nb", "x" * 65])
@pytest.mark.parametrize(
    "command", [("clone", "{}", "x.wav"), ("convert", "x.wav", "--voice", "{}", "-o", "y.wav"), ("adapt", "{}")]
)
def test_voice_names_that_are_no_plain_names_are_refused(name, command, capsys, tmp_path):
    assert run(*(part.format(name) for part in command), "--voices", str(tmp_path)) == 2
    assert "not a usable voice name" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_an_unknown_voice_names_the_known_ones(capsys, tmp_path):
    (tmp_path / "ada").mkdir()
    (tmp_path / "ada" / "voice.json").write_text("{}", encoding="utf-8")
    assert run("convert", "x.wav", "--voice", "eve", "-o", "y.wav", "--voices", str(tmp_path)) == 2
    assert "known: ada" in capsys.readouterr().err


def test_an_existing_name_is_refused_without_replace(capsys, tmp_path):
    (tmp_path / "ada").mkdir()
    assert run("clone", "ada", "x.wav", "--voices", str(tmp_path)) == 2
    assert "--replace" in capsys.readouterr().err


def test_a_wrong_override_of_adapt_is_one_sentence(capsys, tmp_path):
    assert run("adapt", "ada", "optim.lrr=1", "--voices", str(tmp_path)) == 2
    assert "optim.lr" in capsys.readouterr().err


@pytest.fixture
def audio(tmp_path):
    """Names of recordings; plan never opens them."""
    for name in ("a.wav", "b.mp3", "sub/a.flac", "ünï çødé.ogg"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    return tmp_path


def test_one_source_becomes_the_named_file(audio):
    assert plan([audio / "a.wav"], str(audio / "new" / "x.wav")) == [(audio / "a.wav", audio / "new" / "x.wav")]


def test_several_sources_keep_their_stems(audio):
    jobs = plan([audio / "a.wav", audio / "b.mp3", audio / "ünï çødé.ogg"], str(audio / "out"))
    assert [target.name for _, target in jobs] == ["a.wav", "b.wav", "ünï çødé.wav"]


def test_a_trailing_slash_or_an_existing_folder_is_a_folder(audio):
    (audio / "there").mkdir()
    for out in (f"{audio}/new/", f"{audio}/there"):
        assert plan([audio / "a.wav"], out)[0][1].name == "a.wav"


@pytest.mark.parametrize(
    ("sources", "out"),
    [
        (["a.wav", "b.mp3"], "x.wav"),  # several into one file
        (["a.wav", "sub/a.flac"], "out"),  # the same stem twice
        (["a.wav"], "a.wav"),  # onto itself
        (["a.wav"], "x.txt"),
        (["a.wav"], "x"),
        (["a.wav", "b.mp3"], "ünï çødé.ogg"),  # a folder that is a file
    ],
)
def test_results_that_would_not_fit_are_refused(audio, sources, out):
    with pytest.raises(AutovoiceError):
        plan([audio / s for s in sources], str(audio / out))


def test_a_folder_without_audio_is_refused(tmp_path):
    (tmp_path / "notes.txt").touch()
    with pytest.raises(AutovoiceError, match="no audio"):
        plan([tmp_path], str(tmp_path / "out"))


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (DataError("too short", "x", "record more"), 2),
        (FileNotFoundError(errno.ENOENT, "No such file or directory", "x"), 2),
        (PermissionError(errno.EACCES, "Permission denied", "x"), 2),
        (OSError(errno.ENOSPC, "No space left on device"), 2),
        (RuntimeError("I/O error: No space left on device (os error 28)"), 2),
        (ModuleNotFoundError("No module named 'mlflow'", name="mlflow"), 2),
        (ZeroDivisionError("division by zero"), 1),
        (RuntimeError("line one\nline two"), 1),
    ],
)
def test_errors_become_one_sentence(error, code):
    sentence, exit_code = explain(error)
    assert exit_code == code
    assert "\n" not in sentence
    assert sentence.endswith(".")


def test_an_unexpected_error_shows_its_traceback_only_with_debug(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr("autovoice.doctor.examine", lambda voices: 1 / 0)
    assert run("doctor") == 1
    assert "Traceback" not in capsys.readouterr().err
    with pytest.raises(ZeroDivisionError):
        main(["doctor", "--debug"])


def test_doctor_proves_a_conversion(capsys):
    assert run("doctor", "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert report["works"] is True
    assert {"device", "package", "model", "disk", "memory", "conversion"} <= {f["topic"] for f in report["findings"]}
