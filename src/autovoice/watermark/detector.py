"""Finds the mark without the original: band levels at 16 kHz, freed of the voice's envelope, against the pattern at every offset.

The statistic is the correlation at the best of the period's offsets, in standard deviations of the correlation at all the
others. The pattern is pseudo-random, so in an unmarked recording every offset is alike and each is a sum over thousands of
cells: normally distributed. The threshold follows from the false alarms allowed, for the best of so many.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist

import numpy as np

from autovoice.audio.io import stream_blocks
from autovoice.audio.resample import resample
from autovoice.watermark.pattern import (
    CHIP_FRAMES,
    KEY,
    N_BANDS,
    N_CHIPS,
    PERIOD_FRAMES,
    PERIOD_S,
    SYMBOL_BANDS,
    SYNC_BANDS,
    template,
)

RATE = 16000
HOP, WINDOW = 160, 640  # 10 ms and, as the mark was put in, 40 ms
N_OFFSETS = 2 * PERIOD_FRAMES
FIRST_BIN, BINS_A_BAND = 12, 4  # of 25 Hz
AROUND_FRAMES, AROUND_BANDS = 10, 4  # the envelope is the mean over 0.21 s and nine bands
MOST_DB = 6.0  # an onset must not outweigh a hundred quiet cells
FALSE_ALARMS = 1e-4  # of unmarked recordings
SYMBOL_ERRORS = 1e-3  # of bytes that are shown although they are noise
MIN_FRAMES = 50


@dataclass
class Detection:
    """z: the statistic; false_alarm: how often an unmarked recording has as much; payload: None where it is not certain."""

    marked: bool
    z: float
    false_alarm: float
    payload: int | None


def _threshold(errors: float, n_tries: int) -> float:
    """The normal deviate that the best of n_tries exceeds with probability `errors` (union bound)."""
    return NormalDist().inv_cdf(1 - errors / n_tries)


Z_MARKED = _threshold(FALSE_ALARMS, N_OFFSETS)
Z_SYMBOL = _threshold(SYMBOL_ERRORS, N_CHIPS)


def residual(wav: np.ndarray) -> np.ndarray:
    """wav (T,) at 16 kHz -> (1 + T // HOP, N_BANDS): dB above the surroundings, the less the nearer to the noise."""
    window = np.sin(np.pi * (np.arange(WINDOW) + 0.5) / WINDOW).astype(np.float32)
    padded = np.pad(wav, (WINDOW // 2, WINDOW))
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP][: len(wav) // HOP + 1]
    bins = np.abs(np.fft.rfft(frames * window)[:, FIRST_BIN : FIRST_BIN + N_BANDS * BINS_A_BAND]) ** 2
    power = bins.reshape(len(frames), N_BANDS, BINS_A_BAND).sum(2).astype(np.float64)
    floor = max(1e-6 * float(np.percentile(power, 98)), 1e-9)
    level = 10 * np.log10(power + floor)
    level -= _mean_around(level, AROUND_FRAMES, 0)
    level -= _mean_around(level, AROUND_BANDS, 1)
    noise = 1.5 * np.percentile(power, 10, axis=0) + floor
    return np.clip(level, -MOST_DB, MOST_DB) * np.clip(1 - noise / (power + floor), 0, 1)


def _mean_around(values: np.ndarray, reach: int, axis: int) -> np.ndarray:
    """The moving mean over `reach` values on either side, the edges repeated."""
    pads = [(0, 0), (0, 0)]
    pads[axis] = (reach + 1, reach)
    total = np.cumsum(np.pad(values, pads, "edge"), axis)
    width = 2 * reach + 1
    return (np.split(total, [width], axis)[1] - np.split(total, [values.shape[axis]], axis)[0]) / width


def detect(wav: np.ndarray, sample_rate: int, key: bytes = KEY) -> Detection:
    """Looks for the mark in wav (T,), mono; under 0.5 s nothing can be said and nothing is."""
    heard = resample(wav.astype(np.float32), sample_rate, RATE)
    size = round(PERIOD_S * RATE)
    return judge(folded(heard[i : i + size] for i in range(0, len(heard), size)), key)


def detect_file(path: Path, key: bytes = KEY) -> Detection:
    """Looks for the mark in a file, channels averaged, in constant memory; raises AudioError as audio.io.load_wav."""
    return judge(folded(stream_blocks(path, RATE, PERIOD_S)), key)


def folded(periods: Iterable[np.ndarray]) -> np.ndarray:
    """Blocks of PERIOD_S at RATE, the last one shorter -> the sum of their residuals, (N_OFFSETS, N_BANDS)."""
    total = np.zeros((N_OFFSETS, N_BANDS))
    for wav in periods:
        if len(wav) >= MIN_FRAMES * HOP:
            found = residual(wav)[:N_OFFSETS]
            total[: len(found)] += found
    return total


def judge(levels: np.ndarray, key: bytes = KEY) -> Detection:
    """levels: what `folded` returns -> whether they follow the pattern of `key`, and the payload where they do."""
    frames = template(key)
    wanted = np.stack([frames, (frames + np.roll(frames, -1, 0)) / 2], 1).reshape(N_OFFSETS, N_BANDS)
    deviates = _standardised(_correlation(levels, wanted, SYNC_BANDS))
    offset = int(deviates.argmax())
    z = float(deviates[offset])
    payload = _payload(levels, wanted, offset) if z >= Z_MARKED else None
    return Detection(z >= Z_MARKED, z, min(1.0, N_OFFSETS * NormalDist().cdf(-z)), payload)


def _correlation(levels: np.ndarray, wanted: np.ndarray, bands: np.ndarray) -> np.ndarray:
    """(N_OFFSETS,): the correlation with the pattern over some bands, by how far into the period the recording begins."""
    product = np.fft.rfft(levels[:, bands], axis=0).conj() * np.fft.rfft(wanted[:, bands], axis=0)
    return np.fft.irfft(product.sum(1), N_OFFSETS)


def _standardised(correlation: np.ndarray) -> np.ndarray:
    """The correlation (n,) in standard deviations; those within a chip of the best, which the mark raises, do not count."""
    reach = 2 * CHIP_FRAMES
    others = np.roll(correlation, reach - int(correlation.argmax()))[2 * reach + 1 :]
    spread = float(others.std())
    return (correlation - others.mean()) / spread if spread > 0 else np.zeros_like(correlation)


def _payload(levels: np.ndarray, wanted: np.ndarray, offset: int) -> int | None:
    """The bytes by the shift of each of the odd bands' patterns against the even ones'; None if any is weak."""
    places = (offset - 2 * CHIP_FRAMES * np.arange(N_CHIPS)) % N_OFFSETS
    values = []
    for bands in SYMBOL_BANDS:
        deviates = _standardised(_correlation(levels, wanted, bands))[places]
        values.append(int(deviates.argmax()))
        if deviates[values[-1]] < Z_SYMBOL:
            return None
    return int.from_bytes(bytes(values), "big")
