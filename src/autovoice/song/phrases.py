"""Where somebody sings: the stretches of a vocal stem that are converted, and the gate that leaves the rest as it was."""

import itertools
from dataclasses import dataclass

import numpy as np

from autovoice.analysis import Analysis

FRAMES_PER_S = 100
ACTIVE_DB = -40.0  # re the vocal's active level: under it the converter is silent too; a breath is louder
BREATH_FRAMES = 50  # what sounds within half a second of a voiced note is part of it
MIN_VOICED_FRAMES = 10
PAD_FRAMES = 8
RAMP_FRAMES = 4  # of the gate
MIN_GAP_FRAMES, MAX_PHRASE_FRAMES = 200, 6000  # phrases are joined over shorter gaps, and cut where they are longer


@dataclass(frozen=True)
class Phrase:
    """Frames of 10 ms from start up to stop, converted at once."""

    start: int
    stop: int


def sung(analysis: Analysis, level_dbfs: float) -> np.ndarray:
    """-> (T,) bool: frames of singing: what sounds, and lies within half a second of at least 0.1 s of pitch.

    analysis: of the vocal stem, its loudness at level_dbfs.
    """
    sounds = 20 * (analysis.loudness - 1.5) > level_dbfs + ACTIVE_DB
    found = np.zeros(len(sounds), bool)
    for start, stop in _runs(_closed(sounds, BREATH_FRAMES)):
        if np.count_nonzero(sounds[start:stop] & (analysis.f0[start:stop] > 0)) >= MIN_VOICED_FRAMES:
            found[max(0, start - PAD_FRAMES) : stop + PAD_FRAMES] = True
    return found


def voiced_share(analysis: Analysis, level_dbfs: float) -> float:
    """Share of the sounding frames that have a pitch, 0 where nothing sounds."""
    sounds = 20 * (analysis.loudness - 1.5) > level_dbfs + ACTIVE_DB
    return float((analysis.f0[sounds] > 0).mean()) if sounds.any() else 0.0


def find_phrases(singing: np.ndarray, loudness: np.ndarray) -> list[Phrase]:
    """singing (T,) bool and loudness (T,) -> phrases, two seconds apart or cut at the quietest frame after 30 s."""
    phrases = []
    for start, stop in _runs(_closed(singing, MIN_GAP_FRAMES)):
        while stop - start > MAX_PHRASE_FRAMES:
            middle = start + MAX_PHRASE_FRAMES // 2
            cut = middle + int(loudness[middle : start + MAX_PHRASE_FRAMES].argmin())
            phrases.append(Phrase(start, cut))
            start = cut
        phrases.append(Phrase(start, stop))
    return phrases


class Gate:
    """1 where somebody sings, 0 elsewhere, with ramps of 40 ms within the singing, at any sample of the song."""

    def __init__(self, singing: np.ndarray, sample_rate: int) -> None:
        self.sample_rate = sample_rate
        width = 2 * RAMP_FRAMES + 1
        padded = np.pad(singing, RAMP_FRAMES, constant_values=False)
        eroded = np.convolve(padded, np.ones(width), "valid") > width - 0.5
        self.frames = np.convolve(np.pad(eroded, RAMP_FRAMES), np.ones(width) / width, "valid")

    def at(self, start: int, n: int) -> np.ndarray:
        """Gain (n,) float32 from sample `start` of the song."""
        at = (start + np.arange(n)) * (FRAMES_PER_S / self.sample_rate)
        return np.interp(at, np.arange(len(self.frames)), self.frames, right=0.0).astype(np.float32)


def _closed(mask: np.ndarray, gap: int) -> np.ndarray:
    """The mask with gaps shorter than `gap` between two runs filled."""
    closed, runs = mask.copy(), _runs(mask)
    for (_, before), (after, _) in itertools.pairwise(runs):
        if after - before < gap:
            closed[before:after] = True
    return closed


def _runs(mask: np.ndarray) -> list[tuple[int, int]]:
    """[start, stop) of each run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(np.int8), [0]])))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]
