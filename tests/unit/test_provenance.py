"""What a result says of itself, in the file and beside it; and whose consent a voice stands on."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from autovoice import __version__
from autovoice.audio.io import StreamWriter, load_wav, save_wav
from autovoice.cli import main
from autovoice.errors import DataError
from autovoice.files import sha256_file
from autovoice.provenance import Provenance, read_provenance, sidecar_of
from autovoice.weights import BASE_GENERATOR
from tests.audio_files import RATE, speech

RECORD = Provenance("Zoë 声", "base", "ab" * 32, "balanced", "5ea1ed42", True, "2026-01-02T03:04:05+00:00")


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.ogg", "a.opus", "a.mp3"])
def test_the_record_is_in_the_file_and_beside_it(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    with StreamWriter(path, 24000, tags=RECORD.tags()) as writer:
        writer.write(np.zeros(24000, np.float32))
    assert RECORD.write_beside(path) == tmp_path / f"{name}.json"
    found = read_provenance(path)
    assert found["metadata"]["voice"] == "Zoë 声"
    assert found["metadata"]["version"] == __version__
    assert found["sidecar"]["consent_id"] == "5ea1ed42"
    assert found["sidecar"]["unchanged"] is True
    save_wav(path, np.zeros(100, np.float32), 24000)
    assert read_provenance(path) == {"sidecar": found["sidecar"] | {"unchanged": False}}


def test_comments_and_json_of_other_programs_are_no_provenance(tmp_path: Path) -> None:
    with StreamWriter(tmp_path / "a.wav", 24000, tags={"comment": "recorded at home"}) as writer:
        writer.write(np.zeros(24000, np.float32))
    (tmp_path / "a.wav.json").write_text("[1, 2]", encoding="utf-8")
    assert read_provenance(tmp_path / "a.wav") == {}
    (tmp_path / "a.wav.json").write_text("{", encoding="utf-8")
    with pytest.raises(DataError, match="is not JSON"):
        read_provenance(tmp_path / "a.wav")


def cloned(folder: Path, *consent: str) -> dict:
    """voice.json of a voice cloned from a demo reader by the command."""
    save_wav(folder / "june.wav", speech("june", 5.0), RATE)
    assert main(["clone", "june", str(folder / "june.wav"), "--voices", str(folder / "v"), *consent, "--replace"]) == 0
    return json.loads((folder / "v" / "june" / "voice.json").read_text(encoding="utf-8"))


def test_consent_travels_from_clone_through_convert_to_verify(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    letter = tmp_path / "Letter.TXT"
    letter.write_text("June agrees.", encoding="utf-8")
    facts = cloned(tmp_path, "--consent", "by letter", "--consent-file", str(letter))
    assert (tmp_path / "v" / "june" / "consent.txt").read_bytes() == letter.read_bytes()
    assert facts["consent_sha256"] == sha256_file(letter)
    wanted = hashlib.sha256(f"by letter\n{facts['consent_sha256']}".encode()).hexdigest()[:8]

    save_wav(tmp_path / "in.wav", speech("nikolay", 7.0), RATE)
    convert = [
        "convert",
        str(tmp_path / "in.wav"),
        "--voice",
        "june",
        "--voices",
        str(tmp_path / "v"),
        "--device",
        "cpu",
    ]
    assert main([*convert, "-o", str(tmp_path / "out.wav"), "--preset", "fast"]) == 0
    beside = json.loads(sidecar_of(tmp_path / "out.wav").read_text(encoding="utf-8"))
    assert (beside["voice"], beside["model"], beside["preset"], beside["watermark"]) == ("june", "base", "fast", True)
    assert beside["weights_sha256"] == sha256_file(BASE_GENERATOR)
    assert beside["consent_id"] == wanted
    capsys.readouterr()
    assert main(["verify", str(tmp_path / "out.wav"), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)["files"][0]
    assert said["payload"] == wanted
    assert said["provenance"]["metadata"]["consent_id"] == wanted

    assert main([*convert, "-o", str(tmp_path / "plain.flac"), "--preset", "fast", "--no-watermark"]) == 0
    assert "warning: no watermark" in capsys.readouterr().err
    assert main(["verify", str(tmp_path / "plain.flac")]) == 1
    assert read_provenance(tmp_path / "plain.flac")["sidecar"]["watermark"] is False
    marked, plain = (load_wav(tmp_path / name, 24000) for name in ("out.wav", "plain.flac"))
    assert 20 * np.log10((marked - plain).std() / plain.std()) < -13
    assert sf.info(tmp_path / "out.wav").frames == sf.info(tmp_path / "plain.flac").frames


def test_a_voice_without_consent_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    facts = cloned(tmp_path, "--consent", "  ")
    assert (facts["consent"], facts["consent_file"], facts["consent_sha256"]) == ("", "", "")
    assert "no consent is recorded" in capsys.readouterr().err


@pytest.mark.parametrize("content", [None, ""])
def test_a_consent_file_that_shows_nothing_is_refused_before_anything_is_made(
    content: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if content is not None:
        (tmp_path / "letter").write_text(content, encoding="utf-8")
    where = ["--voices", str(tmp_path / "v"), "--consent-file", str(tmp_path / "letter")]
    assert main(["clone", "june", "x.wav", *where]) == 2
    assert "--consent-file" in capsys.readouterr().err
    assert not (tmp_path / "v").exists()
