"""The DNSMOS P.835 network, as speechmos bundles it, over many overlapping windows of one recording.

Windows that start a second apart share eight of nine seconds. The four convolutions before the first pooling, nine tenths of
the work, see four frames to either side, so that they are run once over the recording, and again only at each window's ends.
"""

import importlib.util
from functools import cache
from pathlib import Path

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from onnx.numpy_helper import to_array
from torch import Tensor

SAMPLE_RATE, N_FFT, HOP_LENGTH = 16000, 320, 160
WINDOW_S = 9.01
N_FRAMES, FRAMES_APART = 900, 100  # of a window, and between the starts of two, in hops
SEEN = 4  # frames to either side, by FRONT
FRONT, BACK, DENSE = ("conv2d", "conv2d_1", "conv2d_2", "conv2d_3"), ("conv2d_4", "conv2d_5", "conv2d_6"), 3
BLOCK = 60  # windows: an hour of audio needs no more memory than a minute
PIECE = 200  # frames at a time: larger ones fall out of the processor's cache, at twice the time


@cache
def _weights() -> dict[str, Tensor]:
    package = importlib.util.find_spec("speechmos")
    if package is None or not package.submodule_search_locations:
        raise ImportError("speechmos is not installed")
    path = Path(next(iter(package.submodule_search_locations))) / "dnsmos_models" / "sig_bak_ovr.onnx"
    initialisers = onnx.load(path).graph.initializer
    return {i.name: torch.from_numpy(to_array(i).copy()) for i in initialisers}


def _convolved(x: Tensor, layers: tuple[str, ...], pooled: bool = False) -> Tensor:
    for name in layers:
        if pooled:
            x = F.max_pool2d(x, 2)
        x = F.relu(F.conv2d(x, _weights()[f"{name}/kernel:0"], _weights()[f"{name}/bias:0"], padding=1))
    return x


def _log_power(wav: Tensor) -> Tensor:
    """wav (T,) -> (frames, 161): of 20 ms windows every 10 ms."""
    frames = wav.unfold(0, N_FFT, HOP_LENGTH)
    parts = (frames @ _weights()[f"time2freq/stft-{part}/kernel:0"][..., 0].T for part in ("real", "imag"))
    return sum(part.square() for part in parts).clamp(min=1e-12).log10()  # type: ignore[union-attr]


def _front(power: Tensor) -> Tensor:
    """Log power (frames, 161) -> what the first convolutions make of it, (32, frames, 161), silence on both sides."""
    padded, pieces = F.pad(power, (0, 0, SEEN, SEEN)), []
    for start in range(0, len(power), PIECE):
        seen = padded[start : start + PIECE + 2 * SEEN]
        pieces.append(_convolved(seen[None, None], FRONT)[0, :, SEEN : len(seen) - SEEN])
    return torch.cat(pieces, 1)


def _answer(power: Tensor, middle: Tensor) -> Tensor:
    """Raw answer (3,) for a window's log power (900, 161); middle: (32, 892, 161), its _front without the ends."""
    first = _convolved(power[None, None, : 2 * SEEN], FRONT)[0, :, :SEEN]
    last = _convolved(power[None, None, -2 * SEEN :], FRONT)[0, :, SEEN:]
    h = _convolved(torch.cat([first, middle, last], 1)[None], BACK, pooled=True)[0].amax((1, 2))
    for i, name in enumerate(("dense", "dense_1", "dense_3")):
        h = h @ _weights()[f"mos_estimator_logpow/{name}/MatMul/ReadVariableOp/resource:0"]
        h = h + _weights()[f"mos_estimator_logpow/{name}/BiasAdd/ReadVariableOp/resource:0"]
        h = F.relu(h) if i < 2 else h
    return h


def _raw_answers(wav: np.ndarray, n_windows: int) -> list[Tensor]:
    power = _log_power(torch.from_numpy(wav))
    whole, answers = _front(power), []
    for start in range(0, n_windows * FRAMES_APART, FRAMES_APART):
        end = start + N_FRAMES
        answers.append(_answer(power[start:end], whole[:, start + SEEN : end - SEEN]))
    return answers


def raw_answers(wav: np.ndarray) -> np.ndarray:
    """wav (T,) float32 mono 16 kHz, 9.01 s or longer -> SIG, BAK and OVRL before their polynomials, (n_windows, 3)."""
    n_windows = int(len(wav) // SAMPLE_RATE - WINDOW_S) + 1
    answers: list[Tensor] = []
    with torch.inference_mode():
        for first in range(0, n_windows, BLOCK):
            n = min(BLOCK, n_windows - first)
            answers += _raw_answers(wav[first * SAMPLE_RATE : round((first + n - 1 + WINDOW_S) * SAMPLE_RATE)], n)
    return torch.stack(answers).numpy()
