"""What the generator is fed: content, f0 and loudness of a recording, and the mel of a reference."""

import numpy as np
import torch
from torch import Tensor, nn

from autovoice.audio.f0 import extract_f0
from autovoice.audio.loudness import gain_to, loudness_contour
from autovoice.audio.mel import log_mel
from autovoice.config import AudioConfig
from autovoice.models.content import encode

CONTENT_HOPS = 2  # content frames are 20 ms, all others 10 ms


def at_level(wav: np.ndarray, sample_rate: int, audio: AudioConfig) -> np.ndarray:
    """wav (T,) scaled so that its active level is audio.level_dbfs."""
    return (wav * gain_to(wav, sample_rate, audio.level_dbfs)).astype(np.float32)


def even_length(n_samples: int, audio: AudioConfig) -> int:
    """The largest length <= n_samples that holds whole content frames."""
    step = CONTENT_HOPS * audio.hop_length
    return n_samples // step * step


def extract_frames(wav: np.ndarray, audio: AudioConfig) -> dict[str, Tensor]:
    """wav: mono 16 kHz (n,) at audio.level_dbfs -> frames of its n // 320 * 320 samples.

    f0 (T,) float32 Hz with 0 = unvoiced, loudness (T,) float32, mel (T, n_mels) float16.
    """
    wav = wav[: even_length(len(wav), audio)]
    n_frames = len(wav) // audio.hop_length
    mel = log_mel(torch.from_numpy(wav)[None], audio.sample_rate, audio.n_fft, audio.hop_length, audio.n_mels)
    return {
        "f0": torch.from_numpy(extract_f0(wav, audio.hop_length, n_frames, audio.f0_min_hz, audio.f0_max_hz)),
        "loudness": torch.from_numpy(loudness_contour(wav, audio.hop_length, n_frames)),
        "mel": mel[0, :, :n_frames].T.half().contiguous(),
    }


def extract_content(wav: np.ndarray, encoder: nn.Module, audio: AudioConfig, normalise: bool = True) -> Tensor:
    """wav: mono 16 kHz (n,) -> content (n // 320, D) float16 at 20 ms, on the CPU."""
    x = torch.from_numpy(wav[: even_length(len(wav), audio)])[None].to(next(encoder.parameters()).device)
    return encode(encoder, x, normalise)[0].half().cpu().contiguous()


def extract_features(
    wav: np.ndarray, encoder: nn.Module, audio: AudioConfig, normalise: bool = True
) -> dict[str, Tensor]:
    """extract_frames and content (T / 2, D) float16 together."""
    return {"content": extract_content(wav, encoder, audio, normalise), **extract_frames(wav, audio)}


def ref_mel_of(item: dict[str, Tensor]) -> Tensor:
    """The mel of an item averaged onto the content's 20 ms frames, (T / 2, n_mels) float32."""
    return item["mel"][: 2 * len(item["content"])].unflatten(0, (-1, 2)).float().mean(1)
