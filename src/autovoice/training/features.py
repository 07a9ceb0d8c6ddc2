"""Features of recordings as tensors, with the content of any encoder."""

import numpy as np
import torch
from torch import Tensor, nn

from autovoice.config import AudioConfig
from autovoice.features import even_length, extract_frames
from autovoice.models.content import encode


def extract_content(wav: np.ndarray, encoder: nn.Module, audio: AudioConfig, normalise: bool = True) -> Tensor:
    """wav: mono 16 kHz (n,) -> content (n // 320, D) float16 at 20 ms, on the CPU."""
    x = torch.from_numpy(wav[: even_length(len(wav), audio)])[None].to(next(encoder.parameters()).device)
    return encode(encoder, x, normalise)[0].half().cpu().contiguous()


def frame_tensors(wav: np.ndarray, audio: AudioConfig) -> dict[str, Tensor]:
    """features.extract_frames as tensors."""
    return {name: torch.from_numpy(value) for name, value in extract_frames(wav, audio).items()}


def extract_features(
    wav: np.ndarray, encoder: nn.Module, audio: AudioConfig, normalise: bool = True
) -> dict[str, Tensor]:
    """frame_tensors and content (T / 2, D) float16 together."""
    return {"content": extract_content(wav, encoder, audio, normalise), **frame_tensors(wav, audio)}


def ref_mel_of(item: dict[str, Tensor]) -> Tensor:
    """The mel of an item averaged onto the content's 20 ms frames, (T / 2, n_mels) float32."""
    return item["mel"][: 2 * len(item["content"])].unflatten(0, (-1, 2)).float().mean(1)
