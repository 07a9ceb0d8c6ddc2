"""A stream's f0 is that of a recording."""

import numpy as np
import pytest

from autovoice.audio.f0 import extract_f0
from autovoice.audio.f0_live import newest_f0
from tests.audio_files import speech


@pytest.mark.parametrize("reader", ["june", "carlo"])
def test_the_newest_f0_is_what_a_recording_has_there(reader: str) -> None:
    wav, n = speech(reader, 4.0), 5300
    found, wanted = [], []
    for start in range(0, len(wav) - n, 1600):
        heard, at = wav[start : start + n], 25
        found.append(newest_f0(heard, (at + np.arange(2)) / 100, 50.0, 1100.0))
        wanted.append(extract_f0(heard, 160, at + 2, 50.0, 1100.0)[at:])
    assert np.array_equal(found, wanted)
    assert 0.2 < np.mean(np.concatenate(found) > 0) < 1


def test_silence_has_no_f0() -> None:
    assert not newest_f0(np.zeros(5300, np.float32), np.arange(2) / 100, 50.0, 1100.0).any()
