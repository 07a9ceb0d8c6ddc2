"""What a similarity means: trials from the evaluation's own recordings, EER, and the place between strangers and friends."""

from pathlib import Path

import numpy as np
import pytest

from autovoice.evaluation.calibration import accepted, calibrate, equal_error_rate
from autovoice.evaluation.pairs import Pair
from autovoice.evaluation.rows import Row


def person(rng):
    """A direction that is a voice, and recordings of it around that direction."""
    centre = rng.normal(size=64)
    return lambda: centre + 0.3 * rng.normal(size=64)


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    people = {name: person(rng) for name in "abcdef"}
    found = []
    for source, target in zip("abcdef", "bcdefa", strict=True):
        paths = [Path(f"{target}{i}.wav") for i in range(2)]
        pair = Pair(2, Path(f"{source}.wav"), (paths[0],), Path("c.wav"), (paths[1],))
        pair.source_speaker, pair.target_speaker = source, target
        row = Row(pair)
        row.embeddings["secs"] = {"refs": people[target](), "ceiling": people[target](), "source": people[source]()}
        found.append(row)
    return found


def test_error_rates_of_known_scores():
    assert equal_error_rate(np.array([0.8, 0.9]), np.array([0.1, 0.2])) == (0, 0.8)
    eer, threshold = equal_error_rate(np.array([0.2, 0.8, 0.9, 0.7]), np.array([0.1, 0.75, 0.3, 0.0]))
    assert eer == pytest.approx(0.25)
    assert 0.3 < threshold <= 0.75
    same, different = np.random.default_rng(0).normal([[2.0], [0.0]], 1.0, (2, 4000))
    assert equal_error_rate(same, different)[0] == pytest.approx(0.159, abs=0.015)  # Phi(-1)


def test_places_run_from_strangers_to_the_same_person(rows):
    calibration = calibrate(rows)["secs"]
    assert calibration["n_same"] == 6
    assert calibration["n_different"] > 20
    assert calibration["same"] > 0.85 > 0.4 > calibration["different"]
    rows[0].put("secs", calibration["same"])
    rows[1].put("secs", calibration["different"])
    found = calibrate(rows)
    assert rows[0].values["secs_place"] == pytest.approx(1, abs=1e-4)
    assert rows[1].values["secs_place"] == pytest.approx(0, abs=1e-4)
    assert "secs_place" not in rows[2].values
    assert accepted(rows, found) == {"secs_accepted": 0.5}


def test_without_other_recordings_of_the_target_there_is_no_place(rows):
    for row in rows:
        row.pair.ceiling_refs = ()
        row.put("secs", 0.5)
    assert calibrate(rows) == {}
    assert "secs_place" not in rows[0].values
