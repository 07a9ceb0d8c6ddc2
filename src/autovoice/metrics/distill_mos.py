"""Distill-MOS ("dmos"): predicted opinion of naturalness and quality, without a reference.

What it means: the mean opinion that a small network, distilled from a large self-supervised one, predicts for a
recording; good synthetic speech scores about 4.7, poor about 2.8. It hears buzz and smear that DNSMOS does not.
Unit: MOS. Range: 1 to 5, higher is better. Paper: Stahl and Gamper 2025, "Distillation and Pruning for Scalable
Self-Supervised Representation-Based Speech Quality Assessment". Weights: in the distillmos package.
Audio is cut into overlapping 7.68 s windows; shorter audio is padded with zeros. Failure: NaN for empty audio or
silence.
"""

import contextlib
import io
from functools import cache

import numpy as np
import torch

from autovoice import torchaudio_compat  # noqa: F401  (distillmos imports torchaudio)
from autovoice.audio.loudness import SILENCE_DBFS, rms_dbfs


@cache
def _network() -> torch.nn.Module:
    from distillmos import ConvTransformerSQAModel

    with contextlib.redirect_stdout(io.StringIO()):  # it prints the path of its weights
        return ConvTransformerSQAModel().eval()


def distill_mos(wav: np.ndarray) -> float:
    """wav (T,) mono 16 kHz, any level -> predicted MOS, 1 to 5."""
    wav = np.asarray(wav, np.float32)
    if not len(wav) or not np.isfinite(wav).all() or rms_dbfs(wav) <= SILENCE_DBFS:
        return float("nan")
    with torch.inference_mode():
        return float(_network()(torch.from_numpy(wav)[None])[0, 0])
