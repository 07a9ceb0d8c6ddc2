"""DNSMOS P.835: predicted opinion of the signal (SIG), the background (BAK) and the whole (OVRL), without a reference.

What it means: what listeners would answer in an ITU-T P.835 test on a scale from 1 (bad) to 5 (excellent); clean read
speech scores about 3.2 OVRL. It was trained on noise suppression, so buzz and smeared formants hardly lower it.
Unit: MOS. Range: 1 to 5, higher is better. Paper: Reddy et al. 2022, "DNSMOS P.835: A Non-intrusive Perceptual
Objective Speech Quality Metric to Evaluate Noise Suppressors". The network is the one that speechmos bundles, windows
and polynomials as there (the P.808 network beside it is not run): 9.01 s windows every second; shorter audio is
repeated. Failure: audio beyond full scale is scaled to it (the network knows no such samples); NaN for empty audio or
silence.
"""

import importlib.util
import os
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnxruntime

from autovoice.audio.loudness import SILENCE_DBFS, rms_dbfs

SAMPLE_RATE = 16000
WINDOW_S = 9.01
# Polynomials from the network's raw answers to P.835 scores (the paper's published code), highest power first.
SIG = (-0.08397278, 1.22083953, 0.0052439)
BAK = (-0.13166888, 1.60915514, -0.39604546)
OVRL = (-0.06766283, 1.11546468, 0.04602535)


class DnsMos(NamedTuple):
    """Three predicted mean opinion scores, 1 to 5."""

    ovrl: float
    sig: float
    bak: float


@cache
def _session(process: int) -> onnxruntime.InferenceSession:
    package = importlib.util.find_spec("speechmos")
    if package is None or not package.submodule_search_locations:
        raise ImportError("speechmos is not installed")
    path = Path(next(iter(package.submodule_search_locations))) / "dnsmos_models" / "sig_bak_ovr.onnx"
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def dnsmos(wav: np.ndarray) -> DnsMos:
    """wav (T,) mono 16 kHz at its own level -> predicted OVRL, SIG and BAK, the means over its windows."""
    wav = np.asarray(wav, np.float32)
    if not len(wav) or not np.isfinite(wav).all() or rms_dbfs(wav) <= SILENCE_DBFS:
        return DnsMos(float("nan"), float("nan"), float("nan"))
    wav = wav / max(1.0, float(np.abs(wav).max()))
    size = int(WINDOW_S * SAMPLE_RATE)
    while len(wav) < size:
        wav = np.concatenate([wav, wav])
    n_windows = int(len(wav) // SAMPLE_RATE - WINDOW_S) + 1
    windows = [wav[i * SAMPLE_RATE : i * SAMPLE_RATE + size] for i in range(n_windows)]
    raw = [
        _session(os.getpid()).run(None, {"input_1": window[None]})[0][0] for window in windows if len(window) == size
    ]
    sig, bak, ovrl = np.asarray(raw, np.float64).T
    return DnsMos(*(float(np.polyval(fit, x).mean()) for fit, x in ((OVRL, ovrl), (SIG, sig), (BAK, bak))))
