"""A text spoken in a cloned voice, sentence by sentence: the first can be heard before the second is made."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from autovoice.analysis import auto_shift_st
from autovoice.audio.f0 import extract_f0
from autovoice.audio.loudness import gain_to
from autovoice.audio.resample import resample
from autovoice.config import PresetConfig
from autovoice.convert import VoiceConverter
from autovoice.data.segment import trim
from autovoice.errors import ConfigError
from autovoice.guidance import for_pieces
from autovoice.speech.text import check, clean, is_english, sentences
from autovoice.tts.front_end import FrontEnd, require_language
from autovoice.voice import VoiceProfile

MIN_SPEED, MAX_SPEED = 0.5, 2.0
LEVEL_DBFS = -23.0  # active level of the speech, whatever the front-end's own
MIN_READ_S = 0.05  # a shorter reading holds no word
TRIM_DB = 45.0  # of the front-end's own silences, which the pauses replace
SAMPLE = "She planted three rows of beans along the fence."  # tells the front-end's pitch and level


@dataclass(frozen=True)
class Spoken:
    """One sentence. wav: (T,) float32 at the converter's output rate, the pause before it included; text: as cleaned;
    share: of the whole text, 0 to 1, that has been read with it."""

    wav: np.ndarray
    text: str
    share: float


def speak(
    text: str,
    voice: VoiceProfile,
    front_end: FrontEnd,
    converter: VoiceConverter,
    preset: PresetConfig,
    language: str = "en",
    speed: float = 1.0,
    seed: int = 0,
) -> Iterator[Spoken]:
    """A plain text in `voice`, each sentence made when it is asked for; equal inputs give equal samples.

    The key shift is one for the whole text, from the front-end's own pitch to the voice's, so that the melody across sentences
    stays. speed: 0.5 to 2, by the front-end's durations. Raises, before anything is spoken, ConfigError for a speed or a
    language that the front-end has not, and DataError for a text without words, in SSML or in another script than its
    language's.
    """
    if not MIN_SPEED <= speed <= MAX_SPEED:
        raise ConfigError(f"speed {speed:g} is not possible", "speak", f"give {MIN_SPEED:g} to {MAX_SPEED:g}")
    require_language(front_end, language)
    language, cleaned = language.lower(), clean(text)
    check(cleaned, language)
    f0, gain = _habits(front_end)
    shift_st, words = auto_shift_st(f0, voice), normaliser(language)

    def spoken() -> Iterator[Spoken]:
        pause_s = 0.0
        for sentence in sentences(cleaned, language):
            source = _read(front_end, words(sentence.text), speed, gain, converter.audio.sample_rate)
            if len(wav := converter.convert(source, voice, for_pieces(preset), shift_st, seed)):
                pause = np.zeros(int(pause_s / speed * converter.audio.output_rate), np.float32)
                yield Spoken(np.concatenate([pause, wav]), sentence.text, sentence.share)
                pause_s = sentence.pause_s

    return spoken()


def _read(front_end: FrontEnd, said: str, speed: float, gain: float, sample_rate: int) -> np.ndarray:
    """A sentence in words, read by the front-end -> wav at sample_rate, its silent edges cut; empty where it reads nothing."""
    read = front_end.speak(said, speed) if any(map(str.isalnum, said)) else np.zeros(0, np.float32)
    if len(read) < MIN_READ_S * front_end.sample_rate:
        return np.zeros(0, np.float32)
    return trim(resample(read * np.float32(gain), front_end.sample_rate, sample_rate), sample_rate, TRIM_DB)[0]


def normaliser(language: str) -> Callable[[str], str]:
    """What spells a sentence's numbers and abbreviations in words; other languages' front-ends (espeak-ng) do so themselves."""
    if is_english(language):
        from autovoice.speech.english import spoken_english

        return spoken_english
    return str


@lru_cache(maxsize=4)
def _habits(front_end: FrontEnd) -> tuple[np.ndarray, float]:
    """A front-end's f0 (frames,) in Hz at 10 ms, 0 unvoiced, and the gain that brings its speech to LEVEL_DBFS."""
    rate = 16000
    wav = resample(front_end.speak(SAMPLE), front_end.sample_rate, rate)
    return extract_f0(wav, rate // 100, -(-len(wav) // (rate // 100)), 50.0, 1100.0), gain_to(wav, rate, LEVEL_DBFS)
