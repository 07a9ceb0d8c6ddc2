"""The conditioning speaker encoder: Resemblyzer (GE2E, Wan et al. 2018), 256 numbers that say whose voice it is."""

import copy
import warnings
from functools import cache

import librosa
import numpy as np
import torch
from torch import Tensor, nn

EMBEDDING_DIM = 256
RATE, N_FFT, HOP_LENGTH, N_MELS, WINDOW_FRAMES = 16000, 400, 160, 40, 160


@cache
def _encoder(device: str):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # webrtcvad's use of pkg_resources
        from resemblyzer import VoiceEncoder
    return VoiceEncoder(device, verbose=False)


def embed_speaker(wav: np.ndarray, device: str = "cpu") -> np.ndarray:
    """wav: mono 16 kHz (T,) at -26 dBFS -> unit vector (256,) float32; the mean over 1.6 s windows."""
    return _encoder(device).embed_utterance(wav.astype(np.float32)).astype(np.float32)


class SpeakerEmbedder(nn.Module):
    """The same encoder on one window of 1.6 s, differentiable, for losses."""

    filters: Tensor
    window: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.encoder = copy.deepcopy(_encoder("cpu"))
        filters = librosa.filters.mel(sr=RATE, n_fft=N_FFT, n_mels=N_MELS)
        self.register_buffer("filters", torch.from_numpy(filters), persistent=False)
        self.register_buffer("window", torch.hann_window(N_FFT), persistent=False)

    def forward(self, wav: Tensor) -> Tensor:
        """wav: (B, n) at 16 kHz and -26 dBFS, about 1.6 s -> unit vectors (B, 256)."""
        power = torch.stft(wav, N_FFT, HOP_LENGTH, window=self.window, pad_mode="constant", return_complex=True)
        mel = self.filters @ power.abs().square()
        return self.encoder(mel.transpose(1, 2)[:, :WINDOW_FRAMES])
