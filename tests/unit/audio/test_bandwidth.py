"""The band that a recording has is found, and a loss is made to see no more than it."""

import numpy as np
import pytest
import soxr
import torch

from autovoice.audio import bandwidth
from autovoice.audio.bandwidth import bandwidth_hz
from autovoice.training.band import limit_band
from tests.audio_files import speech

RATE = 24000


@pytest.mark.parametrize("rate", [8000, 12000, 16000])
def test_the_band_of_a_recording_ends_at_half_its_own_rate(rate: int) -> None:
    noise = np.random.default_rng(0).normal(size=4 * RATE).astype(np.float32) * 0.1
    narrow = soxr.resample(soxr.resample(noise, RATE, rate), rate, RATE)
    assert bandwidth_hz(narrow, RATE) == pytest.approx(rate / 2, abs=400)


def test_the_band_of_real_speech_at_sixteen_kilohertz_is_not_above_eight() -> None:
    wav = soxr.resample(speech("nikolay", 4.0), 16000, RATE).astype(np.float32)
    assert 6000 < bandwidth_hz(wav, RATE) < 8400


def test_silence_has_the_whole_band() -> None:
    assert bandwidth_hz(np.zeros(RATE, np.float32), RATE) == RATE / 2


def test_what_lies_above_the_band_goes_and_what_lies_below_stays() -> None:
    t = torch.arange(RATE) / RATE
    low, high = (torch.sin(2 * np.pi * f * t)[None] for f in (1000.0, 9000.0))
    limited = limit_band((low + high).expand(2, -1), torch.tensor([5000.0, 12000.0]), RATE)
    assert (limited[0] - low[0]).abs().max() < 5e-3
    assert (limited[1] - low[0] - high[0]).abs().max() < 1e-3
    assert np.abs(bandwidth.limit_band((low + high)[0].numpy(), 5000.0, RATE) - limited[0].numpy()).max() < 1e-5
