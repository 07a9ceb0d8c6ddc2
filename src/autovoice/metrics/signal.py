"""What is wrong with a signal itself, whatever is said in it and by whom.

loudness_lufs  LUFS: integrated loudness, gated (ITU-R BS.1770-4, by pyloudnorm); the metric is the difference to the source.
clip_share     0 to 1: share of samples in flat tops, runs of at least 3 equal samples within 1 % of the file's own peak, at
               the file's own rate (resampling would round the tops). Finds clipping at any level.
silence_share  0 to 1: share of 10 ms frames under -60 dBFS or 45 dB under the active level.
bright_db      dB: level of 4 to 8 kHz against 0 to 4 kHz in the frames within 30 dB of the loudest; a muffled voice falls.
noise_db       dB: level of the quietest 5 % of the frames against the loudest 5 %, not under -40: noise that speech
               covers, such as dither, is none.
Failure: NaN for silence (but silence_share, which is 1, and clip_share, which is 0), and for loudness under 0.4 s.
"""

import warnings

import numpy as np
import pyloudnorm

from autovoice.audio.loudness import active_power_dbfs

SAMPLE_RATE = 16000
FRAME = SAMPLE_RATE // 100
FLAT_RUN, NEAR_PEAK = 3, 0.99
SILENT_DBFS, SILENT_DB = -60.0, 45.0
AUDIBLE_DBFS, NOISE_FLOOR_DB, QUIETEST = -90.0, -40.0, 5.0
N_FFT = 512


def loudness_lufs(wav: np.ndarray, sample_rate: int) -> float:
    """wav (T,) -> integrated loudness in LUFS; NaN under 0.4 s or where all of it is under the gate."""
    if len(wav) < 0.4 * sample_rate:
        return float("nan")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # log of zero: silence is answered with -inf
        level = float(pyloudnorm.Meter(sample_rate).integrated_loudness(np.asarray(wav, np.float64)))
    return level if np.isfinite(level) else float("nan")


def clip_share(wav: np.ndarray) -> float:
    """wav (T,) at its own rate -> share of samples in flat tops; 0 for silence."""
    size = np.abs(wav)
    peak = float(size.max(initial=0.0))
    if peak <= 10 ** (AUDIBLE_DBFS / 20):
        return 0.0
    same = np.concatenate([[False], (np.diff(wav) == 0) & (size[1:] >= NEAR_PEAK * peak), [False]])
    edges = np.flatnonzero(np.diff(same.astype(np.int8)))
    lengths = edges[1::2] - edges[::2] + 1  # a run of k equal neighbours is k + 1 samples
    return float(lengths[lengths >= FLAT_RUN].sum() / len(wav))


def _frame_power(wav: np.ndarray) -> np.ndarray:
    whole = np.asarray(wav[: len(wav) // FRAME * FRAME], np.float64).reshape(-1, FRAME)
    return np.mean(np.square(whole), 1)


def silence_share(wav: np.ndarray) -> float:
    """wav (T,) at 16 kHz -> share of silent frames, 0 to 1; NaN under 10 ms."""
    power = _frame_power(wav)
    if not len(power):
        return float("nan")
    limit_db = max(SILENT_DBFS, active_power_dbfs(power) - SILENT_DB)
    return float(np.mean(power < 10 ** (limit_db / 10)))


def bright_db(wav: np.ndarray) -> float:
    """wav (T,) at 16 kHz -> dB, level of 4 to 8 kHz re 0 to 4 kHz in its loud frames; NaN for silence."""
    frames = np.asarray(wav[: len(wav) // N_FFT * N_FFT], np.float64).reshape(-1, N_FFT)
    spectrum = np.abs(np.fft.rfft(frames * np.hanning(N_FFT))) ** 2
    total = spectrum.sum(1)
    loud = spectrum[total >= total.max(initial=0.0) / 1000].sum(0) if len(total) else np.zeros(N_FFT // 2 + 1)
    low, high = loud[: N_FFT // 4].sum(), loud[N_FFT // 4 :].sum()
    audible = total.max(initial=0.0) > 0 and 10 * np.log10(np.mean(frames**2) + 1e-20) > AUDIBLE_DBFS
    return float(10 * np.log10(max(high, 1e-12 * low) / low)) if audible and low > 0 else float("nan")


def noise_db(wav: np.ndarray) -> float:
    """wav (T,) at 16 kHz -> dB, level of the quietest frames re the loudest, -40 to 0; NaN for silence."""
    power = _frame_power(wav)
    smooth = np.convolve(power, np.ones(3) / 3, "valid") if len(power) >= 3 else power
    if not len(smooth):
        return float("nan")
    low, high = np.percentile(smooth, [QUIETEST, 100 - QUIETEST])
    quiet, loud = smooth[smooth <= low].mean(), smooth[smooth >= high].mean()
    if 10 * np.log10(loud + 1e-20) <= AUDIBLE_DBFS:
        return float("nan")
    return float(np.clip(10 * np.log10(max(quiet, 1e-20) / loud), NOISE_FLOOR_DB, 0.0))
