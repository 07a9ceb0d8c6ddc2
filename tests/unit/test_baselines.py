"""The baselines do what they are said to do, and no more."""

import numpy as np
import pytest

from autovoice.audio.f0 import extract_f0, median_f0_hz
from autovoice.audio.mel import log_mel
from autovoice.baselines import griffin_lim, world_convert
from tests.audio_files import speech

RATE = 16000


def median(wav: np.ndarray) -> float:
    return median_f0_hz(extract_f0(wav, 160, len(wav) // 160))


def mean_mel(wav: np.ndarray) -> np.ndarray:
    mel = log_mel(wav, RATE, 1024, 160, 80).T
    return mel[:, mel.mean(0) > np.median(mel.mean(0))].mean(1)


def test_world_takes_the_pitch_and_the_mean_envelope_of_the_reference() -> None:
    source, target = speech("nikolay", 3.0), speech("june", 6.0)
    made = world_convert(source, [target], RATE)
    assert made.shape == source.shape
    assert median(made) == pytest.approx(median(target), rel=0.08)
    before, after = (np.std(mean_mel(x) - mean_mel(target)) for x in (source, made))
    assert after < 0.7 * before
    assert np.std(made) == pytest.approx(np.std(source), rel=0.1)


def test_world_shifts_by_what_it_is_told() -> None:
    source = speech("nikolay", 3.0)
    made = world_convert(source, [source], RATE, shift_st=4.0)
    before, after = (extract_f0(x, 160, len(x) // 160) for x in (source, made))
    both = (before > 0) & (after > 0)
    assert np.median(12 * np.log2(after[both] / before[both])) == pytest.approx(4.0, abs=0.2)


def test_griffin_lim_keeps_the_mel_spectrogram_and_repeats() -> None:
    source = speech("june", 2.0)
    made = griffin_lim(source, RATE)
    assert made.shape == source.shape
    assert np.array_equal(made, griffin_lim(source, RATE))
    mels = [log_mel(np.asarray(x), RATE, 1024, 256, 80).T for x in (source, made)]
    loud = mels[0] > mels[0].max() - 6
    assert np.abs(mels[0] - mels[1])[loud].mean() < 0.5
