"""The generator: what is said, at which pitch and level, in whose voice -> waveform.

ConvNeXt blocks (Liu et al. 2022) set by the speaker through AdaLN (Peebles & Xie 2023), attention from content to the
reference's frames, and an ISTFT head (Vocos, Siuzdak 2023) that filters a harmonic excitation and noise separately.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from autovoice.config import AudioConfig, ContentConfig, ModelConfig
from autovoice.models.speaker import EMBEDDING_DIM

CONTENT_NOISE, CONTENT_DROPOUT = 0.1, 0.1  # on the bottleneck while training: less of the source's voice passes


class Block(nn.Module):
    """ConvNeXt block over time whose norm and residual gain are set by the speaker."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv1d(dim, dim, 7, padding=3, groups=dim)
        self.ada, self.up, self.down = nn.Linear(dim, 3 * dim), nn.Linear(dim, 3 * dim), nn.Linear(3 * dim, dim)
        nn.init.zeros_(self.ada.weight)
        nn.init.zeros_(self.ada.bias)

    def forward(self, x: Tensor, spk: Tensor) -> Tensor:
        """x: (B, T, D), spk: (B, D) -> (B, T, D)."""
        scale, shift, gain = self.ada(spk)[:, None].chunk(3, -1)
        h = self.depthwise(x.transpose(1, 2)).transpose(1, 2)
        h = F.layer_norm(h, h.shape[-1:]) * (1 + scale) + shift
        return x + (1 + gain) * self.down(F.gelu(self.up(h))) * 0.5


class ReferenceAttention(nn.Module):
    """Each frame asks the reference how this voice says what it is saying: keys are content, values mel and content."""

    def __init__(self, dim: int, bottleneck: int, n_mels: int, n_heads: int) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.query, self.key, self.value = (
            nn.Linear(dim, dim),
            nn.Linear(bottleneck, dim),
            nn.Linear(n_mels + bottleneck, dim),
        )
        self.blocks = nn.ModuleList(Block(dim) for _ in range(2))
        self.merge = nn.Linear(dim, dim)
        nn.init.zeros_(self.merge.weight)  # starts as a no-op
        nn.init.zeros_(self.merge.bias)

    def forward(self, h: Tensor, ref: Tensor, ref_mel: Tensor, spk: Tensor) -> Tensor:
        """h: (B, T, D), ref: bottleneck of the reference (B, R, b), ref_mel: (B, R, n_mels), spk: (B, D) -> (B, T, D)."""
        value = self.value(torch.cat([ref_mel, ref], -1))
        for block in self.blocks:
            value = block(value, spk)
        query = self.query(F.layer_norm(h, h.shape[-1:]))
        q, k, v = (x.unflatten(-1, (self.n_heads, -1)).transpose(1, 2) for x in (query, self.key(ref), value))
        return h + self.merge(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))


class SourceFilterHead(nn.Module):
    """Frames -> spectral envelopes and phase that filter the excitation and the noise -> waveform."""

    window: Tensor

    def __init__(self, dim: int, n_fft: int, hop_length: int) -> None:
        super().__init__()
        self.n_fft, self.hop_length = n_fft, hop_length
        self.envelopes, self.phase = nn.Linear(dim, n_fft + 2), nn.Linear(dim, n_fft // 2 + 1)
        nn.init.zeros_(self.phase.weight)  # starts at the excitation's own phase
        nn.init.zeros_(self.phase.bias)
        self.register_buffer("window", torch.hann_window(n_fft), persistent=False)

    def _stft(self, wav: Tensor) -> Tensor:
        spectrum = torch.stft(wav, self.n_fft, self.hop_length, window=self.window, return_complex=True)
        return spectrum[..., : wav.shape[1] // self.hop_length]

    def forward(self, h: Tensor, excitation: Tensor, noise: Tensor) -> Tensor:
        """h: (B, T, D), excitation and noise: (B, T * hop_length) -> (B, T * hop_length)."""
        h = h.float()  # exponentials and spectra stay in float32 under mixed precision
        with torch.autocast(h.device.type, enabled=False):
            harmonic, breath = self.envelopes(h).transpose(1, 2).clamp(-12, 6).sub(2).exp().chunk(2, 1)
            turn = self.phase(h).transpose(1, 2)
            spectrum = self._stft(excitation) * torch.polar(harmonic, turn) + self._stft(noise) * breath
            spectrum = F.pad(spectrum, (0, 1))
            return torch.istft(spectrum, self.n_fft, self.hop_length, window=self.window, length=excitation.shape[1])


class Generator(nn.Module):
    """content, f0, loudness, excitation, noise + a voice (embedding, reference frames) -> wav."""

    def __init__(self, model: ModelConfig, audio: AudioConfig, content: ContentConfig) -> None:
        super().__init__()
        dim = model.dim
        self.bottleneck, self.inp = nn.Linear(content.dim, model.bottleneck), nn.Linear(model.bottleneck + 6, dim)
        self.spk = nn.Sequential(nn.Linear(EMBEDDING_DIM, dim), nn.GELU(), nn.Linear(dim, dim))
        self.content_blocks = nn.ModuleList(Block(dim) for _ in range(model.n_content_blocks))
        self.reference = ReferenceAttention(dim, model.bottleneck, audio.n_mels, model.n_heads)
        self.prosody = nn.Linear(3, dim)
        self.blocks = nn.ModuleList(Block(dim) for _ in range(model.n_blocks))
        self.head = SourceFilterHead(dim, audio.n_fft, audio.hop_length)

    def forward(
        self,
        content: Tensor,
        f0: Tensor,
        loudness: Tensor,
        excitation: Tensor,
        noise: Tensor,
        spk_emb: Tensor,
        ref_content: Tensor,
        ref_mel: Tensor,
    ) -> Tensor:
        """Returns wav (B, T * hop_length), T even.

        content: (B, T / 2, D) instance-normed; f0: (B, T) Hz, 0 = unvoiced; loudness: (B, T); excitation, noise:
        (B, T * hop_length), noise with deviation 0.1; spk_emb: (B, 256); ref_content: (B, R, D) and ref_mel:
        (B, R, n_mels), both at the content's 20 ms.
        """
        z, spk, ref = self.bottleneck(content), self.spk(spk_emb), self.bottleneck(ref_content)
        if self.training:
            z = F.dropout(z + CONTENT_NOISE * torch.randn_like(z), CONTENT_DROPOUT)
        log_f0 = torch.where(f0 > 0, torch.log2(f0.clamp(min=40) / 150), 0.0)
        prosody = torch.stack([log_f0, (f0 > 0).float(), loudness], -1)
        h = self.inp(torch.cat([z, prosody.unflatten(1, (-1, 2)).flatten(2)], -1))
        for block in self.content_blocks:  # at 20 ms
            h = block(h, spk)
        h = self.reference(h, ref, ref_mel, spk)
        h = h.repeat_interleave(2, 1) + self.prosody(prosody)
        for block in self.blocks:  # at 10 ms
            h = block(h, spk)
        return self.head(h, excitation, noise)
