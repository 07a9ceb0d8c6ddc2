"""Piper: any voice NAME.onnx with its NAME.onnx.json beside it, in the language that it was taught.

VITS (Kim et al. 2021, "Conditional Variational Autoencoder with Adversarial Learning for End-to-End Text-to-Speech"), its
phonemes by espeak-ng. Deterministic: what the graph draws at random, in the sound and in the durations, is scaled to nothing.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime

from autovoice.assets import asset_path
from autovoice.errors import ConfigError
from autovoice.tts.phonemes import ipa

ASSET = "piper-joe"
PAD, START, END = "_", "^", "$"
NO_NOISE = 0.0


@dataclass(frozen=True, eq=False)
class Piper:
    """The front-end (tts.front_end). ids: of the phonemes; length_scale: durations re what was taught, at speed 1."""

    path: Path
    sample_rate: int
    language: str
    ids: dict[str, list[int]]
    length_scale: float
    session: onnxruntime.InferenceSession

    @property
    def name(self) -> str:
        return f"piper {self.path.stem}"

    @property
    def languages(self) -> tuple[str, ...]:
        return (self.language,)

    def speak(self, text: str, speed: float = 1.0) -> np.ndarray:
        """A sentence without a phoneme that the voice knows gives an empty wav."""
        said = [symbol for symbol in ipa(text, self.language) if symbol in self.ids]
        if not any(symbol.isalpha() for symbol in said):
            return np.zeros(0, np.float32)
        symbols = [START, PAD, *(part for symbol in said for part in (symbol, PAD)), END]
        ids = [number for symbol in symbols for number in self.ids[symbol]]
        inputs = {
            "input": np.array([ids], np.int64),
            "input_lengths": np.array([len(ids)], np.int64),
            "scales": np.array([NO_NOISE, self.length_scale / speed, NO_NOISE], np.float32),
        }
        if any(taken.name == "sid" for taken in self.session.get_inputs()):
            inputs["sid"] = np.zeros(1, np.int64)  # its first speaker
        return self.session.run(None, inputs)[0].reshape(-1)


def load(voice: str) -> Piper:
    """voice: path of a voice's .onnx file, empty for the asset's. Raises ConfigError where it is none."""
    path = Path(voice) if voice else asset_path(ASSET) / "en_US-joe-medium.onnx"
    beside = path.with_name(f"{path.name}.json")
    for file in (path, beside):
        if not file.is_file():
            raise ConfigError("no such file", str(file), "name a Piper voice: NAME.onnx with NAME.onnx.json beside it")
    try:
        facts = json.loads(beside.read_text(encoding="utf-8"))
        rate, language = int(facts["audio"]["sample_rate"]), str(facts["espeak"]["voice"]).lower()
        ids, length_scale = dict(facts["phoneme_id_map"]), float(facts["inference"]["length_scale"])
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"describes no Piper voice ({error!r})", str(beside), "download it again") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1  # the same sums in the same order
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors have no common base
        raise ConfigError(f"is not an ONNX model ({str(error)[:80]})", str(path), "download it again") from error
    return Piper(path, rate, language, ids, length_scale, session)
