"""From windows to turns: the likeliest speaker of each frame, who changes rarely and rather where it is quiet."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from autovoice.audio.runs import runs
from autovoice.diarise.speech import Heard

CHANGE_QUIET, CHANGE_LOUD = 0.5, 6.0  # what a change of speakers costs, in cosine times frames
LOUD_RANGE_DB = 30.0
GAP_FRAMES = 50  # shorter pauses of one speaker are within a turn


@dataclass(frozen=True)
class Turn:
    """Frames of 10 ms from start up to stop, in which `speaker` (0 is who speaks first) speaks."""

    speaker: int
    start: int
    stop: int


def find_turns(heard: Heard, windows: Sequence[tuple[int, int]], embs: np.ndarray, centres: np.ndarray) -> list[Turn]:
    """windows: [start, stop) frames in order, embs: their unit vectors (n, D), centres (K, D) -> turns in order of time."""
    spoken = np.concatenate([np.arange(a, b) for a, b in heard.stretches])
    middles, scores = np.array([(a + b) / 2 for a, b in windows]), embs @ centres.T
    frame_scores = np.stack([np.interp(spoken, middles, column) for column in scores.T], 1)
    loud_db = np.percentile(heard.level_db[spoken], 95)
    quietness = np.clip((loud_db - heard.level_db[spoken]) / LOUD_RANGE_DB, 0, 1)
    costs = CHANGE_LOUD + (CHANGE_QUIET - CHANGE_LOUD) * quietness
    costs[1:][np.diff(spoken) > 1] = CHANGE_QUIET  # over a pause
    path = likeliest(frame_scores, costs)
    labels = np.full(len(heard.level_db), -1)
    labels[spoken] = path
    return in_order(_joined(labels))


def likeliest(scores: np.ndarray, costs: np.ndarray) -> np.ndarray:
    """scores (T, K), costs (T,) of a change before each frame -> labels (T,) of the best sum (Viterbi)."""
    total, came_from = scores[0].astype(float), np.zeros(scores.shape, np.int16)
    stay = np.arange(scores.shape[1])
    for t in range(1, len(scores)):
        best = int(total.argmax())
        changed = total[best] - costs[t] > total
        came_from[t] = np.where(changed, best, stay)
        total = np.where(changed, total[best] - costs[t], total) + scores[t]
    path = np.empty(len(scores), int)
    path[-1] = total.argmax()
    for t in range(len(scores) - 1, 0, -1):
        path[t - 1] = came_from[t, path[t]]
    return path


def _joined(labels: np.ndarray) -> list[Turn]:
    """labels (T,), -1 in pauses -> turns, those of one speaker joined over gaps in which nobody speaks."""
    found = sorted((a, b, int(name)) for name in np.unique(labels[labels >= 0]) for a, b in runs(labels == name))
    turns: list[Turn] = []
    for start, stop, speaker in found:
        last = turns[-1] if turns else None
        if last and last.speaker == speaker and start - last.stop < GAP_FRAMES:
            turns[-1] = Turn(speaker, last.start, stop)
        else:
            turns.append(Turn(speaker, start, stop))
    return turns


def in_order(turns: list[Turn]) -> list[Turn]:
    """The same turns with speakers numbered in the order in which they first speak."""
    number = {speaker: i for i, speaker in enumerate(dict.fromkeys(turn.speaker for turn in turns))}
    return [Turn(number[turn.speaker], turn.start, turn.stop) for turn in turns]
