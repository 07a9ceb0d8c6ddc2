"""Bootstrap intervals: seeded, covering, and wider where pairs hang together."""

import numpy as np
import pytest

from autovoice.evaluation.statistics import binomial_p, crossed_means, interval


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


def test_crossed_means_come_as_often_as_listeners_and_items_are_drawn():
    """Two listeners and two items: nine ways to draw, whose chances are products of 1/4, 1/2 and 1/4."""
    table = np.array([[1.0, 2.0], [3.0, 5.0]])
    means = crossed_means(table.ravel(), ["a", "a", "b", "b"], ["x", "y", "x", "y"], 20000, 0)
    weights = [(np.array([k, 2 - k]), (1, 2, 1)[k] / 4) for k in range(3)]
    expected: dict[float, float] = {}
    for rows, p in weights:
        for columns, q in weights:
            mean = float(rows @ table @ columns) / 4
            expected[mean] = expected.get(mean, 0) + p * q
    found = {value: float((means == value).mean()) for value in set(means)}
    assert found.keys() == expected.keys()
    assert found == pytest.approx(expected, abs=0.02)


def test_crossed_intervals_cover_the_truth_where_listeners_and_items_differ():
    covered = []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        values = rng.normal(0, 1, (12, 1)) + rng.normal(0, 1, (1, 12)) + rng.normal(0, 1, (12, 12))
        rows, columns = np.indices((12, 12)).reshape(2, -1).astype(str)
        means = crossed_means(values.ravel(), rows, columns, 400, seed)
        low, high = np.percentile(means, [2.5, 97.5])
        covered.append(low <= 0 <= high)
    assert 0.88 <= np.mean(covered) <= 0.99


def test_draws_without_any_value_are_left_out():
    means = crossed_means([1.0, 3.0], ["a", "b"], ["x", "y"], 1000, 0)
    assert set(means) <= {1.0, 1.4, 2.0, 2.6, 3.0}
    assert 500 < len(means) < 1000


def test_binomial_p_by_hand():
    assert binomial_p(5, 10) == 1.0
    assert binomial_p(9, 10) == pytest.approx(2 * 11 / 1024)
    assert binomial_p(1, 10) == binomial_p(9, 10)
    assert binomial_p(0, 0) == 1.0
