"""Bootstrap intervals: seeded, covering, and wider where pairs hang together."""

import numpy as np
import pytest

from autovoice.evaluation.statistics import interval


def alone(values):
    return [str(i) for i in range(len(values))]


def test_the_mean_lies_inside_and_a_seed_repeats():
    values = np.random.default_rng(0).normal(5, 1, 50)
    mean, low, high = interval(values, alone(values), 2000, 0.95, 1)
    assert mean == pytest.approx(values.mean())
    assert low < mean < high
    assert interval(values, alone(values), 2000, 0.95, 1) == (mean, low, high)
    assert interval(values, alone(values), 2000, 0.95, 2) != (mean, low, high)


def test_it_agrees_with_the_normal_interval():
    values = np.random.default_rng(0).normal(0, 2, 400)
    _, low, high = interval(values, alone(values), 4000, 0.95, 0)
    assert high - low == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.05)


def test_it_covers_the_truth_about_95_times_in_100():
    rng = np.random.default_rng(0)
    draws = [interval(rng.normal(0, 1, 40), alone(range(40)), 500, 0.95, i) for i in range(200)]
    assert 0.90 <= np.mean([low <= 0 <= high for _, low, high in draws]) <= 0.99


def test_pairs_of_one_speaker_do_not_count_as_many():
    speakers = np.random.default_rng(0).normal(0, 1, 8)
    values, clusters = np.repeat(speakers, 10), np.repeat(np.arange(8), 10).astype(str)
    _, low, high = interval(values, list(clusters), 2000, 0.95, 0)
    _, low_alone, high_alone = interval(values, alone(values), 2000, 0.95, 0)
    assert high - low > 2 * (high_alone - low_alone)


def test_one_value_is_its_own_interval():
    assert interval([0.5], ["a"], 100, 0.95, 0) == (0.5, 0.5, 0.5)
