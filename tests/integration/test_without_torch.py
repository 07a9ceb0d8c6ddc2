"""What an exported bundle promises: voices are cloned, converted and streamed where no training package can be imported."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from autovoice.bundle import bundle_config, verify_bundle
from autovoice.cli import main
from autovoice.commands.export import check_place
from autovoice.convert import VoiceConverter
from autovoice.errors import DataError
from autovoice.live import LiveConverter
from autovoice.voice import VoiceProfile, clone_voice
from tests.audio_files import RATE, ROOT, at_rate, speech
from tests.tiny_networks import deviation_db

HIDDEN = ("torch", "torchaudio", "lightning", "hydra", "omegaconf", "dvc", "mlflow", "librosa", "resemblyzer", "scipy")
BOUND_DB, LIVE_BOUND_DB = -50.0, -30.0  # a bundle's streams compute in int8
RUN = """
import importlib.abc, sys

class Absent(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in HIDDEN:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

HIDDEN = set(sys.argv.pop(1).split(","))
sys.meta_path.insert(0, Absent())
"""
COMMAND = "from autovoice.cli import main; sys.exit(main(sys.argv[1:]))"
STREAM = """
from pathlib import Path
import numpy as np, soundfile as sf
from autovoice.convert import VoiceConverter
from autovoice.live import LiveConverter
from autovoice.voice import VoiceProfile
bundle, voice, source, out = map(Path, sys.argv[1:])
live = LiveConverter(VoiceConverter.from_bundle(bundle, "cpu").networks, VoiceProfile.load(voice))
np.save(out, live.push(sf.read(source, dtype="float32")[0]))
"""
SERVE = """
from pathlib import Path
from autovoice.commands.serve import configured
from autovoice.serving.app import create_app
from autovoice.serving.server import Server
from argparse import Namespace
from fastapi.testclient import TestClient
bundle, voices, source, data = map(Path, sys.argv[1:])
config = configured(Namespace(bundle=bundle, overrides=["serve.workers=1"], voices=str(voices), data=str(data)))
with TestClient(create_app(Server(config)), base_url="http://127.0.0.1") as client:
    import time
    while client.get("/readyz").status_code != 200:
        time.sleep(0.1)
    answer = client.post("/v1/convert", files={"file": source.read_bytes()}, data={"voice": "nikolay"})
    assert answer.status_code == 200, answer.text
    assert answer.content[:4] == b"RIFF" and len(answer.content) > 48000
"""


def without_torch(code: str, *args: object) -> str:
    """Standard output of Python code in a process that can import none of HIDDEN."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"}
    words = [sys.executable, "-c", RUN + code, ",".join(HIDDEN), *map(str, args)]
    done = subprocess.run(words, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("export") / "bundle"
    assert main(["export", "base", "-o", str(out), "--format", "onnx"]) == 0
    return out


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("source") / "source.wav"
    sf.write(path, speech("allison", 3.0), RATE, "FLOAT")
    return path


@pytest.fixture(scope="module")
def voices(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A voice cloned without torch."""
    folder = tmp_path_factory.mktemp("voices")
    recording = folder / "nikolay.wav"
    sf.write(recording, speech("nikolay", 8.0), RATE, "FLOAT")
    without_torch(COMMAND, "clone", "nikolay", recording, "--voices", folder, "--bundle", bundle)
    return folder


def test_a_voice_is_the_same_cloned_without_torch(voices: Path) -> None:
    made = VoiceProfile.load(voices / "nikolay")
    wanted = clone_voice("nikolay", [at_rate(speech("nikolay", 8.0), 24000)])
    assert np.abs(made.spk_emb - wanted.spk_emb).max() < 1e-4
    assert deviation_db(made.ref_content.astype(float), wanted.ref_content.astype(float)) < BOUND_DB
    assert (made.verdict, made.reasons) == (wanted.verdict, wanted.reasons)
    numbers = ("f0_median_hz", "f0_low_hz", "f0_high_hz", "speech_s", "snr_db", "band_hz")
    assert [getattr(made, n) for n in numbers] == pytest.approx([getattr(wanted, n) for n in numbers], rel=1e-3)


@pytest.mark.parametrize("preset", ["fast", "balanced", "quality"])
def test_a_conversion_is_the_same_by_graphs(bundle: Path, voices: Path, preset: str) -> None:
    voice, wav = VoiceProfile.load(voices / "nikolay"), speech("allison", 3.0)
    settings = bundle_config(bundle).presets[preset]
    converters = (VoiceConverter.from_bundle(bundle, "cpu"), VoiceConverter("cpu"))
    made, wanted = (converter.convert(wav, voice, settings) for converter in converters)
    assert deviation_db(made, wanted) < BOUND_DB


def test_the_command_converts_without_torch(bundle: Path, voices: Path, source: Path, tmp_path: Path) -> None:
    named = ("--voice", "nikolay", "--voices", voices, "--bundle", bundle)
    said = without_torch(COMMAND, "convert", source, *named, "-o", tmp_path / "out.wav", "--json")
    assert json.loads(said)["converted"][0]["duration_s"] == pytest.approx(3.0)
    assert sf.info(tmp_path / "out.wav").duration == pytest.approx(3.0, abs=0.001)


def test_a_stream_is_the_same_without_torch(bundle: Path, voices: Path, source: Path, tmp_path: Path) -> None:
    without_torch(STREAM, bundle, voices / "nikolay", source, tmp_path / "live.npy")
    live = LiveConverter(VoiceConverter("cpu").networks, VoiceProfile.load(voices / "nikolay"))
    assert deviation_db(np.load(tmp_path / "live.npy"), live.push(speech("allison", 3.0))) < LIVE_BOUND_DB


def test_the_server_answers_without_torch(bundle: Path, voices: Path, source: Path, tmp_path: Path) -> None:
    without_torch(SERVE, bundle, voices, source, tmp_path / "data")


def test_a_bundle_that_was_changed_is_named(bundle: Path, tmp_path: Path) -> None:
    verify_bundle(bundle)
    for name, change, said in (
        ("added.txt", lambda path: path.write_text("x"), "does not belong here"),
        ("MODEL_CARD.md", lambda path: path.write_text("x"), "was changed"),
        ("config.json", lambda path: path.unlink(), "is missing"),
    ):
        before = (bundle / name).read_bytes() if (bundle / name).is_file() else None
        change(bundle / name)
        with pytest.raises(DataError, match=said):
            VoiceConverter.from_bundle(bundle)
        (bundle / name).unlink(missing_ok=True)
        if before is not None:
            (bundle / name).write_bytes(before)
    with pytest.raises(DataError, match="is not a bundle"):
        VoiceConverter.from_bundle(tmp_path)


def test_export_overwrites_nothing_that_it_was_not_told_to(bundle: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="a bundle is there"):
        check_place(bundle, replace=False)
    (tmp_path / "letter.txt").touch()
    with pytest.raises(DataError, match="is no bundle"):
        check_place(tmp_path, replace=True)
