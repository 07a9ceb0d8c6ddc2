"""Predicted opinions and copy synthesis: agreement with the reference packages, order, and NaN where nothing is heard."""

import numpy as np
import pesq as pesq_package
import pystoi
import pytest
from audio_files import RATE, speech

from autovoice.metrics.copy import pesq, stoi
from autovoice.metrics.distill_mos import distill_mos
from autovoice.metrics.dnsmos import dnsmos
from autovoice.metrics.duration import duration_ratio


@pytest.fixture(scope="module")
def wav():
    return speech("allison", 4.0)


def noisy(wav: np.ndarray, snr_db: float) -> np.ndarray:
    noise = np.random.default_rng(0).standard_normal(len(wav))
    return (wav + noise * wav.std() * 10 ** (-snr_db / 20)).astype(np.float32)


@pytest.mark.parametrize("seconds", [4.0, 11.5])
def test_dnsmos_agrees_with_speechmos(seconds):
    from speechmos import dnsmos as reference

    wav = speech("carlo", seconds)
    theirs = reference.run(wav, RATE)
    ours = dnsmos(wav)
    assert ours == pytest.approx((theirs["ovrl_mos"], theirs["sig_mos"], theirs["bak_mos"]), abs=1e-4)


def test_dnsmos_of_long_audio_is_that_of_its_blocks(monkeypatch):
    long = speech("carlo", 13.5)
    whole = dnsmos(long)
    monkeypatch.setattr("autovoice.metrics.dnsmos_network.BLOCK", 2)
    assert dnsmos(long) == pytest.approx(whole, abs=1e-4)


def test_dnsmos_hears_noise_and_takes_samples_beyond_full_scale(wav):
    assert dnsmos(noisy(wav, 5)).bak < dnsmos(wav).bak - 0.5
    full_scale = wav / np.abs(wav).max()
    assert dnsmos(3 * full_scale) == pytest.approx(dnsmos(full_scale), abs=1e-3)


def test_distill_mos_agrees_with_its_package_and_hears_noise(wav):
    torch = pytest.importorskip("torch")
    from distillmos import ConvTransformerSQAModel

    with torch.inference_mode():
        theirs = ConvTransformerSQAModel().eval()(torch.from_numpy(wav)[None]).item()
    assert distill_mos(wav) == pytest.approx(theirs, abs=1e-4)
    assert distill_mos(noisy(wav, 5)) < theirs - 0.5


def test_copy_metrics_agree_with_their_packages(wav):
    bad = noisy(wav, 10)
    assert pesq(wav, bad) == pytest.approx(pesq_package.pesq(RATE, wav, bad, "wb"), abs=1e-3)
    assert stoi(wav, bad) == pytest.approx(pystoi.stoi(wav, bad, RATE), abs=1e-6)


def test_copy_metrics_of_identity_and_of_known_noise(wav):
    assert pesq(wav, wav) == pytest.approx(4.64, abs=0.01)
    assert stoi(wav, wav) == pytest.approx(1)
    for metric in (pesq, stoi):
        assert metric(wav, wav) > metric(wav, noisy(wav, 20)) > metric(wav, noisy(wav, 0))


def test_copy_metrics_cut_to_the_shorter(wav):
    assert pesq(wav, wav[:-3000]) == pytest.approx(4.64, abs=0.01)


@pytest.mark.parametrize("silent", [np.zeros(2 * RATE), np.zeros(100), np.zeros(0)], ids=["2s", "short", "empty"])
def test_silence_is_nan(wav, silent):
    assert np.isnan(pesq(wav, silent))
    assert np.isnan(stoi(wav, silent))
    assert np.isnan(dnsmos(silent)).all()
    assert np.isnan(distill_mos(silent))


def test_duration_ratio():
    assert duration_ratio(100, 90) == pytest.approx(0.9)
    assert np.isnan(duration_ratio(0, 5))
