"""The front of a Whisper encoder (Radford et al. 2022), cut after a middle layer: audio in, what is said out."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from autovoice.audio.mel import FRAME_LENGTH, HOP_LENGTH, MAX_FRAMES, N_FFT, N_MELS
from autovoice.torchaudio_compat import torchaudio


def mel_filters(n_mels: int = N_MELS) -> Tensor:
    """Whisper's mel filters, (n_mels, 201)."""
    filters = torchaudio.functional.melscale_fbanks(N_FFT // 2 + 1, 0.0, 8000.0, n_mels, 16000, "slaney", "slaney")
    return filters.T.contiguous()


def log_mel(wav: Tensor, filters: Tensor) -> Tensor:
    """wav (B, n) at 16 kHz, filters of mel_filters -> Whisper's normalised log10 mel, (B, n_mels, n // 160)."""
    window = torch.hann_window(N_FFT, device=wav.device)
    power = torch.stft(wav, N_FFT, HOP_LENGTH, window=window, return_complex=True)[..., :-1].abs().square()
    mel = (filters @ power).clamp(min=1e-10).log10()
    return (torch.maximum(mel, mel.amax((-2, -1), keepdim=True) - 8) + 4) / 4


class EncoderLayer(nn.Module):
    """Pre-norm transformer layer: self-attention, then a GELU feed-forward."""

    def __init__(self, dim: int, n_heads: int) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.norm_attention, self.norm_feed_forward = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.qkv, self.out = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
        self.up, self.down = nn.Linear(dim, 4 * dim), nn.Linear(4 * dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        """x: (B, T, D) -> (B, T, D)."""
        qkv = self.qkv(self.norm_attention(x)).unflatten(-1, (3, self.n_heads, -1)).permute(2, 0, 3, 1, 4)
        attended = F.scaled_dot_product_attention(qkv[0], qkv[1], qkv[2])
        x = x + self.out(attended.transpose(1, 2).flatten(2))
        return x + self.down(F.gelu(self.up(self.norm_feed_forward(x))))


class WhisperEncoder(nn.Module):
    """wav (B, n) at 16 kHz, n <= 480,000 -> residual stream after the last layer kept, (B, n // 320, dim)."""

    filters: Tensor

    def __init__(self, dim: int = 512, n_heads: int = 8, n_layers: int = 3) -> None:
        super().__init__()
        self.dim = dim
        self.register_buffer("filters", mel_filters(), persistent=False)
        self.conv1, self.conv2 = nn.Conv1d(N_MELS, dim, 3, padding=1), nn.Conv1d(dim, dim, 3, stride=2, padding=1)
        self.position = nn.Parameter(torch.zeros(MAX_FRAMES, dim))
        self.layers = nn.ModuleList(EncoderLayer(dim, n_heads) for _ in range(n_layers))

    def forward(self, wav: Tensor) -> Tensor:
        """wav: (B, n) float32 in [-1, 1], n <= 480,000 samples -> (B, n // 320, dim)."""
        return self.of_mel(log_mel(wav, self.filters))[:, : wav.shape[1] // FRAME_LENGTH]

    def of_mel(self, mel: Tensor) -> Tensor:
        """mel: (B, 80, T) of log_mel -> (B, ceil(T / 2), dim)."""
        h = F.gelu(self.conv2(F.gelu(self.conv1(mel)))).transpose(1, 2)
        h = h + self.position[: h.shape[1]]
        for layer in self.layers:
            h = layer(h)
        return h
