"""Pitch: the tracker on known signals and real readers, the metrics on known differences."""

import numpy as np
import pytest
from audio_files import RATE, speech

from autovoice.metrics.f0_tracker import F0_MAX_HZ, F0_MIN_HZ, track_f0
from autovoice.metrics.pitch import estimate_shift_st, f0_corr, f0_rmse_cents, f0_rmse_hz, gpe, shifted, vde

METRICS = (f0_rmse_hz, f0_rmse_cents, f0_corr, gpe, vde)


def glide(low_hz: float, high_hz: float, seconds: float, snr_db: float | None = None) -> tuple[np.ndarray, np.ndarray]:
    """A harmonic tone whose pitch rises exponentially: wav (T,), and its f0 at every sample."""
    time = np.arange(int(seconds * RATE)) / RATE
    f0 = low_hz * (high_hz / low_hz) ** (time / seconds)
    phase = 2 * np.pi * np.cumsum(f0) / RATE
    wav = 0.1 * sum(np.sin(k * phase) / k for k in range(1, 9))
    if snr_db is not None:
        noise = np.random.default_rng(0).standard_normal(len(wav))
        wav = wav + noise * wav.std() * 10 ** (-snr_db / 20)
    return wav, f0


@pytest.fixture
def melody() -> np.ndarray:
    """A track of 2 s around 150 Hz with pauses."""
    f0 = 150 * 2 ** (np.sin(np.arange(200) / 15) / 3)
    f0[40:60] = f0[150:] = 0
    return f0


@pytest.mark.parametrize(("snr_db", "within_hz"), [(None, 0.05), (40, 0.1), (20, 1.0)])
def test_the_tracker_follows_a_glide(snr_db, within_hz):
    wav, truth = glide(80, 800, 4.0, snr_db)
    f0 = track_f0(wav)
    voiced = f0 > 0
    assert voiced.mean() > 0.97
    at_frames = truth[np.minimum(np.arange(len(f0)) * 160, len(truth) - 1)]
    whole = voiced & (np.arange(len(f0)) > 3) & (np.arange(len(f0)) < len(f0) - 4)  # windows that the signal fills
    assert np.sqrt(np.mean((f0 - at_frames)[whole] ** 2)) < within_hz


def test_noise_silence_and_snippets_are_unvoiced():
    noise = 0.1 * np.random.default_rng(0).standard_normal(2 * RATE)
    assert not track_f0(noise).any()
    assert not track_f0(np.zeros(RATE)).any()
    assert track_f0(np.zeros(0)).shape == (1,)
    assert not track_f0(np.ones(100)).any()


def test_a_frame_every_10_ms():
    assert len(track_f0(glide(100, 120, 1.0)[0])) == 101


def test_level_and_offset_do_not_matter():
    wav = speech("carlo", 2.0)
    assert np.allclose(track_f0(wav), track_f0(0.01 * wav + 0.2), rtol=1e-3)


@pytest.mark.parametrize("reader", ["allison", "carlo"])
def test_it_agrees_with_world_on_readers(reader):
    pyworld = pytest.importorskip("pyworld")
    wav = speech(reader, 6.0).astype(np.float64)
    ours = track_f0(wav)
    theirs, _ = pyworld.harvest(wav, RATE, f0_floor=F0_MIN_HZ, f0_ceil=F0_MAX_HZ, frame_period=10)
    assert gpe(theirs, ours) < 0.06
    both = (ours > 0) & (theirs[: len(ours)] > 0)
    assert np.median(np.abs(1200 * np.log2(ours[both] / theirs[: len(ours)][both]))) < 20


def test_identity_is_perfect(melody):
    assert [metric(melody, melody) for metric in METRICS] == pytest.approx([0, 0, 1, 0, 0])
    assert estimate_shift_st(melody, melody) == 0


@pytest.mark.parametrize("semitones", [-12, -1, 1, 3.5])
def test_a_semitone_is_100_cents(melody, semitones):
    moved = shifted(melody, semitones)
    assert f0_rmse_cents(melody, moved) == pytest.approx(abs(semitones) * 100, abs=1e-6)
    assert estimate_shift_st(melody, moved) == pytest.approx(semitones, abs=1e-9)
    assert f0_rmse_hz(shifted(melody, semitones), moved) == 0
    assert f0_corr(melody, moved) == pytest.approx(1)


def test_a_semitone_of_audio_is_100_cents():
    low, high = (track_f0(glide(120 * f, 240 * f, 2.0)[0]) for f in (1.0, 2 ** (1 / 12)))
    assert f0_rmse_cents(low, high) == pytest.approx(100, abs=1)
    assert estimate_shift_st(low, high) == pytest.approx(1, abs=0.01)


def test_5_hz_off_is_5_hz(melody):
    assert f0_rmse_hz(melody, np.where(melody > 0, melody + 5, 0)) == pytest.approx(5)


def test_gross_errors_are_over_20_percent(melody):
    off = melody.copy()
    off[:10] *= 1.19
    off[10:20] *= 2
    assert gpe(melody, off) == pytest.approx(10 / (melody > 0).sum())


def test_octave_jumps_do_not_move_the_estimated_shift(melody):
    jumpy = shifted(melody, 2)
    jumpy[:50] *= 2
    assert estimate_shift_st(melody, jumpy) == pytest.approx(2)


def test_voicing_errors_count_every_frame(melody):
    less = melody.copy()
    less[:20] = 0
    assert vde(melody, less) == pytest.approx(20 / len(melody))
    assert f0_rmse_hz(melody, less) == 0


def test_nothing_voiced_in_both_is_nan_not_zero(melody):
    for silent in (np.zeros_like(melody), np.zeros(0)):
        assert all(np.isnan(metric(melody, silent)) for metric in METRICS[:4])
        assert np.isnan(estimate_shift_st(melody, silent))
    assert np.isnan(vde(np.zeros(10), np.zeros(10)))
    assert np.isnan(f0_corr(np.full(10, 100.0), np.full(10, 100.0)))


def test_the_longer_track_is_cut(melody):
    assert f0_rmse_hz(melody, np.concatenate([melody, [999.0] * 50])) == 0
