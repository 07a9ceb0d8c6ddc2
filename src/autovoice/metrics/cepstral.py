"""Mel-cepstral distortion: how far two recordings of the same text are apart, after warping one onto the other.

mcd  dB, 0 upward, lower is nearer: 10 / ln 10 * sqrt(2 * sum of squared differences) of mel cepstra 1 to 24, averaged along
     the path of dynamic time warping. Only where the target said the same text. Cepstra: orthonormal DCT-II of 80 log mel
     bands of power (0 to 8 kHz, 25 ms Hann, every 10 ms), frames over 40 dB under the loudest left out; c0, the level, is not
     compared.
Papers: Kubichek 1993, "Mel-cepstral distance measure for objective speech quality assessment"; Sakoe & Chiba 1978 (DTW).
Failure: NaN where either has under 0.1 s of speech.
"""

import numpy as np

from autovoice.librosa_alone import librosa

SAMPLE_RATE, N_FFT, HOP_LENGTH, N_MELS, N_CEPSTRA = 16000, 400, 160, 80, 24
RANGE_DB, MIN_FRAMES = 40.0, 10


def mel_cepstra(wav: np.ndarray) -> np.ndarray:
    """wav (T,) at 16 kHz -> cepstra 1 to 24 of its spoken frames (n, 24), in nepers."""
    power = librosa.feature.melspectrogram(
        y=np.asarray(wav, np.float32), sr=SAMPLE_RATE, n_fft=N_FFT, hop_length=HOP_LENGTH, n_mels=N_MELS, fmax=8000
    )
    level = power.sum(0)
    spoken = power[:, level > level.max(initial=0.0) * 10 ** (-RANGE_DB / 10)]
    log_mel = 0.5 * np.log(np.maximum(spoken, 1e-10))  # of the magnitude
    return (
        librosa.feature.mfcc(S=log_mel, n_mfcc=N_CEPSTRA + 1, norm="ortho")[1:].T if spoken.size else np.zeros((0, 24))
    )


def mcd(reference: np.ndarray, result: np.ndarray) -> float:
    """Two mono 16 kHz recordings of one text (T_i,) -> dB; NaN under 0.1 s of speech in either."""
    a, b = mel_cepstra(reference), mel_cepstra(result)
    if min(len(a), len(b)) < MIN_FRAMES:
        return float("nan")
    _, path = librosa.sequence.dtw(a.T, b.T, metric="euclidean")
    apart = np.linalg.norm(a[path[:, 0]] - b[path[:, 1]], axis=1) * np.sqrt(2 / N_MELS)
    return float(10 / np.log(10) * np.sqrt(2) * apart.mean())
