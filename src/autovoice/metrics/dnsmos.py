"""DNSMOS P.835: predicted opinion of the signal (SIG), the background (BAK) and the whole (OVRL), without a reference.

What it means: what listeners would answer in an ITU-T P.835 test on a scale from 1 (bad) to 5 (excellent); clean read
speech scores about 3.2 OVRL. It was trained on noise suppression, so buzz and smeared formants hardly lower it.
Unit: MOS. Range: 1 to 5, higher is better. Paper: Reddy et al. 2022, "DNSMOS P.835: A Non-intrusive Perceptual
Objective Speech Quality Metric to Evaluate Noise Suppressors". The network is the one that speechmos bundles, windows
and polynomials as there (the P.808 network beside it is not run): 9.01 s windows every second; shorter audio is
repeated. Windows share the work that they have in common (dnsmos_network), which leaves the result as it is.
Failure: audio beyond full scale is scaled to it (the network knows no such samples); NaN for empty audio or silence.
"""

from typing import NamedTuple

import numpy as np

from autovoice.audio.loudness import SILENCE_DBFS, rms_dbfs
from autovoice.metrics.dnsmos_network import SAMPLE_RATE, WINDOW_S, raw_answers

# Polynomials from the network's raw answers to P.835 scores (the paper's published code), highest power first.
SIG = (-0.08397278, 1.22083953, 0.0052439)
BAK = (-0.13166888, 1.60915514, -0.39604546)
OVRL = (-0.06766283, 1.11546468, 0.04602535)


class DnsMos(NamedTuple):
    """Three predicted mean opinion scores, 1 to 5."""

    ovrl: float
    sig: float
    bak: float


def dnsmos(wav: np.ndarray) -> DnsMos:
    """wav (T,) mono 16 kHz at its own level -> predicted OVRL, SIG and BAK, the means over its windows."""
    wav = np.asarray(wav, np.float32)
    if not len(wav) or not np.isfinite(wav).all() or rms_dbfs(wav) <= SILENCE_DBFS:
        return DnsMos(float("nan"), float("nan"), float("nan"))
    wav = wav / max(1.0, float(np.abs(wav).max()))
    size = int(WINDOW_S * SAMPLE_RATE)
    while len(wav) < size:
        wav = np.concatenate([wav, wav])
    sig, bak, ovrl = raw_answers(wav).astype(np.float64).T
    return DnsMos(*(float(np.polyval(fit, x).mean()) for fit, x in ((OVRL, ovrl), (SIG, sig), (BAK, bak))))
