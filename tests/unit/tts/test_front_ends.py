"""Front-ends by name, by file and by module: what each reads, repeats and refuses."""

import json
from pathlib import Path

import numpy as np
import pytest

from autovoice.assets import asset_source
from autovoice.audio.resample import resample
from autovoice.config import TtsConfig
from autovoice.errors import ConfigError
from autovoice.metrics.asr import cer, transcribe
from autovoice.tts.front_end import load_front_end, speaks

TEXT = "The old map showed a village."
OWN = """
import numpy as np

class Beep:
    name, sample_rate, languages = "beep", 8000, ("tlh",)
    def speak(self, text, speed=1.0):
        return np.full(int(len(text) * 100 / speed), 0.1, np.float32)

def load(voice):
    return Beep()
"""


def loaded(name: str, voice: str = ""):
    """The front-end, or a skip where its package or its model is not here."""
    packages = {
        "hibari": ("hibari", "speech"),
        "piper": ("espeakng_loader", "tts"),
        "kokoro": ("espeakng_loader", "tts"),
    }
    package, extra = packages[name]
    pytest.importorskip(package, reason=f"needs {package}: pip install -e .[{extra}]")
    asset = {"piper": "piper-joe", "kokoro": "kokoro"}.get(name)
    if asset and asset_source(asset) == "missing":
        pytest.skip(f"needs the asset {asset}: autovoice speak --tts {name} fetches it")
    return load_front_end(TtsConfig(name, voice))


@pytest.mark.parametrize("name", ["hibari", "piper"])
def test_a_front_end_reads_the_text_always_alike_and_faster_on_request(name: str) -> None:
    front_end = loaded(name)
    wav = front_end.speak(TEXT)
    assert wav.dtype == np.float32
    assert np.abs(wav).max() <= 1.0
    assert cer(TEXT, transcribe(resample(wav, front_end.sample_rate, 16000))) < 0.1
    np.testing.assert_array_equal(front_end.speak(TEXT), wav)
    assert len(front_end.speak(TEXT, 2.0)) < 0.75 * len(wav)
    assert len(front_end.speak("...")) == 0


@pytest.mark.parametrize(("name", "voice", "language"), [("hibari", "", "en-us"), ("kokoro", "bm_lewis", "en-gb")])
def test_a_voice_speaks_its_own_accent(name: str, voice: str, language: str) -> None:
    front_end = loaded(name, voice)
    assert front_end.languages == (language,)
    assert speaks(front_end, "en")
    assert speaks(front_end, language.upper().replace("-", "_"))
    assert not speaks(front_end, "e")
    assert not speaks(front_end, "de")


def test_a_module_of_ones_own_is_a_front_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "klingon").mkdir()
    (tmp_path / "klingon" / "voice.py").write_text(OWN, encoding="utf-8")
    (tmp_path / "klingon" / "empty.py").write_text("", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    front_end = load_front_end(TtsConfig("klingon.voice"))
    assert speaks(front_end, "tlh")
    assert len(front_end.speak("Qapla'", 2.0)) == 300
    with pytest.raises(ConfigError, match=r"has no load\(voice\)"):
        load_front_end(TtsConfig("klingon.empty"))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("festival", "no text-to-speech front-end 'festival'"),
        ("no.such", "the module no is missing"),
        ("", "choose from"),
    ],
)
def test_an_unknown_front_end_is_one_sentence(name: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        load_front_end(TtsConfig(name))


def test_an_unknown_voice_of_hibari_is_one_sentence() -> None:
    with pytest.raises(ConfigError, match="no voice 'nobody'; choose one of heart"):
        loaded("hibari", "nobody")


def test_files_that_are_no_piper_voice_are_one_sentence(tmp_path: Path) -> None:
    voice, beside = tmp_path / "a.onnx", tmp_path / "a.onnx.json"
    with pytest.raises(ConfigError, match=r"a\.onnx: no such file"):
        load_front_end(TtsConfig("piper", str(voice)))
    voice.write_bytes(b"no model")
    with pytest.raises(ConfigError, match=r"a\.onnx\.json: no such file"):
        load_front_end(TtsConfig("piper", str(voice)))
    beside.write_text("{}", encoding="utf-8")
    with pytest.raises(ConfigError, match="describes no Piper voice"):
        load_front_end(TtsConfig("piper", str(voice)))
    facts = {
        "audio": {"sample_rate": 22050},
        "espeak": {"voice": "en-us"},
        "phoneme_id_map": {},
        "inference": {"length_scale": 1},
    }
    beside.write_text(json.dumps(facts), encoding="utf-8")
    with pytest.raises(ConfigError, match="is not an ONNX model"):
        load_front_end(TtsConfig("piper", str(voice)))
