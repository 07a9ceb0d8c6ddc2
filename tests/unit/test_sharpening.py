"""Sharpening: which ripples of a spectrum it raises, what it leaves alone, and that files and streams get the same."""

from dataclasses import replace

import numpy as np
import pytest

from autovoice.config import AudioConfig, compose
from autovoice.convert import VoiceConverter
from autovoice.live import LiveConverter
from autovoice.networks import Filters
from autovoice.sharpening import WIDTHS_HZ, sharpened
from autovoice.voice import clone_voice
from tests.audio_files import at_rate, speech

AUDIO = AudioConfig()
N_BINS, RATE = AUDIO.output_n_fft // 2 + 1, AUDIO.output_rate
HZ = np.linspace(0, RATE / 2, N_BINS)
VOICED = np.array([[True, False]])


def ripple(width_hz: float, depth: float = 0.5) -> Filters:
    """Two frames whose log spectrum rises and falls every width_hz, about a tilt."""
    log = depth * np.cos(2 * np.pi * HZ / width_hz) - HZ / 4000
    amplitude = np.tile(np.exp(log), (1, 2, 1)).astype(np.float32)
    return Filters(amplitude, np.full_like(amplitude, 0.3), 0.1 * amplitude)


def depth_of(amplitude: np.ndarray, width_hz: float) -> float:
    """Of the ripple in the first frame's log spectrum, away from both ends."""
    log = np.log(amplitude[0, 0]) + HZ / 4000
    wave, inner = np.cos(2 * np.pi * HZ / width_hz), (HZ > 1000) & (HZ < 11000)
    return float(np.polyfit(wave[inner], log[inner], 1)[0])


@pytest.mark.parametrize("width_hz", [1500.0, 2400.0, 4000.0])
def test_ripples_as_wide_as_formants_are_raised_by_the_share(width_hz: float) -> None:
    before = ripple(width_hz)
    after = sharpened(before, VOICED, 0.2, RATE)
    for name in ("harmonic", "breath"):
        assert depth_of(getattr(after, name), width_hz) == pytest.approx(0.6, abs=0.03)


@pytest.mark.parametrize("width_hz", [0.4 * WIDTHS_HZ[0], 3 * WIDTHS_HZ[1]])
def test_finer_and_wider_ones_are_left_alone(width_hz: float) -> None:
    before = ripple(width_hz)
    after = sharpened(before, VOICED, 0.5, RATE)
    ratio = np.log(after.harmonic / before.harmonic)[0, 0]
    assert np.ptp(ratio[(HZ > 1000) & (HZ < 11000)]) < 0.25 * 0.5


def test_each_frame_stays_as_loud_and_phases_stay() -> None:
    before = ripple(1500.0)
    after = sharpened(before, VOICED, 0.4, RATE)
    assert np.allclose(after.power(VOICED), before.power(VOICED), rtol=1e-4)
    assert np.array_equal(after.phase, before.phase)
    assert sharpened(before, VOICED, 0.0, RATE) is before


def test_a_stream_is_sharpened_as_a_file_is() -> None:
    converter = VoiceConverter("cpu")
    voice = clone_voice("june", [at_rate(speech("june", 8.0), RATE)], networks=converter.networks)
    wav, fast = speech("nikolay", 4.0), compose().presets["fast"]

    def brightness(wav: np.ndarray) -> float:
        spectrum = np.abs(np.fft.rfft(wav[RATE : 3 * RATE]))
        return float(np.log(spectrum[200:16000].reshape(-1, 200).mean(1) + 1e-6).std())

    def live(share: float) -> float:
        return brightness(LiveConverter(converter.networks, voice, 0.0, fast.reference_s, share).push(wav))

    def file(share: float) -> float:
        return brightness(converter.convert(wav, voice, replace(fast, sharpening=share), 0.0))

    assert live(0.5) > live(0.0)
    assert file(0.5) > file(0.0)
