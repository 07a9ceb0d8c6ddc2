"""Whose voice a recording has from moment to moment: d-vectors of windows of 1.6 s within its speech."""

from functools import cache

import numpy as np
import torch

from autovoice.audio.loudness import rms_dbfs
from autovoice.models.speaker import SpeakerEmbedder

WINDOW_FRAMES, HOP_FRAMES = 160, 40
LEVEL_DBFS = -26.0
BATCH = 64


@cache
def _embedder() -> SpeakerEmbedder:
    return SpeakerEmbedder().eval().requires_grad_(False)


def windows_of(start: int, stop: int) -> list[tuple[int, int]]:
    """[start, stop) frames of each window in a stretch, the last one at its end; a short stretch is one window."""
    if stop - start <= WINDOW_FRAMES:
        return [(start, stop)]
    firsts = [*range(start, stop - WINDOW_FRAMES, HOP_FRAMES), stop - WINDOW_FRAMES]
    return [(first, first + WINDOW_FRAMES) for first in firsts]


def embed(wav: np.ndarray, windows: list[tuple[int, int]], hop_length: int) -> np.ndarray:
    """wav: mono 16 kHz (T,); windows in frames -> unit vectors (n, 256), each window at -26 dBFS, short ones repeated."""
    size, parts = WINDOW_FRAMES * hop_length, []
    for first in range(0, len(windows), BATCH):
        cuts = [_window(wav[a * hop_length : b * hop_length], size) for a, b in windows[first : first + BATCH]]
        with torch.inference_mode():
            parts.append(_embedder()(torch.from_numpy(np.stack(cuts))).numpy())
    return np.concatenate(parts)


def _window(cut: np.ndarray, size: int) -> np.ndarray:
    cut = np.resize(cut, size).astype(np.float32)  # repeats what is short
    return cut * np.float32(10 ** ((LEVEL_DBFS - rms_dbfs(cut)) / 20))
