"""What a text-to-speech front-end is, and where each is found: by its name in conf/tts, or by a module's path."""

import importlib
from typing import Protocol

import numpy as np

from autovoice.config import TtsConfig
from autovoice.errors import ConfigError

MODULES = {name: f"autovoice.tts.{name}" for name in ("hibari", "kokoro", "piper")}


class FrontEnd(Protocol):
    """Reads one sentence after the other aloud, in a voice that conversion then replaces.

    name: of the engine and its voice, for people. languages: what it reads, lower case (en-us, de, ...).
    """

    @property
    def name(self) -> str: ...

    @property
    def sample_rate(self) -> int: ...

    @property
    def languages(self) -> tuple[str, ...]: ...

    def __hash__(self) -> int: ...

    def speak(self, text: str, speed: float = 1.0) -> np.ndarray:
        """A sentence as written -> wav (T,) float32 mono at sample_rate, [-1, 1]; always the same for the same text.

        speed: 0.5 to 2 re the voice's own, by its own durations. A text that it cannot read gives an empty wav or a
        ConfigError.
        """
        ...


def load_front_end(cfg: TtsConfig) -> FrontEnd:
    """The front-end of a configuration: the answer of load(cfg.voice) in its module.

    cfg.name: hibari, kokoro, piper, or the path of a module (it has a dot) with `load(voice: str) -> FrontEnd`. Raises
    ConfigError for another name, a module without load, and a package that is not installed.
    """
    module_path = MODULES.get(cfg.name, cfg.name if "." in cfg.name else "")
    if not module_path:
        remedy = f"choose from {', '.join(MODULES)}, or name a module as package.module"
        raise ConfigError(f"no text-to-speech front-end {cfg.name!r}", "tts.name", remedy)
    try:
        module = importlib.import_module(module_path)
    except ModuleNotFoundError as error:
        missing = f"the module {error.name} is missing"
        raise ConfigError(missing, f"tts.name={cfg.name}", "install it, or choose another front-end") from error
    if not hasattr(module, "load"):
        raise ConfigError("has no load(voice)", f"tts.name={cfg.name}", "see autovoice.tts.front_end")
    return module.load(cfg.voice)


def speaks(front_end: FrontEnd, language: str) -> bool:
    """Whether a front-end reads a language; "en" means any English."""
    wanted = language.lower().replace("_", "-")
    return any(known == wanted or known.startswith(f"{wanted}-") for known in front_end.languages)


def require_language(front_end: FrontEnd, language: str) -> None:
    """Raises ConfigError unless the front-end reads the language."""
    if not speaks(front_end, language):
        remedy = f"it speaks {', '.join(front_end.languages)}; see docs/speech.md for others"
        raise ConfigError(f"{front_end.name} does not speak {language!r}", "language", remedy)
