"""Cuts a speaker's turns out of a recording, and lays what they became back in place, with crossfades."""

import itertools

import numpy as np

from autovoice.diarise.turns import Turn

PAD_FRAMES = 10  # around a turn: its breath and its last sound
GRID = 2  # frames: a content frame, and a whole number of samples at either rate
MARGIN_FRAMES = 2  # that are converted beyond a place, to fade over
GAP_FRAMES = 20  # of silence between the pieces that are converted together
FADE_S = 0.01

Place = tuple[int, int]  # frames from, up to


def places_of(turns: list[Turn], n_frames: int) -> list[Place]:
    """Where each turn is replaced: 0.1 s around it, but no further than half-way to the next; on content frames."""
    middles = [(a.stop + b.start) / 2 for a, b in itertools.pairwise(turns)]
    firsts, lasts = [0.0, *middles], [*middles, float(n_frames)]
    edges = [
        (max(turn.start - PAD_FRAMES, first), min(turn.stop + PAD_FRAMES, last))
        for turn, first, last in zip(turns, firsts, lasts, strict=True)
    ]
    whole = n_frames // GRID * GRID
    return [(round(a / GRID) * GRID, min(round(b / GRID) * GRID, whole)) for a, b in edges]


def with_margin(place: Place, n_frames: int) -> Place:
    """The place and some frames on either side, within n_frames."""
    return max(0, place[0] - MARGIN_FRAMES), min(n_frames // GRID * GRID, place[1] + MARGIN_FRAMES)


def cut(wav: np.ndarray, pieces: list[Place], hop_length: int) -> np.ndarray:
    """wav (T,) -> its pieces end to end, faded, each followed by 0.2 s of silence."""
    gap, parts = np.zeros(GAP_FRAMES * hop_length, np.float32), []
    for start, stop in pieces:
        piece = wav[start * hop_length : stop * hop_length]
        parts += [piece * fade(len(piece), 0, len(piece), hop_length // 2), gap]
    return np.concatenate(parts)


def pieces_in(joined: np.ndarray, pieces: list[Place], hop_length: int) -> list[np.ndarray]:
    """What cut joined, at another rate: hop_length samples a frame."""
    found, at = [], 0
    for start, stop in pieces:
        n = (stop - start) * hop_length
        found.append(joined[at : at + n])
        at += n + GAP_FRAMES * hop_length
    return found


def lay(out: np.ndarray, original: np.ndarray, part: np.ndarray, at: int, edges: tuple[int, int], n_fade: int) -> None:
    """Replaces original by part, which begins at sample `at`, in out, between edges: samples of the whole.

    Two neighbours fade into each other; beyond n_fade / 2 of its edges nothing is touched.
    """
    where = slice(at, at + len(part))
    out[where] += fade(len(part), edges[0] - at, edges[1] - at, n_fade) * (part - original[where])


def fade(n: int, start: int, stop: int, n_fade: int) -> np.ndarray:
    """Gain (n,) float32: 0, up over n_fade samples around `start`, 1, down around `stop`, 0."""
    t = np.arange(n) + 0.5
    up, down = (t - start) / n_fade + 0.5, (stop - t) / n_fade + 0.5
    return np.clip(np.minimum(up, down), 0, 1).astype(np.float32)
