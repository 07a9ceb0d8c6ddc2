"""Level: RMS in dBFS, and the loudness contour that conditions the generator."""

import numpy as np

SILENCE_DBFS = -120.0


def rms_dbfs(wav: np.ndarray) -> float:
    """Root mean square of wav (T,) in dB re full scale; SILENCE_DBFS for digital silence."""
    power = float(np.mean(np.square(wav, dtype=np.float64))) if len(wav) else 0.0
    return 10 * np.log10(power) if power > 10 ** (SILENCE_DBFS / 10) else SILENCE_DBFS


def active_dbfs(wav: np.ndarray, sample_rate: int, range_db: float = 30.0) -> float:
    """RMS in dBFS over the 20 ms frames within `range_db` of the loudest 95th percentile, so that pauses do not count."""
    size = max(1, sample_rate // 50)
    frames = wav[: len(wav) // size * size].reshape(-1, size)
    if not len(frames):
        return rms_dbfs(wav)
    power = np.mean(np.square(frames, dtype=np.float64), 1)
    active = power[power > np.percentile(power, 95) * 10 ** (-range_db / 10)]
    return float(10 * np.log10(active.mean())) if len(active) and active.mean() > 1e-12 else SILENCE_DBFS


def gain_to(wav: np.ndarray, sample_rate: int, level_dbfs: float) -> float:
    """Linear gain that brings the active level of wav to level_dbfs; 1.0 for silence."""
    level = active_dbfs(wav, sample_rate)
    return 1.0 if level <= -90 else float(10 ** ((level_dbfs - level) / 20))


def loudness_contour(wav: np.ndarray, hop_length: int, n_frames: int) -> np.ndarray:
    """(n_frames,) float32: frame RMS over 4 hops centred on each frame, in dB, scaled to about [-1.5, 1.5].

    The scale is 20 log10(rms) / 20 + 1.5 with the rms floored at -70 dBFS, as the generator expects.
    """
    size = 4 * hop_length
    padded = np.pad(wav.astype(np.float64) ** 2, (size // 2, size + hop_length * n_frames))
    cumulative = np.concatenate([[0.0], np.cumsum(padded)])
    starts = np.arange(n_frames) * hop_length
    power = (cumulative[starts + size] - cumulative[starts]) / size
    return (10 * np.log10(np.maximum(power, 1e-7)) / 20 + 1.5).astype(np.float32)
