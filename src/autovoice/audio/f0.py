"""Fundamental frequency by SwiftF0 (Nieradzik 2025), a small ONNX network: f0 in Hz, 0 = unvoiced."""

from collections.abc import Callable
from functools import cache

import numpy as np
from swift_f0 import FRAME_PERIOD, SwiftF0

SAMPLE_RATE = 16000
VOICED_CONFIDENCE = 0.5  # the network's own calibration
Tracker = Callable[[np.ndarray, float, float], tuple[np.ndarray, np.ndarray]]  # as detect


@cache
def _detector() -> SwiftF0:
    return SwiftF0(threads=1, spin=False)


def detect(wav: np.ndarray, f0_min_hz: float, f0_max_hz: float) -> tuple[np.ndarray, np.ndarray]:
    """wav: mono 16 kHz (T,), not empty -> pitch in Hz and confidence, 0 to 1, every 16 ms from 0 on: (max(1, T // 256),) float64.

    By onnxruntime, on one core of the CPU.
    """
    result = _detector().detect(wav, SAMPLE_RATE, f0_min_hz, f0_max_hz)
    return result.pitch_hz, result.confidence


def extract_f0(
    wav: np.ndarray,
    hop_length: int,
    n_frames: int,
    f0_min_hz: float = 50.0,
    f0_max_hz: float = 1100.0,
    track: Tracker = detect,
) -> np.ndarray:
    """wav: mono 16 kHz (T,) -> f0 (n_frames,) float32 in Hz at hop_length, 0 where unvoiced.

    SwiftF0 answers every 16 ms; voiced stretches are interpolated in log frequency onto the frame grid (frame i is
    centred on sample i * hop_length).
    """
    if not len(wav) or not n_frames:
        return np.zeros(n_frames, np.float32)
    pitch_hz, confidence = track(wav, f0_min_hz, f0_max_hz)
    voiced = (confidence >= VOICED_CONFIDENCE) & (pitch_hz > 0)
    if not voiced.any():
        return np.zeros(n_frames, np.float32)
    times_s = np.arange(n_frames) * hop_length / SAMPLE_RATE
    log_f0 = np.interp(times_s, np.arange(len(voiced))[voiced] * FRAME_PERIOD, np.log(pitch_hz[voiced]))
    nearest = np.clip(np.rint(times_s / FRAME_PERIOD).astype(int), 0, len(voiced) - 1)
    return np.where(voiced[nearest], np.exp(log_f0), 0.0).astype(np.float32)


def median_f0_hz(f0: np.ndarray) -> float:
    """Median of the voiced frames in Hz; 0.0 if none is voiced."""
    voiced = f0[f0 > 0]
    return float(np.median(voiced)) if len(voiced) else 0.0
