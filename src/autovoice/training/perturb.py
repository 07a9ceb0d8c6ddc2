"""The same words in another voice: content of a recording played slower or faster, stretched back onto its frames.

Trained on it, the generator takes the voice from the reference and the embedding, not from what content lets through
(after NANSY, Choi et al. 2021, and FreeVC, Li et al. 2023).
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from autovoice.audio.resample import resample
from autovoice.config import AudioConfig
from autovoice.models.content import encode
from autovoice.training.flat import COPY, Item

RATIOS = (0.8, 0.9, 1.12, 1.25)  # down to a much smaller head, up to a much larger one


def stretch(content: Tensor, n_frames: int) -> Tensor:
    """content (T, D) -> (n_frames, D) of the same type, interpolated."""
    stretched = F.interpolate(content.float().T[None], size=n_frames, mode="linear", align_corners=False)
    return stretched[0].T.to(content.dtype).contiguous()


def with_copies(item: Item, encoder: nn.Module, audio: AudioConfig) -> Item:
    """The item with content_<ratio> for each of RATIOS: (T, D) float16, frame by frame the words of its content."""
    wav = item["wav"].float().numpy() / 32767
    copies = {}
    for ratio in RATIOS:
        played = torch.from_numpy(resample(wav, audio.output_rate, audio.sample_rate * ratio))[None]
        copies[f"{COPY}{ratio}"] = stretch(encode(encoder, played)[0].half().cpu(), len(item["content"]))
    return item | copies
