"""Metrics that add up over a validation loop, on several devices too: classes of torchmetrics around the functions beside.

    similarity = MeanMetricOf(lambda result, reference: cosine(secs_embedding(result), secs_embedding(reference)))
    similarity.update(result, reference)
    similarity.compute()  # tensor; similarity.n_failed says how many items could not be measured

An item that cannot be measured (NaN) is counted, never taken as zero; without a single good item the result is NaN.
"""

from collections.abc import Callable
from typing import Any

import jiwer
import torch
from torchmetrics import Metric

from autovoice.metrics.asr import normalise_english
from autovoice.metrics.pitch import estimate_shift_st, f0_rmse_cents, shifted
from autovoice.metrics.speaker import cosine


class MeanMetricOf(Metric):
    """The mean of a function over items.

    metric: any function of autovoice.metrics that gives a float, NaN for a failure.
    """

    full_state_update = False
    total: torch.Tensor
    n: torch.Tensor
    n_failed: torch.Tensor

    def __init__(self, metric: Callable[..., float], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.metric = metric
        self.add_state("total", torch.tensor(0.0, dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("n", torch.tensor(0), dist_reduce_fx="sum")
        self.add_state("n_failed", torch.tensor(0), dist_reduce_fx="sum")

    def update(self, *item: Any) -> None:
        """One item: the arguments of the function."""
        value = float(self.metric(*item))
        good = value == value and abs(value) != float("inf")
        if good:
            self.total += value
        self.n += good
        self.n_failed += not good

    def compute(self) -> torch.Tensor:
        """The mean over the items that could be measured."""
        return self.total / self.n if self.n else self.total * torch.nan


class SpeakerSimilarity(MeanMetricOf):
    """Mean cosine of two recordings' embeddings. update(result, reference): (T,) float32 mono 16 kHz."""

    def __init__(self, embedding: Callable[..., Any], **kwargs: Any) -> None:
        super().__init__(lambda result, reference: cosine(embedding(result), embedding(reference)), **kwargs)


class PitchError(MeanMetricOf):
    """Mean f0 RMSE in cents after the measured shift. update(f0_source, f0_converted): (n,) Hz every 10 ms, 0 = unvoiced."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(_pitch_error_cents, **kwargs)


def _pitch_error_cents(f0_source: Any, f0_converted: Any) -> float:
    shift_st = estimate_shift_st(f0_source, f0_converted)
    return f0_rmse_cents(shifted(f0_source, shift_st), f0_converted) if shift_st == shift_st else float("nan")


class ErrorRate(Metric):
    """CER or WER of a whole corpus: all edits over the length of all references (not the mean over items).

    unit: "char" or "word". update(reference, hypothesis): English texts; references without words are left out.
    """

    full_state_update = False
    edits: torch.Tensor
    length: torch.Tensor

    def __init__(self, unit: str = "char", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if unit not in ("char", "word"):
            raise ValueError(f"unit is {unit!r}; choose char or word")
        self.unit = unit
        self.add_state("edits", torch.tensor(0), dist_reduce_fx="sum")
        self.add_state("length", torch.tensor(0), dist_reduce_fx="sum")

    def update(self, reference: str, hypothesis: str) -> None:
        """One pair of texts."""
        reference, hypothesis = normalise_english(reference), normalise_english(hypothesis)
        if not reference:
            return
        process = jiwer.process_characters if self.unit == "char" else jiwer.process_words
        found = process(reference, hypothesis)
        self.edits += found.substitutions + found.deletions + found.insertions
        self.length += found.substitutions + found.deletions + found.hits

    def compute(self) -> torch.Tensor:
        """Edits over reference length; NaN without a reference."""
        return self.edits / self.length if self.length else torch.tensor(torch.nan)
