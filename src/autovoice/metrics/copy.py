"""Copy synthesis: PESQ, STOI and the STFT distance, for a result that should equal its reference sample by sample.

Only for the same speaker saying the same words at the same time (copy synthesis): across speakers both numbers mean
nothing. The two signals are cut to the shorter one; nothing is aligned.
pesq  wide-band ITU-T P.862.2 at 16 kHz: 1.02 to 4.64 MOS-LQO, higher is better; 4.64 means identical.
      Rix et al. 2001, "Perceptual evaluation of speech quality (PESQ)".
stoi  short-time objective intelligibility: about 0 to 1, higher is better; 1 means identical.
      Taal et al. 2011, "An algorithm for intelligibility prediction of time-frequency weighted noisy speech".
mrstft  multi-resolution STFT distance: spectral convergence + L1 of log magnitudes (nepers), the mean over windows of 512,
      1024 and 2048 samples; 0 upward, lower is better; 0 means identical. Yamamoto et al. 2020, "Parallel WaveGAN".
Failure: NaN for silence, for audio under 0.4 s, and where the reference code finds no utterance.
"""

import warnings

import numpy as np
import pesq as pesq_package
import pystoi

from autovoice.audio.loudness import rms_dbfs
from autovoice.librosa_alone import librosa

SAMPLE_RATE = 16000
MIN_SAMPLES = int(0.4 * SAMPLE_RATE)
AUDIBLE_DBFS = -80.0
N_FFTS, MAGNITUDE_FLOOR = (512, 1024, 2048), 1e-4


def _usable(reference: np.ndarray, result: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    n = min(len(reference), len(result))
    reference, result = np.asarray(reference[:n], np.float64), np.asarray(result[:n], np.float64)
    audible = n >= MIN_SAMPLES and min(rms_dbfs(reference), rms_dbfs(result)) > AUDIBLE_DBFS
    return (reference, result) if audible else None


def pesq(reference: np.ndarray, result: np.ndarray) -> float:
    """Two aligned mono 16 kHz signals (T,) -> wide-band PESQ, 1.02 to 4.64; NaN for silence."""
    pair = _usable(reference, result)
    if pair is None:
        return float("nan")
    try:
        return float(pesq_package.pesq(SAMPLE_RATE, pair[0], pair[1], "wb"))
    except (pesq_package.NoUtterancesError, pesq_package.BufferTooShortError):
        return float("nan")


def stoi(reference: np.ndarray, result: np.ndarray) -> float:
    """Two aligned mono 16 kHz signals (T,) -> STOI, about 0 to 1; NaN for silence or under 0.4 s of active speech."""
    pair = _usable(reference, result)
    if pair is None:
        return float("nan")
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)  # pystoi warns and answers 1e-5 where it has too few frames
        try:
            return float(pystoi.stoi(pair[0], pair[1], SAMPLE_RATE))
        except RuntimeWarning:
            return float("nan")


def mrstft(reference: np.ndarray, result: np.ndarray) -> float:
    """Two aligned mono 16 kHz signals (T,) -> distance, 0 upward; NaN for silence."""
    pair = _usable(reference, result)
    if pair is None:
        return float("nan")
    distances = []
    for n_fft in N_FFTS:
        a, b = (np.maximum(np.abs(librosa.stft(x, n_fft=n_fft, hop_length=n_fft // 4)), MAGNITUDE_FLOOR) for x in pair)
        distances.append(np.linalg.norm(a - b) / np.linalg.norm(a) + np.abs(np.log(a) - np.log(b)).mean())
    return float(np.mean(distances))
