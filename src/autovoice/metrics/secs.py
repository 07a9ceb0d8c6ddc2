"""SECS, speaker encoder cosine similarity, by Resemblyzer.

What it means: how much two recordings sound like one voice to a GE2E speaker encoder. Two recordings of one reader
score about 0.9, two different readers about 0.6. This encoder conditions the generator, so it flatters our own
results: read it beside CAM++. Unit: none. Range: 0 to 1 (embeddings are not negative), higher is more alike.
Papers: Wan et al. 2018, "Generalized End-to-End Loss for Speaker Verification"; Casanova et al. 2021, "SC-GlowTTS".
Failure: AudioError on silence, NaN or under 100 ms.
"""

import warnings
from functools import cache

import numpy as np

import autovoice.librosa_alone  # noqa: F401  (before Resemblyzer, which imports librosa too)

with warnings.catch_warnings():
    warnings.simplefilter("ignore", UserWarning)  # its webrtcvad warns that pkg_resources is deprecated
    from resemblyzer import VoiceEncoder

from autovoice.metrics.speaker import levelled, unit


@cache
def _encoder() -> VoiceEncoder:
    return VoiceEncoder("cpu", verbose=False).eval()


def secs_embedding(wav: np.ndarray) -> np.ndarray:
    """wav (T,) mono 16 kHz, any level -> embedding (256,) float32 of length 1 of the whole array at -26 dBFS RMS."""
    return unit(_encoder().embed_utterance(levelled(wav)))
