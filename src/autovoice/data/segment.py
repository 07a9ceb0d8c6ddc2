"""Cuts a recording into segments of speech: silence trimmed, long ones parted at pauses."""

import itertools

import numpy as np

MARGIN_S = 0.1  # kept before and after speech: onsets are quiet
FRAME_S = 0.01


def _level_db(wav: np.ndarray, sample_rate: int) -> np.ndarray:
    size = int(FRAME_S * sample_rate)
    frames = wav[: len(wav) // size * size].reshape(-1, size)
    power = np.mean(np.square(frames, dtype=np.float64), 1)
    smooth = np.convolve(power, np.ones(5) / 5, "same")
    return 10 * np.log10(np.maximum(smooth, 1e-12))


def trim(wav: np.ndarray, sample_rate: int, trim_db: float) -> tuple[np.ndarray, int]:
    """wav (T,) -> (wav without leading and trailing frames more than trim_db under the loud ones, first sample kept)."""
    level = _level_db(wav, sample_rate)
    if not len(level):
        return wav, 0
    active = np.flatnonzero(level > np.percentile(level, 95) - trim_db)
    size, margin = int(FRAME_S * sample_rate), int(MARGIN_S * sample_rate)
    start = max(0, active[0] * size - margin)
    return wav[start : (active[-1] + 1) * size + margin], int(start)


def cut_points(wav: np.ndarray, sample_rate: int, max_s: float) -> list[int]:
    """Samples at which to part wav so that no piece is longer than max_s: the quietest moment in each second half."""
    size, cuts, start = int(max_s * sample_rate), [], 0
    level, frame = _level_db(wav, sample_rate), int(FRAME_S * sample_rate)
    while len(wav) - start > size:
        low, high = (start + size // 2) // frame, (start + size) // frame
        start = (low + int(np.argmin(level[low:high]))) * frame
        cuts.append(start)
    return cuts


def segments_of(
    wav: np.ndarray, sample_rate: int, min_s: float, max_s: float, trim_db: float
) -> list[tuple[int, np.ndarray]]:
    """(first sample, wav) of each segment of min_s to max_s; a shorter rest is left to the segment before it if that fits."""
    trimmed, offset = trim(wav, sample_rate, trim_db)
    bounds = [0, *cut_points(trimmed, sample_rate, max_s), len(trimmed)]
    pieces = []
    for a, b in itertools.pairwise(bounds):
        piece, lead = trim(trimmed[a:b], sample_rate, trim_db)
        if len(piece) >= min_s * sample_rate:
            pieces.append((offset + a + lead, piece))
    return pieces
