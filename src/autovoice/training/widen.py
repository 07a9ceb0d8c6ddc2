"""Weights of a generator that speaks at one rate as the start of one that speaks at a higher rate.

The spectral bins of both must be as wide and the frames as long, so that below the old band nothing has to be learned again.
"""

import math

import torch
from torch import Tensor

from autovoice.errors import AssetError

LAST_SURE = 0.94  # of the old band: rows above it were trained on little
PER_OUTPUT = ("head.envelopes.weight", "head.envelopes.bias", "head.phase.weight", "head.phase.bias")


def _more_rows(rows: Tensor, n: int) -> Tensor:
    """rows (F, ...) -> (n, ...): those below LAST_SURE, then the last of them again and again."""
    sure = round(LAST_SURE * (len(rows) - 1))
    return torch.cat([rows[:sure], rows[sure - 1 : sure].expand(n - sure, *rows.shape[1:])])


def widened(state: dict[str, Tensor], was: tuple[int, int], now: tuple[int, int]) -> dict[str, Tensor]:
    """A generator's state for output (rate in Hz, n_fft) `was` -> the same for `now`.

    The new band begins as loud as the old one's top.

    Excitation and noise share their power between more hertz at the higher rate, which the envelopes make up for.
    Raises AssetError where a spectral bin would be wider or narrower, or the rate lower.
    """
    ratio = now[0] / was[0]
    if ratio < 1 or now[1] != was[1] * ratio:
        what = f"speaks at {was[0]} Hz with {was[1]} points, which does not widen to {now[0]} Hz with {now[1]}"
        raise AssetError(what, "pretrain.init", f"set audio.output_n_fft to {was[1] * ratio:g} at a higher rate")
    n, new = now[1] // 2 + 1, dict(state)
    for name in PER_OUTPUT:
        chunks = state[name].chunk(2 if "envelopes" in name else 1)
        new[name] = torch.cat([_more_rows(chunk, n) for chunk in chunks])
    new["head.envelopes.bias"] = new["head.envelopes.bias"] + 0.5 * math.log(ratio)
    return new
