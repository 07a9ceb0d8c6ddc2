"""Diarisation error rate (DER): the share of speaking time that is given to nobody, to somebody wrong, or made up.

What it means: 0 is who-spoke-when without a fault; telephone speech of two people is at .05 to .10 for good systems.
Unit: none. Range: 0 and up. Speakers are matched so that they agree longest; a collar around every true border is not
judged. No overlapping speech: at most one speaker at a time on either side. Paper: NIST Rich Transcription 2006 plan.
Failure: ValueError where no true speech is left to judge.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

FRAMES_PER_S = 100
Segment = tuple[str, float, float]  # speaker, start and stop in seconds


@dataclass(frozen=True)
class DiarisationErrors:
    """Shares of the judged true speech: missed, false alarms, confused; der is their sum."""

    missed: float
    false_alarm: float
    confused: float

    @property
    def der(self) -> float:
        """All errors together."""
        return self.missed + self.false_alarm + self.confused


def diarisation_errors(true: list[Segment], found: list[Segment], collar_s: float = 0.25) -> DiarisationErrors:
    """true, found: segments that do not overlap -> the errors, frame by frame of 10 ms, collar_s left out on either side."""
    n_frames = round(max(stop for _, _, stop in [*true, *found]) * FRAMES_PER_S) + 1
    a, b = _labels(true, n_frames), _labels(found, n_frames)
    judged = np.ones(n_frames, bool)
    collar = round(collar_s * FRAMES_PER_S)
    for border in (round(t * FRAMES_PER_S) for _, start, stop in true for t in (start, stop)):
        judged[max(0, border - collar) : border + collar] = False
    a, b = a[judged], b[judged]
    spoken = np.count_nonzero(a)
    if not spoken:
        raise ValueError("no true speech to judge")
    agreement = np.array(
        [[np.count_nonzero((a == i) & (b == j)) for j in range(1, b.max() + 1)] for i in range(1, a.max() + 1)]
    )
    right = agreement[linear_sum_assignment(-agreement)].sum() if agreement.size else 0
    both = np.count_nonzero((a > 0) & (b > 0))
    missed, alarm = np.count_nonzero((a > 0) & (b == 0)), np.count_nonzero((a == 0) & (b > 0))
    return DiarisationErrors(float(missed / spoken), float(alarm / spoken), float((both - right) / spoken))


def _labels(segments: list[Segment], n_frames: int) -> np.ndarray:
    """(n_frames,) of 1, 2, ... for the speakers, 0 where nobody speaks."""
    number = {name: i + 1 for i, name in enumerate(dict.fromkeys(name for name, _, _ in segments))}
    labels = np.zeros(n_frames, int)
    for name, start, stop in segments:
        labels[round(start * FRAMES_PER_S) : round(stop * FRAMES_PER_S)] = number[name]
    return labels
