"""f0 of a stream's newest moments: autovoice.audio.f0.extract_f0's, on the last 0.22 s, the end mirrored.

SwiftF0's own `detect` also measures loudness, column by column: a quarter of its time for a live block, and not used here.
"""

from functools import cache

import numpy as np
from onnxruntime import InferenceSession
from swift_f0 import FRAME_PERIOD, SwiftF0

from autovoice.audio.f0 import SAMPLE_RATE, VOICED_CONFIDENCE

FRAME, SILENT_PEAK = round(FRAME_PERIOD * SAMPLE_RATE), 1e-3  # SwiftF0's own, as is the range
LEAST_HZ, MOST_HZ = 46.875, 2093.75
PAST = 13 * FRAME  # samples before the first moment, which so falls on a frame; the network sees 11 frames back
MIRRORED = 768  # samples after the last: the network trusts no frame whose window ends early
TRUSTED = 5  # last frames, which see all their past


@cache
def _session() -> InferenceSession:
    return SwiftF0(threads=1, spin=False).session


def newest_f0(wav: np.ndarray, hop_length: int, f0_min_hz: float, f0_max_hz: float) -> np.ndarray:
    """wav: mono 16 kHz (T,), T >= PAST -> f0 (2,) float32 in Hz, 0 = unvoiced, PAST and PAST + hop_length after its start."""
    least, most = (np.asarray(np.clip(f, LEAST_HZ, MOST_HZ), np.float32) for f in (f0_min_hz, f0_max_hz))
    mirrored = np.pad(wav.astype(np.float32), (0, MIRRORED), "reflect")
    found = _session().run(["pitch", "confidence"], {"audio": mirrored[None], "fmin": least, "fmax": most})
    pitch_hz, confidence = (part[0, -TRUSTED:] for part in found)
    frames = len(mirrored) // FRAME - TRUSTED + np.arange(TRUSTED)
    loud = np.abs(mirrored[: (frames[-1] + 1) * FRAME].reshape(-1, FRAME)[-TRUSTED:]).max(1) >= SILENT_PEAK
    voiced = (confidence >= VOICED_CONFIDENCE) & (pitch_hz > 0) & loud
    if not voiced.any():
        return np.zeros(2, np.float32)
    at = (PAST + np.arange(2) * hop_length) / FRAME
    log_f0 = np.interp(at, frames[voiced], np.log(pitch_hz[voiced].astype(np.float64)))
    nearest = np.clip(np.rint(at).astype(int) - frames[0], 0, TRUSTED - 1)
    return np.where(voiced[nearest], np.exp(log_f0), 0.0).astype(np.float32)
