"""Fundamental frequency by SwiftF0 (Nieradzik 2025), a small ONNX network: f0 in Hz, 0 = unvoiced."""

from functools import cache

import numpy as np
from swift_f0 import SwiftF0

SAMPLE_RATE = 16000


@cache
def _detector(f0_min_hz: float, f0_max_hz: float, confidence: float) -> SwiftF0:
    return SwiftF0(fmin=f0_min_hz, fmax=f0_max_hz, confidence_threshold=confidence)


def extract_f0(
    wav: np.ndarray, hop_length: int, n_frames: int, f0_min_hz: float = 50.0, f0_max_hz: float = 1100.0, confidence: float = 0.8
) -> np.ndarray:
    """wav: mono 16 kHz (T,) -> f0 (n_frames,) float32 in Hz at hop_length, 0 where unvoiced.

    SwiftF0 answers every 16 ms; voiced stretches are interpolated in log frequency onto the frame grid (frame i is
    centred on sample i * hop_length).
    """
    if len(wav) < 512:
        return np.zeros(n_frames, np.float32)
    result = _detector(f0_min_hz, f0_max_hz, confidence).detect_from_array(wav.astype(np.float32), SAMPLE_RATE)
    times = np.arange(n_frames) * hop_length / SAMPLE_RATE
    voiced = result.voicing & (result.pitch_hz > 0)
    if not voiced.any():
        return np.zeros(n_frames, np.float32)
    stamps = result.timestamps
    log_f0 = np.interp(times, stamps[voiced], np.log(result.pitch_hz[voiced]))
    nearest = np.clip(np.searchsorted(stamps, times - (stamps[1] - stamps[0]) / 2), 0, len(stamps) - 1) if len(stamps) > 1 else 0
    return np.where(voiced[nearest], np.exp(log_f0), 0.0).astype(np.float32)


def median_f0_hz(f0: np.ndarray) -> float:
    """Median of the voiced frames in Hz; 0.0 if none is voiced."""
    voiced = f0[f0 > 0]
    return float(np.median(voiced)) if len(voiced) else 0.0
