"""The causal student: content of the large encoder, guessed from the past and 22.5 ms ahead, for streaming.

Distilled from the large encoder's normalised features (Hinton et al. 2015); causal ConvNeXt blocks (Liu et al. 2022).
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from autovoice.audio.mel import (
    AFTER,
    BEFORE,
    FRAME_LENGTH,
    HOP_LENGTH,
    MEL_FLOOR,
    MEL_MEAN,
    MEL_SCALE,
    N_FFT,
    N_MELS,
)
from autovoice.models.depthwise import KERNEL, after_past
from autovoice.torchaudio_compat import torchaudio


class CausalBlock(nn.Module):
    """ConvNeXt block that sees the past alone."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv1d(dim, dim, KERNEL, groups=dim)
        self.norm, self.up, self.down = nn.LayerNorm(dim), nn.Linear(dim, 3 * dim), nn.Linear(3 * dim, dim)

    def forward(self, x: Tensor, past: Tensor | None = None) -> Tensor:
        """x: (B, T, D), past: the 6 frames before x (B, 6, D) of a stream, or None: zeros -> (B, T, D)."""
        if past is None:
            h = self.depthwise(F.pad(x.transpose(1, 2), (KERNEL - 1, 0))).transpose(1, 2)
        else:
            h = after_past(self.depthwise, torch.cat([past, x], 1))
        return x + 0.5 * self.down(F.gelu(self.up(self.norm(h))))


class StudentEncoder(nn.Module):
    """wav (B, n) at 16 kHz and -26 dBFS -> (B, n // 320, out_dim), already normalised; frame i needs n >= 320 i + 360."""

    filters: Tensor
    window: Tensor

    def __init__(self, dim: int = 256, n_blocks: int = 10, out_dim: int = 512) -> None:
        super().__init__()
        filters = torchaudio.functional.melscale_fbanks(N_FFT // 2 + 1, 0.0, 8000.0, N_MELS, 16000, "slaney", "slaney")
        self.register_buffer("filters", filters.T.contiguous(), persistent=False)
        self.register_buffer("window", torch.hann_window(N_FFT), persistent=False)
        self.stem = nn.Conv1d(2 * N_MELS, dim, 3)
        self.blocks = nn.ModuleList(CausalBlock(dim) for _ in range(n_blocks))
        self.norm, self.out = nn.LayerNorm(dim), nn.Linear(dim, out_dim)

    def log_mel(self, wav: Tensor) -> Tensor:
        """wav (B, n) -> scaled log10 mel of pairs of 10 ms frames, (B, 160, n // 320); no level is taken from the whole."""
        return self.mel_pairs(F.pad(wav, (BEFORE, AFTER)))[..., : wav.shape[1] // FRAME_LENGTH]

    def mel_pairs(self, wav: Tensor) -> Tensor:
        """wav from 200 samples before the first frame to 360 after the last one's start -> as log_mel."""
        with torch.autocast(wav.device.type, enabled=False):  # logarithms of small energies stay in float32
            power = torch.stft(wav.float(), N_FFT, HOP_LENGTH, window=self.window, center=False, return_complex=True)
            mel = (self.filters @ power.abs().square()).clamp(min=MEL_FLOOR).log10()
        pairs = ((mel - MEL_MEAN) / MEL_SCALE)[..., : mel.shape[-1] // 2 * 2].unflatten(-1, (-1, 2))
        return pairs.transpose(2, 3).flatten(1, 2)

    def forward(self, wav: Tensor) -> Tensor:
        """wav: (B, n) float32 in [-1, 1] -> (B, n // 320, out_dim)."""
        h = self.stem(F.pad(self.log_mel(wav), (2, 0))).transpose(1, 2)
        for block in self.blocks:
            h = block(h)
        return self.out(self.norm(h))


def sizes_of(state: dict[str, Tensor]) -> tuple[int, int, int]:
    """dim, n_blocks and out_dim of the StudentEncoder whose state_dict this is."""
    n_blocks = 1 + max(int(name.split(".")[1]) for name in state if name.startswith("blocks."))
    return state["stem.weight"].shape[0], n_blocks, state["out.weight"].shape[0]
