"""Text to speech: phonemes, voices and their blends, and what a recogniser hears. Needs the extra tts."""

import numpy as np
import pytest

pytest.importorskip("espeakng_loader", reason="needs espeak-ng: pip install -e .[tts]")

from autovoice.audio.resample import resample
from autovoice.errors import ConfigError
from autovoice.metrics.asr import cer, transcribe
from autovoice.models.speaker import embed_speaker
from autovoice.tts.kokoro import MAX_PHONEMES, SAMPLE_RATE, blend, cut, sex_of, speech, style, voices
from autovoice.tts.phonemes import phonemes

TEXT = "The old map showed a village."


@pytest.mark.parametrize(
    ("text", "american", "british"),
    [
        ("Go home.", "ɡˌO hˈOm.", "ɡˌQ hˈQm."),
        ("A better judge, a bird.", "ə bˈɛTəɹ ʤˈʌʤ, ə bˈɜɹd.", "ə bˈɛtə ʤˈʌʤ, ə bˈɜːd."),
        ("“Well” (it’s 2)!", "wˈɛl ɪts tˈu!", "wˈɛl ɪts tˈuː!"),
        ("...", "...", "..."),
        ("", "", ""),
    ],
)
def test_phonemes_keep_the_punctuation_and_follow_the_accent(text: str, american: str, british: str) -> None:
    assert phonemes(text) == american
    assert phonemes(text, "en-gb") == british


def test_a_long_text_is_cut_at_the_best_border_and_loses_nothing() -> None:
    said = "one two, three. four five six, seven eight nine ten"
    assert list(cut(said, 24)) == ["one two, three.", "four five six,", "seven eight nine ten"]
    assert list(cut("a" * 25, 10)) == ["a" * 10, "a" * 10, "a" * 5]
    long = phonemes(" ".join([TEXT] * 30))
    assert " ".join(cut(long)) == long
    assert max(map(len, cut(long))) <= MAX_PHONEMES


def test_there_are_28_english_voices_of_both_sexes() -> None:
    assert len(voices()) == 28
    assert sum(sex_of(name) == "F" for name in voices()) == 15
    assert style("bm_lewis").shape == (510, 256)


def test_a_blend_lies_between_its_voices() -> None:
    first, second = style("af_heart"), style("am_adam")
    np.testing.assert_allclose(blend({"af_heart": 1, "am_adam": 3}), 0.25 * first + 0.75 * second, atol=1e-6)
    np.testing.assert_array_equal(blend({"af_heart": 2}), first)


def test_a_recogniser_reads_the_text_and_the_voices_differ() -> None:
    woman, rate = speech(TEXT, "af_heart")
    man, _ = speech(TEXT, blend({"am_michael": 0.5, "bm_george": 0.5}), speed=1.25)
    assert rate == SAMPLE_RATE
    assert woman.dtype == np.float32
    assert 1.5 < len(woman) / rate < 5
    woman, man = (resample(wav, rate, 16000) for wav in (woman, man))
    assert max(cer(TEXT, transcribe(wav)) for wav in (woman, man)) < 0.1
    assert embed_speaker(woman) @ embed_speaker(man) < 0.75


def test_a_text_is_always_spoken_alike_and_faster_at_a_higher_speed() -> None:
    wav, _ = speech("Go home.", "am_adam")
    assert len(speech("Go home.", "am_adam", speed=2.0)[0]) < 0.75 * len(wav)
    np.testing.assert_array_equal(speech("Go home.", "am_adam")[0], wav)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("Hello.", "af_nobody"), "no voice 'af_nobody'"),
        (("...", "af_heart"), "no words"),
        (("Hello.", "af_heart", 3.0), "speed 3"),
        (("Hello.", np.zeros(256)), "shape"),
        (("Hello.", "af_heart", 1.0, "en-xx"), "no phonemes of 'en-xx'"),
    ],
)
def test_what_cannot_be_spoken_is_one_sentence(arguments: tuple, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        speech(*arguments)


@pytest.mark.parametrize("weights", [{}, {"af_heart": 0.0}, {"af_heart": 2.0, "am_adam": -1.0}])
def test_weights_that_blend_no_voice_are_refused(weights: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="blend no voice"):
        blend(weights)
