"""Metrics that add up: the same as the functions, item by item, and honest about failures."""

import math

import jiwer
import numpy as np
import pytest

from autovoice.metrics.accumulators import ErrorRate, MeanMetricOf, PitchError, SpeakerSimilarity
from autovoice.metrics.signal import noise_db

REFERENCES = ("the quick brown fox", "a bird in the hand", "nothing")
HEARD = ("the quick brawn fox jumps", "bird in hand", "nothing")


@pytest.mark.parametrize(("unit", "reference_package"), [("char", jiwer.cer), ("word", jiwer.wer)])
def test_error_rate_is_that_of_the_corpus(unit, reference_package):
    metric = ErrorRate(unit)
    for reference, heard in zip(REFERENCES, HEARD, strict=True):
        metric.update(reference, heard)
    assert float(metric.compute()) == pytest.approx(reference_package(list(REFERENCES), list(HEARD)))


def test_error_rate_of_nothing_is_nan_and_units_are_checked():
    metric = ErrorRate()
    metric.update("...", "words")
    assert math.isnan(float(metric.compute()))
    with pytest.raises(ValueError, match="choose char or word"):
        ErrorRate("phone")


def test_failures_are_counted_not_averaged():
    metric = MeanMetricOf(noise_db)
    noise = np.random.default_rng(0).standard_normal(16000).astype(np.float32) * 0.1
    metric.update(noise)
    metric.update(np.zeros(16000, np.float32))
    assert float(metric.compute()) == pytest.approx(noise_db(noise))
    assert (int(metric.n), int(metric.n_failed)) == (1, 1)
    metric.reset()
    assert (int(metric.n), int(metric.n_failed)) == (0, 0)
    assert math.isnan(float(metric.compute()))


def test_pitch_error_does_not_count_the_shift():
    metric, source = PitchError(), np.where(np.arange(200) % 50 < 40, 150 + 20 * np.sin(np.arange(200) / 10), 0)
    metric.update(source, source * 2 ** (3 / 12))
    assert float(metric.compute()) == pytest.approx(0, abs=1e-6)
    metric.update(np.zeros(200), source)
    assert int(metric.n_failed) == 1


def test_similarity_uses_the_embedding_it_is_given():
    metric = SpeakerSimilarity(lambda wav: wav[:2])
    metric.update(np.array([1.0, 0.0]), np.array([1.0, 0.0]))
    metric.update(np.array([1.0, 0.0]), np.array([0.0, 1.0]))
    assert float(metric.compute()) == pytest.approx(0.5)
