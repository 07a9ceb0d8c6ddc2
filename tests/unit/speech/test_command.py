"""autovoice speak: what it writes, and what it refuses without writing anything. Needs the extra speech."""

import json
from pathlib import Path

import pytest
import soundfile as sf

pytest.importorskip("hibari", reason="needs hibari-tts: pip install -e .[speech]")

from autovoice.audio.io import save_wav
from autovoice.cli import main
from tests.audio_files import RATE, speech


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("reference") / "carlo.flac"
    save_wav(path, speech("carlo", 6.0), RATE)
    return path


def run(*argv: object) -> int:
    try:
        return main([str(arg) for arg in argv])
    except SystemExit as stop:
        return int(stop.code or 0)


def test_a_text_file_becomes_an_mp3(reference: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text, out = tmp_path / "text.txt", tmp_path / "new" / "said.mp3"
    text.write_bytes("\ufeffGo home, Zoë 😀.\r\n\r\nIt is 5 pm.".encode())
    assert run("speak", "-f", text, "--reference", reference, "-o", out, "--preset", "fast", "--json") == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["sentences"] == 2
    assert sf.info(out).format == "MP3"
    assert facts["watermark"]
    assert json.loads((out.parent / "said.mp3.json").read_text(encoding="utf-8"))["voice"] == "reference"
    assert sf.info(out).samplerate == 24000
    assert sf.info(out).duration == pytest.approx(facts["duration_s"], abs=0.1)


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["Hello.", "-o", "a.aiff"], "is not a format that can be written"),
        (["-o", "a.wav"], "give the text either as words or with -f FILE"),
        (["Hello.", "-f", "binary.txt", "-o", "a.wav"], "give the text either"),
        (["-f", "binary.txt", "-o", "a.wav"], "binary.txt: is not text in UTF-8"),
        (["-f", "missing.txt", "-o", "a.wav"], "missing.txt: No such file"),
        (["😀", "-o", "a.wav"], "has no words"),
        (["Hello.", "-o", "a.wav", "--lang", "de"], "does not speak 'de'"),
        (["Hello.", "-o", "a.wav", "--speed", "9"], "9 is out of range, from 0.5 to 2"),
        (["Hello.", "-o", "a.wav", "--speed", "fast"], "'fast' is not a number"),
        (["Hello.", "-o", "a.wav", "--tts", "festival"], "no text-to-speech front-end 'festival'"),
    ],
)
def test_what_cannot_be_spoken_is_one_sentence_and_no_file(
    argv: list[str], said: str, reference: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    Path("binary.txt").write_bytes(b"\xff\xfe\x00")
    assert run("speak", *argv, "--reference", reference) == 2
    error = capsys.readouterr().err.strip()
    assert said in error.splitlines()[-1]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["binary.txt"]


def test_a_voice_that_is_not_there_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("speak", "Hello.", "--voice", "nobody", "--voices", tmp_path, "-o", tmp_path / "a.wav") == 2
    assert "no such voice" in capsys.readouterr().err
