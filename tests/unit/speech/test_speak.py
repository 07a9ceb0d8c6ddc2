"""Speaking in a cloned voice, by the default front-end: streamed, repeatable, understood, in the voice's range. Extra speech."""

from dataclasses import replace
from itertools import islice

import numpy as np
import pytest

pytest.importorskip("hibari", reason="needs hibari-tts: pip install -e .[speech]")

from autovoice.audio.f0 import extract_f0, median_f0_hz
from autovoice.audio.loudness import active_power_dbfs, frame_power
from autovoice.audio.resample import resample
from autovoice.bench.speaking import measure_speaking
from autovoice.bench.systems import Preset
from autovoice.config import AudioConfig, TtsConfig, compose
from autovoice.convert import VoiceConverter
from autovoice.errors import ConfigError, DataError
from autovoice.metrics.asr import cer, transcribe
from autovoice.speech.speak import LEVEL_DBFS, speak
from autovoice.speech.text import SENTENCE_S
from autovoice.tts.front_end import FrontEnd, load_front_end
from autovoice.voice import VoiceProfile, clone_voice
from tests.audio_files import at_rate, speech

RATE = AudioConfig().output_rate
PRESET = compose().presets["fast"]
TEXT = "The old map showed a village. It had 8 bridges, and a mill on each side of the river!"


class Listened:
    """A front-end that remembers what it was asked to read."""

    def __init__(self, inner: FrontEnd) -> None:
        self.inner, self.read = inner, list[str]()
        self.name, self.sample_rate, self.languages = inner.name, inner.sample_rate, inner.languages

    def speak(self, text: str, speed: float = 1.0) -> np.ndarray:
        self.read.append(text)
        return self.inner.speak(text, speed)


@pytest.fixture(scope="module")
def front_end() -> FrontEnd:
    return load_front_end(TtsConfig())


@pytest.fixture(scope="module")
def voice(converter: VoiceConverter) -> VoiceProfile:
    return clone_voice("nikolay", [at_rate(speech("nikolay", 8.0), RATE)], networks=converter.networks)


@pytest.fixture(scope="module")
def spoken(front_end: FrontEnd, converter: VoiceConverter, voice: VoiceProfile) -> np.ndarray:
    return np.concatenate([sentence.wav for sentence in speak(TEXT, voice, front_end, converter, PRESET)])


def test_a_recogniser_reads_the_words(spoken: np.ndarray) -> None:
    heard = transcribe(resample(spoken, RATE, 16000))
    assert cer(TEXT, heard) < 0.1


def test_pitch_and_level_are_the_voices_and_ours(spoken: np.ndarray, voice: VoiceProfile) -> None:
    heard = resample(spoken, RATE, 16000)
    f0_hz = median_f0_hz(extract_f0(heard, 160, len(heard) // 160))
    assert f0_hz == pytest.approx(voice.f0_median_hz, rel=0.15)
    assert active_power_dbfs(frame_power(heard, 16000)) == pytest.approx(LEVEL_DBFS, abs=3.0)
    assert np.abs(spoken).max() < 1.0


def test_the_first_sentence_is_there_before_the_second_is_read(
    front_end: FrontEnd, converter: VoiceConverter, voice: VoiceProfile
) -> None:
    listened = Listened(front_end)
    stream = speak("Go home. Come in. Sit down.", voice, listened, converter, PRESET)
    sample = len(listened.read)  # of its pitch and level
    first = next(stream)
    assert listened.read[sample:] == ["Go home."]
    assert first.text == "Go home."
    assert len(first.wav) > 0.2 * RATE
    rest = list(stream)
    assert listened.read[sample:] == ["Go home.", "Come in.", "Sit down."]
    assert rest[-1].share == pytest.approx(1.0, abs=0.1)
    assert not rest[0].wav[: int(SENTENCE_S * RATE)].any()  # the pause between sentences


def test_a_text_is_always_spoken_alike_and_faster_at_a_higher_speed(
    front_end: FrontEnd, converter: VoiceConverter, voice: VoiceProfile
) -> None:
    [wav] = [s.wav for s in speak("The old map.", voice, front_end, converter, PRESET)]
    [again] = [s.wav for s in speak("The old map.", voice, front_end, converter, PRESET)]
    [fast] = [s.wav for s in speak("The old map.", voice, front_end, converter, PRESET, speed=2.0)]
    np.testing.assert_array_equal(wav, again)
    assert len(fast) < 0.8 * len(wav)


def test_what_has_no_words_between_sentences_is_passed_over(
    front_end: FrontEnd, converter: VoiceConverter, voice: VoiceProfile
) -> None:
    text = "Go home.\n\n...\n\n😀\n\nПривет.\n\nCome in, all of you."
    assert [s.text for s in speak(text, voice, front_end, converter, PRESET)] == ["Go home.", "Come in, all of you."]


def test_of_a_book_the_first_sentences_are_spoken_without_waiting_for_the_rest(
    front_end: FrontEnd, converter: VoiceConverter, voice: VoiceProfile
) -> None:
    listened = Listened(front_end)
    book = "Chapter 1\n\n" + "It rained all night 🌧. Nobody came… not even Zoë!\n" * 2000
    first = list(islice(speak(book, voice, listened, converter, PRESET), 3))
    assert len(book) > 100_000
    assert [sentence.text for sentence in first][:2] == ["Chapter 1", "It rained all night ."]
    assert listened.read[-3:][0] == "Chapter one"
    assert first[-1].share < 0.01


@pytest.mark.parametrize(
    ("text", "options", "error", "said"),
    [
        ("", {}, DataError, "no words"),
        ("😀", {}, DataError, "no words"),
        ("<speak>Hi.</speak>", {}, DataError, "SSML"),
        ("Привет", {}, DataError, "Latin letters"),
        ("Guten Tag.", {"language": "de"}, ConfigError, "hibari heart does not speak 'de'; it speaks en-us"),
        ("Hello.", {"speed": 3.0}, ConfigError, "speed 3 is not possible; give 0.5 to 2"),
        ("Hello.", {"speed": float("nan")}, ConfigError, "speed nan"),
    ],
)
def test_what_cannot_be_spoken_is_one_sentence_at_once(
    text: str,
    options: dict,
    error: type,
    said: str,
    front_end: FrontEnd,
    converter: VoiceConverter,
    voice: VoiceProfile,
) -> None:
    with pytest.raises(error, match=said):
        speak(text, voice, front_end, converter, PRESET, **options)


def test_the_benchmark_speaks_about_a_second_of_audio(converter: VoiceConverter, voice: VoiceProfile) -> None:
    row = measure_speaking(Preset(converter, voice, PRESET), rounds=1)
    assert row["audio_s"] == pytest.approx(1.0, abs=0.2)
    assert 0 < row["latency_p50_ms"] <= row["latency_p95_ms"]


def test_sentences_are_led_away_from_nobody(
    front_end: FrontEnd, converter: VoiceConverter, voice: VoiceProfile
) -> None:
    balanced = compose().presets["balanced"]
    assert balanced.guidance > 0
    made = [
        np.concatenate([sentence.wav for sentence in speak("It rained all day.", voice, front_end, converter, preset)])
        for preset in (balanced, replace(balanced, guidance=0.0, mapping=0.0))
    ]
    assert np.array_equal(*made)
