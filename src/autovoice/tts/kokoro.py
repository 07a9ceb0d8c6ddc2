"""Kokoro-82M: an English text spoken by one of 28 voices, or by a blend of them, at 24 kHz.

An 82-million-parameter StyleTTS 2 with an iSTFTNet decoder (asset "kokoro", int8 ONNX). A voice is a table of styles, a row a
length of the text. Deterministic: the graph draws no noise. Paper: Li et al. 2023, "StyleTTS 2: Towards Human-Level
Text-to-Speech through Style Diffusion and Adversarial Training with Large Speech Language Models".
"""

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import onnxruntime

from autovoice.assets import asset_path
from autovoice.errors import ConfigError
from autovoice.tts.phonemes import phonemes

SAMPLE_RATE = 24000
DEFAULT_VOICE = "af_heart"
MAX_PHONEMES = 510  # of one run of the model; also the rows of a voice's table
STYLE_SHAPE = (MAX_PHONEMES, 256)
MIN_SPEED, MAX_SPEED = 0.5, 2.0
BORDERS = (r"(?<=[.!?…]) ", r"(?<=[;:,—]) ", r" ")  # where a long text is cut, the best first
LANGUAGES = {"a": "en-us", "b": "en-gb"}  # first letter of a voice's name
SEXES = {"f": "F", "m": "M"}  # second letter


@cache
def _session(process: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # one thread: the same sums in the same order, whatever the machine
    options.inter_op_num_threads = 1
    path = asset_path("kokoro") / "kokoro-v1.0.int8.onnx"
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


@cache
def _tokens() -> dict[str, int]:
    return json.loads((asset_path("kokoro") / "config.json").read_text(encoding="utf-8"))["vocab"]


@cache
def _tables() -> dict[str, Path]:
    return {path.stem: path for path in sorted(asset_path("kokoro").glob("*.bin"))}


def voices() -> list[str]:
    """The names of the voices, sorted: accent (a American, b British), sex (f, m), underscore, name."""
    return list(_tables())


def language_of(voice: str) -> str:
    """The language that a voice speaks: en-us or en-gb."""
    return LANGUAGES[voice[0]]


def sex_of(voice: str) -> str:
    """F or M."""
    return SEXES[voice[1]]


def style(voice: str) -> np.ndarray:
    """A voice's table of styles (510, 256) float32; raises ConfigError for an unknown voice."""
    if voice not in _tables():
        raise ConfigError(f"no voice {voice!r}", "text to speech", f"choose one of {', '.join(voices())}")
    return np.fromfile(_tables()[voice], "<f4").reshape(STYLE_SHAPE)


def blend(weights: Mapping[str, float]) -> np.ndarray:
    """The styles (510, 256) between voices: their mean by weights, which need not sum to 1.

    Raises ConfigError for an unknown voice, and unless the weights are 0 or more and not all 0.
    """
    total = sum(weights.values())
    if not total > 0 or min(weights.values()) < 0:
        raise ConfigError(f"weights {dict(weights)} blend no voice", "text to speech", "give positive weights")
    return np.sum([np.float32(weight / total) * style(voice) for voice, weight in weights.items()], 0)


def speech(text: str, voice: str | np.ndarray, speed: float = 1.0, language: str = "") -> tuple[np.ndarray, int]:
    """An English text spoken: (wav (T,) float32 mono, sample rate in Hz).

    voice: a name of voices(), or styles (510, 256) of blend(). speed: 0.5 to 2, re the voice's own. language: en-us or en-gb;
    empty: the named voice's own, American for styles. A text longer than the model reads at once is cut at the ends of
    sentences, else of clauses, else between words. Raises ConfigError for an unknown voice, language or speed, styles of
    another shape and a text without words; AssetError where no source serves the model.
    """
    styles = style(voice) if isinstance(voice, str) else np.asarray(voice, np.float32)
    if styles.shape != STYLE_SHAPE:
        raise ConfigError(f"styles have the shape {styles.shape}", "text to speech", f"give {STYLE_SHAPE}")
    if not MIN_SPEED <= speed <= MAX_SPEED:
        raise ConfigError(f"speed {speed:g} is not possible", "text to speech", f"give {MIN_SPEED:g} to {MAX_SPEED:g}")
    own = language_of(voice) if isinstance(voice, str) else "en-us"
    said = "".join(symbol for symbol in phonemes(text, language or own) if symbol in _tokens())
    if not any(symbol.isalpha() for symbol in said):
        raise ConfigError("the text has no words", "text to speech", "write what is to be spoken")
    return np.concatenate([_spoken(part, styles, speed) for part in cut(said)]), SAMPLE_RATE


def cut(said: str, limit: int = MAX_PHONEMES) -> Iterator[str]:
    """Phonemes in order, `limit` at most at a time, cut at the last of the best borders there are."""
    while len(said) > limit:
        ends = ([found.end() for found in re.finditer(border, said[: limit + 1])] for border in BORDERS)
        end = next((found[-1] for found in ends if found), limit)
        yield said[:end].strip()
        said = said[end:].strip()
    if said:
        yield said


@dataclass(frozen=True)
class Kokoro:
    """The front-end (tts.front_end): one voice, which speaks its own accent."""

    voice: str
    sample_rate: int = SAMPLE_RATE

    @property
    def name(self) -> str:
        return f"kokoro {self.voice}"

    @property
    def languages(self) -> tuple[str, ...]:
        return (language_of(self.voice),)

    def speak(self, text: str, speed: float = 1.0) -> np.ndarray:
        """Raises what speech raises."""
        return speech(text, self.voice, speed)[0]


def load(voice: str) -> Kokoro:
    """voice: a name of voices(), empty for the default. Raises ConfigError for another, AssetError without a model."""
    style(voice or DEFAULT_VOICE)
    return Kokoro(voice or DEFAULT_VOICE)


def _spoken(said: str, styles: np.ndarray, speed: float) -> np.ndarray:
    """At most MAX_PHONEMES of them -> wav (T,)."""
    tokens = [0, *(_tokens()[symbol] for symbol in said), 0]  # padded, as in training
    inputs = {
        "tokens": np.array([tokens], np.int64),
        "style": styles[None, len(said) - 1],
        "speed": np.array([speed], np.float32),
    }
    return _session(os.getpid()).run(None, inputs)[0].reshape(-1)
