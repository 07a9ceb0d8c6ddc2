"""Metrics of a signal itself: analytic signals with known levels, clipping, silence, brightness and noise."""

import numpy as np
import pytest
from audio_files import RATE, speech
from scipy.signal import butter, sosfiltfilt

from autovoice.metrics import signal

T = np.arange(4 * RATE) / RATE


def sine(hz, amplitude=0.5, t=T):
    return (amplitude * np.sin(2 * np.pi * hz * t)).astype(np.float32)


def test_a_full_scale_sine_is_at_minus_3_lufs_at_any_rate():
    for rate in (16000, 24000, 48000):
        wav = np.sin(2 * np.pi * 997 * np.arange(5 * rate) / rate)
        assert signal.loudness_lufs(wav, rate) == pytest.approx(-3.05, abs=0.1)


def test_gain_moves_loudness_by_itself_and_nothing_else():
    wav = speech("allison", 5.0)
    assert signal.loudness_lufs(0.5 * wav, RATE) - signal.loudness_lufs(wav, RATE) == pytest.approx(-6.02, abs=0.05)
    for metric in (signal.clip_share, signal.bright_db, signal.noise_db):
        assert metric(0.5 * wav) == pytest.approx(metric(wav), abs=1e-3)


@pytest.mark.parametrize("limit", [1.0, 0.3])
def test_flat_tops_are_counted_at_any_level(limit):
    wav = sine(100, 1.5)
    clipped = np.clip(wav, -1, 1) * limit
    truth = np.mean(np.abs(wav) >= 1)
    assert signal.clip_share(clipped) == pytest.approx(truth, abs=0.01)
    assert signal.clip_share(wav) < 0.001
    assert signal.clip_share(speech("june", 5.0)) < 1e-4


def test_silence_is_counted_and_has_no_brightness():
    half = np.concatenate([sine(200), np.zeros_like(T)])
    assert signal.silence_share(half) == pytest.approx(0.5, abs=0.01)
    assert signal.silence_share(np.zeros(RATE)) == 1
    assert signal.clip_share(np.zeros(RATE)) == 0
    for metric in (signal.bright_db, signal.noise_db, lambda wav: signal.loudness_lufs(wav, RATE)):
        assert np.isnan(metric(np.zeros(RATE, np.float32)))
    assert np.isnan(signal.loudness_lufs(sine(200)[:1000], RATE))


def test_brightness_is_the_ratio_of_the_halves():
    assert signal.bright_db(sine(1000, 0.5) + sine(6000, 0.05)) == pytest.approx(-20, abs=0.1)
    wav = speech("allison", 5.0)
    muffled = sosfiltfilt(butter(6, 3000, fs=RATE, output="sos"), wav)
    assert signal.bright_db(muffled) < signal.bright_db(wav) - 20


@pytest.mark.parametrize("snr_db", [40.0, 20.0, 10.0])
def test_noise_between_words_is_found_at_its_level(snr_db):
    gaps = np.tile(np.repeat([1.0, 0.0], RATE // 4), 8)
    wav = sine(300)[: len(gaps)] * gaps
    noise = np.random.default_rng(0).standard_normal(len(wav)) * 0.5 / np.sqrt(2) * 10 ** (-snr_db / 20)
    assert signal.noise_db(wav + noise) == pytest.approx(-snr_db, abs=1.5)
    assert signal.noise_db(wav) == signal.NOISE_FLOOR_DB
