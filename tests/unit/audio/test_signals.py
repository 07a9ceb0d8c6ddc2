"""Signal functions against signals whose truth is known."""

import numpy as np
import pytest

from autovoice.audio.f0 import extract_f0, median_f0_hz
from autovoice.audio.loudness import estimate_snr_db, gain_to, loudness_contour, rms_dbfs, silence_gate
from autovoice.audio.windows import array_blocks, overlapping_windows

RATE, HOP = 16000, 160


def harmonic_tone(f0_hz: np.ndarray) -> np.ndarray:
    phase = 2 * np.pi * np.cumsum(f0_hz) / RATE
    return sum(np.sin(k * phase) / k for k in range(1, 8)).astype(np.float32) * 0.1


@pytest.mark.parametrize("f0_hz", [80.0, 220.0, 600.0, 950.0])
def test_f0_of_a_steady_tone_is_that_tone(f0_hz: float) -> None:
    f0 = extract_f0(harmonic_tone(np.full(RATE, f0_hz)), HOP, 100)
    middle = f0[20:80]
    assert (middle > 0).all()
    assert np.abs(middle / f0_hz - 1).max() < 0.015


def test_f0_of_a_glide_is_not_late() -> None:
    truth = 150 + 100 * np.arange(2 * RATE) / RATE
    f0 = extract_f0(harmonic_tone(truth), HOP, 200)[20:180]
    assert np.sqrt(np.mean((f0 - truth[::HOP][20:180]) ** 2)) < 2.0


@pytest.mark.parametrize(
    "wav", [np.zeros(RATE), np.random.default_rng(0).normal(0, 0.1, RATE)], ids=["silence", "noise"]
)
def test_silence_and_noise_are_unvoiced(wav: np.ndarray) -> None:
    f0 = extract_f0(wav.astype(np.float32), HOP, 100)
    assert (f0 > 0).mean() < 0.05
    assert median_f0_hz(np.zeros(5)) == 0.0


def test_gain_brings_speech_to_its_level_and_leaves_silence_alone() -> None:
    wav = harmonic_tone(np.full(RATE, 200.0))
    assert rms_dbfs(wav * gain_to(wav, RATE, -26.0)) == pytest.approx(-26.0, abs=0.1)
    assert gain_to(np.zeros(RATE, np.float32), RATE, -26.0) == 1.0
    with_pause = np.concatenate([wav, np.zeros(5 * RATE, np.float32)])
    assert gain_to(with_pause, RATE, -26.0) == pytest.approx(gain_to(wav, RATE, -26.0), rel=0.02)


def test_loudness_contour_follows_the_level_in_decibels() -> None:
    wav = np.full(RATE, 0.1, np.float32)  # -20 dBFS
    contour = loudness_contour(wav, HOP, 100)
    assert contour[50] == pytest.approx(-1.0 + 1.5, abs=1e-3)
    assert loudness_contour(np.zeros(RATE, np.float32), HOP, 100).max() == -2.0


def test_silence_gate_closes_on_silence_only() -> None:
    gate = silence_gate(np.array([-2.0, -2.0, 0.0, 0.0], np.float32), 10)
    assert gate[:10].max() == 0.0
    assert gate[20:].min() == 1.0


def test_snr_estimate_rises_with_the_signal() -> None:
    rng = np.random.default_rng(0)
    speech = harmonic_tone(np.full(RATE, 200.0)) * (np.arange(RATE) % 4000 < 2000)
    estimates = [estimate_snr_db(speech + rng.normal(0, sigma, RATE), RATE) for sigma in (0.1, 0.01, 0.001)]
    assert estimates == sorted(estimates)
    assert estimates[-1] - estimates[0] > 25


@pytest.mark.parametrize("length", [0, 5, 320, 1000, 1601, 4799])
def test_windows_tile_the_stream_exactly(length: int) -> None:
    wav = np.arange(length, dtype=np.float32)
    windows = list(overlapping_windows(iter(np.array_split(wav, 7)), 640, 160))
    cores = [w.wav[w.lead : w.lead + w.n_core] for w in windows]
    assert np.array_equal(np.concatenate(cores) if cores else np.zeros(0), wav)
    for window in windows:
        assert np.array_equal(window.wav, wav[window.start : window.start + len(window.wav)])
        assert window.lead == min(160, window.start + window.lead)


def test_array_blocks_can_be_read_twice() -> None:
    wav = np.random.default_rng(0).normal(size=25 * RATE).astype(np.float32)
    blocks = array_blocks(wav, RATE)
    assert np.array_equal(np.concatenate(list(blocks())), wav)
    assert np.array_equal(np.concatenate(list(blocks())), wav)
