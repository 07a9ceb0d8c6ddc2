"""Small discriminators on complex spectrograms (after Encodec's MS-STFT, Defossez et al. 2022) that know the voice asked for."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from autovoice.models.speaker import EMBEDDING_DIM


class SpectrogramDiscriminator(nn.Module):
    """Judges one resolution; magnitudes are compressed by a square root.

    The voice enters as a projection (Miyato & Koyama 2018): a score says whether audio is real, and of that voice.
    """

    window: Tensor

    def __init__(self, n_fft: int, channels: int) -> None:
        super().__init__()
        self.n_fft = n_fft
        self.register_buffer("window", torch.hann_window(n_fft), persistent=False)
        shapes = [
            (2, (3, 7), (1, 2), (1, 3)),
            *[(channels, (3, 9), (1, 2), (1, 4))] * 3,
            (channels, (3, 3), (1, 1), (1, 1)),
        ]
        self.layers = nn.ModuleList(weight_norm(nn.Conv2d(c, channels, k, s, p)) for c, k, s, p in shapes)
        self.score = weight_norm(nn.Conv2d(channels, 1, 3, padding=1))
        self.speaker = nn.Linear(EMBEDDING_DIM, channels, bias=False)
        nn.init.zeros_(self.speaker.weight)  # starts by judging realism alone

    def score_of(self, last: Tensor, spk_emb: Tensor) -> Tensor:
        """last: features of the last layer (B, C, F', T'), spk_emb: (B, 256) -> score map (B, 1, F', T')."""
        return self.score(last) + (self.speaker(spk_emb * EMBEDDING_DIM**0.5)[..., None, None] * last).sum(
            1, keepdim=True
        )

    def forward(self, wav: Tensor, spk_emb: Tensor) -> tuple[Tensor, list[Tensor]]:
        """wav: (B, n), spk_emb: (B, 256) -> score map (B, 1, F', T') and the features of each layer."""
        wav = wav / (wav.abs().amax(1, keepdim=True) + 1e-3) * 0.8
        spectrum = torch.stft(wav, self.n_fft, self.n_fft // 4, window=self.window, return_complex=True)
        h = torch.view_as_real(spectrum / spectrum.abs().clamp(min=1e-5).sqrt()).permute(0, 3, 2, 1)
        features = []
        for layer in self.layers:
            h = F.leaky_relu(layer(h), 0.1)
            features.append(h)
        return self.score_of(h, spk_emb), features


class Discriminators(nn.Module):
    """One discriminator a resolution."""

    def __init__(self, n_ffts: tuple[int, ...] = (512, 1024), channels: int = 16) -> None:
        super().__init__()
        self.each = nn.ModuleList(SpectrogramDiscriminator(n_fft, channels) for n_fft in n_ffts)

    @classmethod
    def at_rate(cls, sample_rate: int) -> "Discriminators":
        """Those that see as many hertz and milliseconds at sample_rate as the default ones at 16 kHz."""
        return cls((512 * sample_rate // 16000, 1024 * sample_rate // 16000))

    def forward(self, wav: Tensor, spk_emb: Tensor) -> list[tuple[Tensor, list[Tensor]]]:
        """wav: (B, n), spk_emb: (B, 256) -> a (score, features) pair a resolution."""
        return [judge(wav, spk_emb) for judge in self.each]

    def scores_as(self, judged: list[tuple[Tensor, list[Tensor]]], spk_emb: Tensor) -> list[Tensor]:
        """The scores that judged audio would get if other voices, spk_emb (B, 256), had been asked for."""
        pairs = zip(self.each, judged, strict=True)
        return [judge.score_of(features[-1], spk_emb) for judge, (_, features) in pairs]  # type: ignore[operator]
