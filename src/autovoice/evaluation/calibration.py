"""What a similarity means on this very corpus: its place between strangers and the same person, and who would be accepted.

Trials are made of the evaluation's own recordings: the references of each target against other recordings of the target (same
speaker) and against the sources and references of other people (different speakers).
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from autovoice.evaluation.rows import Row
from autovoice.metrics.speaker import cosine

ENCODERS = ("secs", "campp")
MIN_TRIALS = 2  # of each kind


@dataclass
class Calibration:
    """Means of trials of one encoder, its equal error rate, and the threshold where both errors are equal."""

    same: float
    different: float
    n_same: int
    n_different: int
    eer: float
    threshold: float

    def place(self, score: float) -> float:
        """0 = as a stranger, 1 = as the same person."""
        return (score - self.different) / (self.same - self.different)


def equal_error_rate(same: np.ndarray, different: np.ndarray) -> tuple[float, float]:
    """Scores of both kinds of trials -> (EER 0 to 1, threshold): where as many strangers are accepted as friends refused."""
    thresholds = np.unique(np.concatenate([same, different]))
    refused = np.array([(same < t).mean() for t in thresholds])
    accepted = np.array([(different >= t).mean() for t in thresholds])
    best = int(np.abs(refused - accepted).argmin())
    return float((refused[best] + accepted[best]) / 2), float(thresholds[best])


def trials(rows: list[Row], encoder: str) -> tuple[list[float], list[float]]:
    """(same-speaker scores, different-speaker scores), each pair of recordings once."""
    references: dict[Any, tuple[str, np.ndarray]] = {}
    same: dict[Any, float] = {}
    others: dict[Any, tuple[str, np.ndarray]] = {}
    for row in rows:
        pair, own = row.pair, row.embeddings.get(encoder, {})
        if "refs" in own:
            references[pair.target_refs] = (pair.target_speaker or str(pair.target_refs[0]), own["refs"])
            if "ceiling" in own and pair.ceiling_refs:
                same[pair.target_refs, pair.ceiling_refs] = cosine(own["refs"], own["ceiling"])
        if "source" in own:
            others[pair.source] = (pair.source_speaker or str(pair.source), own["source"])
    others |= references
    different = [
        cosine(a, b) for who, a in references.values() for other, b in others.values() if who != other and a is not b
    ]
    return list(same.values()), different


def calibrate(rows: list[Row]) -> dict[str, dict[str, Any]]:
    """encoder -> its Calibration; puts secs_place and campp_place into rows whose score is known.

    An encoder without enough trials is left out, and so are its places.
    """
    found = {}
    for encoder in ENCODERS:
        same, different = trials(rows, encoder)
        if min(len(same), len(different)) < MIN_TRIALS or np.mean(same) <= np.mean(different):
            continue
        eer, threshold = equal_error_rate(np.array(same), np.array(different))
        means = float(np.mean(same)), float(np.mean(different))
        calibration = Calibration(*means, len(same), len(different), eer, threshold)
        for row in rows:
            score = row.values.get(encoder)
            if score is not None:
                row.put(f"{encoder}_place", calibration.place(score))
        found[encoder] = {key: round(v, 6) if isinstance(v, float) else v for key, v in asdict(calibration).items()}
    return found


def accepted(rows: list[Row], calibrations: dict[str, dict[str, Any]]) -> dict[str, float | None]:
    """encoder_accepted -> share of the rows that score over the encoder's EER threshold: taken for the target."""
    shares: dict[str, float | None] = {}
    for encoder, calibration in calibrations.items():
        scores = [score for row in rows if (score := row.values.get(encoder)) is not None]
        if scores:
            shares[f"{encoder}_accepted"] = round(float(np.mean(np.array(scores) >= calibration["threshold"])), 6)
    return shares
