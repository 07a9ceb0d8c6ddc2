"""The conditioning speaker encoder: Resemblyzer (GE2E, Wan et al. 2018), 256 numbers that say whose voice it is."""

import warnings
from functools import cache

import numpy as np

EMBEDDING_DIM = 256


@cache
def _encoder(device: str):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # webrtcvad's use of pkg_resources
        from resemblyzer import VoiceEncoder
    return VoiceEncoder(device, verbose=False)


def embed_speaker(wav: np.ndarray, device: str = "cpu") -> np.ndarray:
    """wav: mono 16 kHz (T,) at -26 dBFS -> unit vector (256,) float32; the mean over 1.6 s windows."""
    return _encoder(device).embed_utterance(wav.astype(np.float32)).astype(np.float32)
