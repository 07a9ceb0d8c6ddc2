"""hibari: English, 8 MB, over a hundred times faster than real time; the default front-end (package hibari-tts, Apache-2.0).

A distilled Kokoro-82M with a source-filter head; its phonemes come from its own lexicon and networks (a port of misaki), so
that nothing under the GPL is needed. The voice "heart" is in the package; the others it fetches once from a model hub.
"""

from dataclasses import dataclass

import numpy as np
from hibari import Hibari
from hibari.voices import VOICES

from autovoice.errors import AssetError, ConfigError

DEFAULT_VOICE = "heart"
SEED = 0  # of the noise in its consonants


@dataclass(frozen=True)
class HibariVoice:
    """The front-end (tts.front_end)."""

    voice: str
    engine: Hibari

    @property
    def name(self) -> str:
        return f"hibari {self.voice}"

    @property
    def sample_rate(self) -> int:
        return self.engine.sample_rate

    @property
    def languages(self) -> tuple[str, ...]:
        return (VOICES[self.voice]["language"].lower(),)

    def speak(self, text: str, speed: float = 1.0) -> np.ndarray:
        """A sentence without words gives an empty wav."""
        said = [part for part in self.engine.phonemize(text) if any(map(str.isalpha, part))]
        parts = [self.engine.from_phonemes(part, speed, SEED) for part in said]
        return np.concatenate([np.zeros(0, np.float32), *parts])


def load(voice: str) -> HibariVoice:
    """voice: a name that hibari has, empty for the default. Raises ConfigError for another, AssetError for one offline."""
    name = voice or DEFAULT_VOICE
    if name not in VOICES:
        raise ConfigError(f"no voice {name!r}", "text to speech", f"choose one of {', '.join(VOICES)}")
    try:
        engine = Hibari(name, threads=1)  # one thread: the same sums in the same order
        engine.g2p  # noqa: B018  (read now, not with the first sentence)
    except RuntimeError as error:
        raise AssetError(f"was not fetched ({error})", f"hibari {name}", f"use the voice {DEFAULT_VOICE}") from error
    return HibariVoice(name, engine)
