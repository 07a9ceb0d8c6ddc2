"""A stream's f0 is that of a recording."""

import numpy as np
import pytest

from autovoice.audio.f0 import extract_f0
from autovoice.audio.f0_live import MIRRORED, PAST, newest_f0
from tests.audio_files import speech

RANGE_HZ = (50.0, 1100.0)


@pytest.mark.parametrize("reader", ["june", "carlo"])
def test_the_newest_f0_is_what_a_recording_that_ends_there_has(reader: str) -> None:
    wav, n = speech(reader, 4.0), PAST + 240
    found, wanted = [], []
    for end in range(8000, len(wav), 800):  # all that was said before, where a stream has 0.22 s of it
        heard = wav[(end - n - 512) % 1280 : end]  # so that frames of 10 and of 16 ms fall together in both
        found.append(newest_f0(heard[-n:], 160, *RANGE_HZ))
        n_before = (len(heard) - 240) // 160
        wanted.append(extract_f0(np.pad(heard, (0, MIRRORED), "reflect"), 160, n_before + 2, *RANGE_HZ)[-2:])
    a, b = np.array(found), np.array(wanted)
    both = (a > 0) & (b > 0)
    assert np.array_equal(a > 0, b > 0)
    assert 0.2 < both.mean() < 1
    cents = 1200 * np.abs(np.log2(a[both] / b[both]))
    assert np.median(cents) < 0.01
    assert np.percentile(cents, 95) < 30  # where voice begins or ends, farther voiced frames were looked at


def test_silence_has_no_f0() -> None:
    assert not newest_f0(np.zeros(PAST + 240, np.float32), 160, *RANGE_HZ).any()
