"""Level: RMS in dBFS, and the loudness contour that conditions the generator."""

import numpy as np

SILENCE_DBFS = -120.0
LOUDNESS_FLOOR = -2.0  # log10(rms) + 1.5 at -70 dBFS


def rms_dbfs(wav: np.ndarray) -> float:
    """Root mean square of wav (T,) in dB re full scale; SILENCE_DBFS for digital silence."""
    power = float(np.mean(np.square(wav, dtype=np.float64))) if len(wav) else 0.0
    return 10 * np.log10(power) if power > 10 ** (SILENCE_DBFS / 10) else SILENCE_DBFS


def frame_power(wav: np.ndarray, sample_rate: int) -> np.ndarray:
    """wav (T,) -> mean square of each whole 20 ms frame, of all of wav if it is shorter."""
    size = max(1, sample_rate // 50)
    frames = wav[: len(wav) // size * size].reshape(-1, size)
    return np.mean(np.square(frames if len(frames) else wav[None], dtype=np.float64), 1)


def active_power_dbfs(power: np.ndarray, range_db: float = 30.0) -> float:
    """Level in dBFS of the frames within `range_db` of the 95th percentile, so that pauses do not count."""
    active = power[power >= np.percentile(power, 95) * 10 ** (-range_db / 10)] if len(power) else power
    return float(10 * np.log10(active.mean())) if len(active) and active.mean() > 1e-12 else SILENCE_DBFS


def gain_from_power(power: np.ndarray, level_dbfs: float) -> float:
    """Linear gain that brings the active level of 20 ms frame powers to level_dbfs; 1.0 for silence (below -90)."""
    level = active_power_dbfs(power)
    return 1.0 if level <= -90 else float(10 ** ((level_dbfs - level) / 20))


def gain_to(wav: np.ndarray, sample_rate: int, level_dbfs: float) -> float:
    """Linear gain that brings the active level of wav (T,) to level_dbfs; 1.0 for silence."""
    return gain_from_power(frame_power(wav, sample_rate), level_dbfs) if len(wav) else 1.0


def silence_gate(loudness: np.ndarray, hop_length: int) -> np.ndarray:
    """loudness contour (T,) -> gain (T * hop_length,): 0 under -66 dBFS, 1 over -60 dBFS; silence in, silence out."""
    gate = np.clip((20 * (loudness - 1.5) + 66) / 6, 0, 1)
    at = np.arange(len(gate) * hop_length) / hop_length
    return np.interp(at, np.arange(len(gate)), gate).astype(np.float32)


def loudness_contour(wav: np.ndarray, hop_length: int, n_frames: int) -> np.ndarray:
    """(n_frames,) float32: RMS of wav over 4 hops centred on each frame, in dB, scaled to [LOUDNESS_FLOOR, 1.5].

    The scale is log10(rms) + 1.5 with the rms floored at -70 dBFS, as the generator expects.
    """
    return scale_loudness(centred_power(wav, hop_length, n_frames), 1.0)


def centred_power(wav: np.ndarray, hop_length: int, n_frames: int) -> np.ndarray:
    """(n_frames,) float64: mean square over 4 hops centred on each frame."""
    size = 4 * hop_length
    padded = np.pad(wav.astype(np.float64) ** 2, (size // 2, size + hop_length * n_frames))
    cumulative = np.concatenate([[0.0], np.cumsum(padded)])
    starts = np.arange(n_frames) * hop_length
    return np.maximum((cumulative[starts + size] - cumulative[starts]) / size, 1e-20)


def scale_loudness(power: np.ndarray, gain: float) -> np.ndarray:
    """Mean squares of frames -> the loudness of gain times them, floored."""
    return np.maximum(0.5 * np.log10(power) + np.log10(gain) + 1.5, LOUDNESS_FLOOR).astype(np.float32)


def estimate_snr_db(wav: np.ndarray, sample_rate: int) -> float:
    """Level of the loud frames (95th percentile) over that of the quiet ones (5th), 20 ms each, in dB, at most 80.

    A rough lower bound of the signal-to-noise ratio: speech pauses show the noise. 0 for stationary noise or silence.
    """
    power = frame_power(wav, sample_rate)
    if len(power) < 10:
        return 0.0
    loud, quiet = np.percentile(power, [95, 5])
    return float(min(80.0, 10 * np.log10(max(loud, 1e-12) / max(quiet, 1e-12))))
