"""CER and WER: known edits, normalisation, and a recogniser that answers the same twice."""

import jiwer
import numpy as np
import pytest
from audio_files import RATE, speech

from autovoice.metrics.asr import cer, normalise_english, transcribe, wer


def test_known_edits():
    assert wer("one two three four", "one too three") == pytest.approx(2 / 4)
    assert cer("abcde", "abxde") == pytest.approx(1 / 5)
    assert cer("ab", "ab and much more") > 1
    assert cer("same", "same") == wer("same", "same") == 0


def test_agrees_with_jiwer():
    a, b = "the quick brown fox jumps over the lazy dog", "the quick brown socks jump over lazy dogs"
    assert (cer(a, b), wer(a, b)) == (jiwer.cer(a, b), jiwer.wer(a, b))


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Hello,  World!", "hello world"),
        ("Mr. O’Neil's café — 2 [noise] dogs", "mister o'neil's cafe two dogs"),
        ("'quoted' (aside) well-known", "quoted well known"),
        ("...", ""),
    ],
)
def test_normalisation(text, plain):
    assert normalise_english(text) == plain


def test_writing_differences_are_no_errors():
    assert cer("Mr Brown has 3 dogs.", "mister brown has three dogs") == 0


@pytest.mark.parametrize("reference", ["", "...", "[music]"])
def test_an_empty_reference_is_nan(reference):
    assert np.isnan(cer(reference, "words"))
    assert np.isnan(wer(reference, "words"))


def test_the_recogniser_reads_speech_and_answers_the_same_twice():
    wav = speech("allison", 5.0)
    text = transcribe(wav)
    assert len(normalise_english(text).split()) > 3
    assert transcribe(wav) == text


def test_noise_over_speech_costs_words():
    wav = speech("allison", 5.0)
    noise = np.random.default_rng(0).standard_normal(5 * RATE).astype(np.float32) * wav.std() * 3
    assert cer(transcribe(wav), transcribe(wav + noise)) > 0.3
