"""The generator: what is said, at which pitch and level, in whose voice -> waveform.

ConvNeXt blocks (Liu et al. 2022) set by the speaker through AdaLN (Peebles & Xie 2023), attention from content to the
reference's frames, and an ISTFT head (Vocos, Siuzdak 2023) that filters a harmonic excitation and noise separately.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from autovoice.config import AudioConfig, ContentConfig, ModelConfig
from autovoice.models.depthwise import KERNEL, after_past
from autovoice.models.speaker import EMBEDDING_DIM

CONTENT_NOISE, CONTENT_DROPOUT = 0.1, 0.1  # on the bottleneck while training: less of the source's voice passes


class Block(nn.Module):
    """ConvNeXt block over time whose norm and residual gain are set by the speaker."""

    def __init__(self, dim: int, causal: bool = False) -> None:
        super().__init__()
        self.padding = (KERNEL - 1, 0) if causal else (KERNEL // 2, KERNEL // 2)
        self.depthwise = nn.Conv1d(dim, dim, KERNEL, groups=dim)
        self.ada, self.up, self.down = nn.Linear(dim, 3 * dim), nn.Linear(dim, 3 * dim), nn.Linear(3 * dim, dim)
        nn.init.zeros_(self.ada.weight)
        nn.init.zeros_(self.ada.bias)

    def forward(self, x: Tensor, spk: Tensor, past: Tensor | None = None) -> Tensor:
        """x: (B, T, D), spk: (B, D), past: the 6 frames before x (B, 6, D) of a stream, or None -> (B, T, D)."""
        return self.modulated(x, self.ada(spk)[:, None], past)

    def modulated(self, x: Tensor, ada: Tensor, past: Tensor | None = None) -> Tensor:
        """forward with ada(spk)[:, None] (B, 1, 3 D) known already: a stream has one speaker."""
        scale, shift, gain = ada.chunk(3, -1)
        if past is None:
            h = self.depthwise(F.pad(x.transpose(1, 2), self.padding)).transpose(1, 2)
        else:
            h = after_past(self.depthwise, torch.cat([past, x], 1))
        h = F.layer_norm(h, (self.depthwise.out_channels,)) * (1 + scale) + shift
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

    def _heads(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.n_heads, -1)).transpose(1, 2)

    def memory(self, ref: Tensor, ref_mel: Tensor, spk: Tensor) -> tuple[Tensor, Tensor]:
        """ref: bottleneck of the reference (B, R, b), ref_mel: (B, R, n_mels), spk: (B, D) -> its keys and values."""
        value = self.value(torch.cat([ref_mel, ref], -1))
        for block in self.blocks:
            value = block(value, spk)
        return self._heads(self.key(ref)), self._heads(value)

    def forward(self, h: Tensor, memory: tuple[Tensor, Tensor]) -> Tensor:
        """h: (B, T, D), memory: what memory() made of the reference -> (B, T, D)."""
        query = self._heads(self.query(F.layer_norm(h, (self.merge.out_features,))))
        return h + self.merge(F.scaled_dot_product_attention(query, *memory).transpose(1, 2).flatten(2))


class NoReference(nn.Module):
    """The embedding alone: what ReferenceAttention is compared with."""

    def memory(self, ref: Tensor, ref_mel: Tensor, spk: Tensor) -> None:
        """Nothing is kept of the reference's frames."""

    def forward(self, h: Tensor, memory: None) -> Tensor:
        """h: (B, T, D) -> the same."""
        return h


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

    def filters(self, h: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """h: (B, T, D) -> amplitude and phase that filter the excitation, amplitude of the noise, (B, T, n_fft // 2 + 1)."""
        harmonic, breath = self.envelopes(h).clamp(-12, 6).sub(2).exp().chunk(2, -1)
        return harmonic, self.phase(h), breath

    def filter(self, h: Tensor, excitation: Tensor, noise: Tensor) -> Tensor:
        """h: (B, T, D), spectra of excitation and noise (B, T, n_fft // 2 + 1) -> spectrum of the voice, as large."""
        harmonic, phase, breath = self.filters(h)
        return excitation * torch.polar(harmonic, phase) + noise * breath

    def forward(self, h: Tensor, excitation: Tensor, noise: Tensor) -> Tensor:
        """h: (B, T, D), excitation and noise: (B, T * hop_length) -> (B, T * hop_length)."""
        h = h.float()  # exponentials and spectra stay in float32 under mixed precision
        with torch.autocast(h.device.type, enabled=False):
            spectrum = self.filter(h, self._stft(excitation).transpose(1, 2), self._stft(noise).transpose(1, 2))
            spectrum = F.pad(spectrum.transpose(1, 2), (0, 1))
            return torch.istft(spectrum, self.n_fft, self.hop_length, window=self.window, length=excitation.shape[1])


class Generator(nn.Module):
    """content, f0, loudness, excitation, noise + a voice (embedding, reference frames) -> wav."""

    def __init__(self, model: ModelConfig, audio: AudioConfig, content: ContentConfig) -> None:
        super().__init__()
        dim, self.causal = model.dim, model.causal
        self.bottleneck, self.inp = nn.Linear(content.dim, model.bottleneck), nn.Linear(model.bottleneck + 6, dim)
        self.spk = nn.Sequential(nn.Linear(EMBEDDING_DIM, dim), nn.GELU(), nn.Linear(dim, dim))
        self.content_blocks = nn.ModuleList(Block(dim, model.causal) for _ in range(model.n_content_blocks))
        attends = ReferenceAttention(dim, model.bottleneck, audio.n_mels, model.n_heads) if model.n_heads else None
        self.reference = attends or NoReference()
        self.prosody = nn.Linear(3, dim)
        self.blocks = nn.ModuleList(Block(dim, model.causal) for _ in range(model.n_blocks))
        self.head = SourceFilterHead(dim, audio.output_n_fft, audio.output_hop)

    @staticmethod
    def prosody_of(f0: Tensor, loudness: Tensor) -> Tensor:
        """f0 in Hz and loudness (B, T) -> (B, T, 3): octaves re 150 Hz, voiced, loudness."""
        log_f0 = torch.where(f0 > 0, torch.log2(f0.clamp(min=40) / 150), 0.0)
        return torch.stack([log_f0, (f0 > 0).float(), loudness], -1)

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
        """Returns wav (B, T * output_hop), T even.

        content: (B, T / 2, D) instance-normed; f0: (B, T) Hz, 0 = unvoiced; loudness: (B, T); excitation, noise:
        (B, T * output_hop), noise with deviation 0.1; spk_emb: (B, 256); ref_content: (B, R, D) and ref_mel:
        (B, R, n_mels), both at the content's 20 ms.
        """
        return self.speak(content, f0, loudness, excitation, noise, *self.hear(spk_emb, ref_content, ref_mel))

    def hear(self, spk_emb: Tensor, ref_content: Tensor, ref_mel: Tensor) -> tuple[Tensor, Any]:
        """What speak() needs of a voice, whatever it says: the embedding as blocks take it, and the reference's memory."""
        spk = self.spk(spk_emb)
        return spk, self.reference.memory(self.bottleneck(ref_content), ref_mel, spk)

    def speak(
        self, content: Tensor, f0: Tensor, loudness: Tensor, excitation: Tensor, noise: Tensor, spk: Tensor, memory: Any
    ) -> Tensor:
        """As forward(), in a voice that hear() has heard."""
        z = self.bottleneck(content)
        if self.training:
            z = F.dropout(z + CONTENT_NOISE * torch.randn_like(z), CONTENT_DROPOUT)
        prosody = self.prosody_of(f0, loudness)
        h = self.inp(torch.cat([z, prosody.unflatten(1, (-1, 2)).flatten(2)], -1))
        for block in self.content_blocks:  # at 20 ms
            h = block(h, spk)
        h = self.reference(h, memory)
        h = h.repeat_interleave(2, 1) + self.prosody(prosody)
        for block in self.blocks:  # at 10 ms
            h = block(h, spk)
        return self.head(h, excitation, noise)
