"""f0 of a stream's newest moments, as autovoice.audio.f0.extract_f0 has them, in three quarters of its time.

SwiftF0's own `detect` also measures loudness, column by column: a quarter of its time for a live block, and not used here.
"""

from functools import cache

import numpy as np
from onnxruntime import InferenceSession
from swift_f0 import FRAME_PERIOD, SwiftF0

from autovoice.audio.f0 import SAMPLE_RATE, VOICED_CONFIDENCE

FRAME, SILENT_PEAK = round(FRAME_PERIOD * SAMPLE_RATE), 1e-3  # SwiftF0's own, as is the range
LEAST_HZ, MOST_HZ = 46.875, 2093.75


@cache
def _session() -> InferenceSession:
    return SwiftF0(threads=1, spin=False).session


def newest_f0(wav: np.ndarray, times_s: np.ndarray, f0_min_hz: float, f0_max_hz: float) -> np.ndarray:
    """wav: mono 16 kHz (T,), at most a second; times_s (n,) in it -> f0 (n,) float32 in Hz, 0 = unvoiced."""
    least, most = (np.asarray(np.clip(f, LEAST_HZ, MOST_HZ), np.float32) for f in (f0_min_hz, f0_max_hz))
    asked = {"audio": wav[None].astype(np.float32), "fmin": least, "fmax": most}
    pitch_hz, confidence = (found[0] for found in _session().run(["pitch", "confidence"], asked))
    n = len(pitch_hz)
    loud = np.abs(wav[: n * FRAME].reshape(n, FRAME)).max(1) >= SILENT_PEAK
    voiced = (confidence >= VOICED_CONFIDENCE) & (pitch_hz > 0) & loud
    if not voiced.any():
        return np.zeros(len(times_s), np.float32)
    log_f0 = np.interp(times_s, (np.arange(n) * FRAME_PERIOD)[voiced], np.log(pitch_hz[voiced].astype(np.float64)))
    nearest = np.clip(np.rint(times_s / FRAME_PERIOD).astype(int), 0, n - 1)
    return np.where(voiced[nearest], np.exp(log_f0), 0.0).astype(np.float32)
