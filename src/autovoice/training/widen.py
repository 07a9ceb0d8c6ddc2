"""Weights of a generator that speaks at one rate, in one length of frames, as the start of another's.

Of another length, the filters are read off between the old bins: what such frames do to time and frequency has to be learned.
At a higher rate the bins stay as wide, so that below the old band nothing has to be learned again.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from autovoice.errors import AssetError

LAST_SURE = 0.94  # of the old band: rows above it were trained on little
PER_OUTPUT = ("head.envelopes.weight", "head.envelopes.bias", "head.phase.weight", "head.phase.bias")


def _more_rows(rows: Tensor, n: int) -> Tensor:
    """rows (F, ...) -> (n, ...): those below LAST_SURE, then the last of them again and again."""
    sure = round(LAST_SURE * (len(rows) - 1))
    return torch.cat([rows[:sure], rows[sure - 1 : sure].expand(n - sure, *rows.shape[1:])])


def _rows_between(rows: Tensor, n: int) -> Tensor:
    """rows (F, ...) of bins from 0 Hz to the band's end -> (n, ...) of as many other bins in between."""
    if n == len(rows):
        return rows
    lines = rows.reshape(len(rows), -1).T[None]
    return F.interpolate(lines, n, mode="linear", align_corners=True)[0].T.reshape(n, *rows.shape[1:])


def widened(state: dict[str, Tensor], was: tuple[int, int], now: tuple[int, int]) -> dict[str, Tensor]:
    """A generator's state for output (rate in Hz, n_fft) `was` -> the same for `now`.

    A new band begins as loud as the old one's top. Excitation and noise share their power between more hertz at the higher
    rate, which the envelopes make up for. Raises AssetError where the rate is lower.
    """
    ratio = now[0] / was[0]
    if ratio < 1:
        what = f"speaks at {was[0]} Hz, which does not widen to {now[0]} Hz"
        raise AssetError(what, "pretrain.init", f"set audio.output_rate to {was[0]} or more")
    n_old, n_new, new = round(now[1] / ratio) // 2 + 1, now[1] // 2 + 1, dict(state)
    for name in PER_OUTPUT:
        chunks = [_rows_between(chunk, n_old) for chunk in state[name].chunk(2 if "envelopes" in name else 1)]
        new[name] = torch.cat([_more_rows(chunk, n_new) if ratio > 1 else chunk for chunk in chunks])
    new["head.envelopes.bias"] = new["head.envelopes.bias"] + 0.5 * math.log(ratio)
    return new
