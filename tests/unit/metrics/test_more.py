"""Octave jumps, cepstral distortion, STFT distance, singing and separation: identity, known offsets, known levels."""

import numpy as np
import pytest
from audio_files import RATE, speech
from scipy.signal import chirp

from autovoice.metrics.cepstral import mcd
from autovoice.metrics.copy import mrstft
from autovoice.metrics.pitch import octave
from autovoice.metrics.separation import leakage_db, si_sdr_db
from autovoice.metrics.singing import chroma_similarity, vibrato

T = np.arange(3 * RATE) / RATE


def test_octave_jumps_are_counted_up_and_down_and_other_errors_are_not():
    f0 = np.full(100, 200.0)
    assert octave(f0, f0) == 0
    jumped = f0.copy()
    jumped[:10], jumped[10:15], jumped[15:40], jumped[90:] = 400.0, 100.0, 300.0, 0.0
    assert octave(f0, jumped) == pytest.approx(15 / 90)
    assert np.isnan(octave(f0, np.zeros(100)))


def test_cepstral_distortion_is_zero_for_the_same_and_ignores_speed_and_level():
    wav = speech("allison", 3.0)
    assert mcd(wav, wav) == 0
    assert mcd(wav, 0.5 * wav) == pytest.approx(0, abs=0.05)
    slower = np.interp(np.arange(0, len(wav), 0.95), np.arange(len(wav)), wav)
    other = speech("carlo", 3.0)
    assert 0 < mcd(wav, slower) < 0.6 * mcd(wav, other)
    assert np.isnan(mcd(wav, np.zeros(RATE)))


def test_cepstral_distortion_grows_with_noise():
    wav = speech("june", 3.0)
    noise = np.random.default_rng(0).standard_normal(len(wav)) * np.sqrt(np.mean(wav**2))
    distances = [mcd(wav, wav + noise * 10 ** (-snr / 20)) for snr in (40, 20, 0)]
    assert distances == sorted(distances)


def test_the_stft_distance_is_zero_for_the_same_and_known_for_a_gain():
    wav = speech("allison", 3.0)
    assert mrstft(wav, wav) == 0
    loud = np.random.default_rng(0).standard_normal(2 * RATE) * 0.1  # no bin under the floor
    assert mrstft(loud, 0.5 * loud) == pytest.approx(0.5 + np.log(2), abs=0.02)
    assert np.isnan(mrstft(wav, np.zeros_like(wav)))


def test_chroma_is_one_for_the_same_melody_in_any_key_and_less_for_another():
    notes = [261.63, 329.63, 392.0, 349.23, 293.66, 440.0]

    def sung(frequencies):
        return np.concatenate([np.sin(2 * np.pi * hz * T[: RATE // 2]) for hz in frequencies])

    melody = sung(notes)
    assert chroma_similarity(melody, melody) == pytest.approx(1, abs=1e-3)
    assert chroma_similarity(melody, sung([hz * 2 ** (5 / 12) for hz in notes])) > 0.9
    assert chroma_similarity(melody, sung(notes[::-1])) < 0.7
    assert np.isnan(chroma_similarity(melody, np.zeros_like(melody)))


@pytest.mark.parametrize(("rate_hz", "cents"), [(5.0, 50.0), (6.5, 100.0)])
def test_vibrato_is_measured(rate_hz, cents):
    t = np.arange(300) / 100
    f0 = 220 * 2 ** (cents / 1200 * np.sin(2 * np.pi * rate_hz * t))
    f0[140:150] = 0
    found = vibrato(f0)
    assert found[0] == pytest.approx(rate_hz, abs=0.3)
    assert found[1] == pytest.approx(cents, rel=0.1)


def test_straight_notes_glides_and_silence_have_no_vibrato():
    for f0 in (np.full(300, 220.0), np.linspace(200, 400, 300), np.zeros(300)):
        assert np.isnan(vibrato(f0)).all()


def test_separation_is_measured_at_known_levels():
    voice, band = chirp(T, 200, 3, 900), np.random.default_rng(0).standard_normal(len(T))
    for db in (20.0, 0.0):
        leaked = band * np.linalg.norm(voice) / np.linalg.norm(band) * 10 ** (-db / 20)
        assert si_sdr_db(voice, 0.7 * (voice + leaked)) == pytest.approx(db, abs=0.3)
        assert leakage_db(voice, band, 0.7 * (voice + leaked)) == pytest.approx(-db, abs=0.3)
    assert si_sdr_db(voice, 3 * voice) == np.inf
    assert np.isnan(si_sdr_db(voice, np.zeros_like(voice)))
