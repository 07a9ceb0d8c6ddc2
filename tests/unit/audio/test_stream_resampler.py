"""Another rate block by block: the same samples whatever the blocks are, near the ideal, and never later than said."""

import numpy as np
import pytest

from autovoice.audio.stream_resampler import StreamResampler

RATES = [
    (48000, 16000),
    (44100, 16000),
    (24000, 16000),
    (8000, 16000),
    (24000, 48000),
    (24000, 44100),
    (24000, 22050),
    (47999, 16000),
]


def tone(rate: int, f_hz: float, duration_s: float = 1.0) -> np.ndarray:
    return np.sin(2 * np.pi * f_hz * np.arange(round(rate * duration_s)) / rate).astype(np.float32)


def through(old: int, new: int, wav: np.ndarray, block: int) -> np.ndarray:
    made = StreamResampler(old, new)
    parts = [made.push(wav[i : i + block]) for i in range(0, len(wav), block)]
    return np.concatenate([*parts, made.finish()])


@pytest.mark.parametrize(("old", "new"), RATES)
def test_a_tone_stays_itself_and_as_long(old: int, new: int) -> None:
    for f_hz in (100.0, 0.38 * min(old, new)):
        out = through(old, new, tone(old, f_hz), old // 50)
        wanted = tone(new, f_hz)
        assert len(out) == len(wanted)
        middle = slice(new // 10, -new // 10)
        assert np.abs(out - wanted)[middle].max() < 2e-3


@pytest.mark.parametrize(("old", "new"), [(48000, 16000), (44100, 16000), (24000, 16000)])
def test_what_the_new_rate_cannot_hold_is_gone(old: int, new: int) -> None:
    out = through(old, new, tone(old, 0.55 * new), old // 50)
    assert np.abs(out[new // 10 : -new // 10]).max() < 1e-3


@pytest.mark.parametrize(("old", "new"), RATES)
def test_blocks_of_any_size_give_the_same_samples(old: int, new: int) -> None:
    wav = np.random.default_rng(0).standard_normal(old // 4).astype(np.float32)
    whole = through(old, new, wav, len(wav))
    for block in (1, 77, old // 50) if old < 44100 else (77, old // 50):
        assert np.array_equal(through(old, new, wav, block), whole)


@pytest.mark.parametrize(("old", "new"), RATES)
def test_it_is_late_by_what_it_says_and_by_a_few_milliseconds(old: int, new: int) -> None:
    made, n, out = StreamResampler(old, new), round(old / 50), 0
    assert made.late / new <= 0.0045
    for number in range(1, 100):
        out += len(made.push(np.zeros(n, np.float32)))
        assert 0 <= number * n * new / old - out <= made.late + 1
