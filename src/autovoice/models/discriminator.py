"""Small discriminators that know the voice asked for: on complex spectrograms (after Encodec's MS-STFT, Defossez et al. 2022)
and on every p-th sample (HiFi-GAN's multi-period, Kong et al. 2020), which hears what a spectrogram smooths over.
"""

import itertools
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors import safe_open
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from autovoice.errors import AssetError
from autovoice.models.speaker import EMBEDDING_DIM

N_FFTS, PERIODS = (512, 1024), (2, 3, 7)
LARGE_N_FFTS, LARGE_PERIODS = (256, 512, 1024), (2, 3, 5, 7, 11)
N_KEPT = len(N_FFTS) + len(PERIODS)  # judges that weights files hold


def judge_of(name: str) -> int:
    """Which of Discriminators.each a parameter belongs to: each.3.score.bias -> 3."""
    return int(name.split(".")[1])


class Judge(nn.Module):
    """Layers and a score over an image of the audio, which a subclass draws.

    The voice enters as a projection (Miyato & Koyama 2018): a score says whether audio is real, and of that voice.
    """

    def __init__(self, layers: list[nn.Conv2d], score_kernel: tuple[int, int]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(weight_norm(layer) for layer in layers)
        channels, padding = layers[-1].out_channels, (score_kernel[0] // 2, score_kernel[1] // 2)
        self.score = weight_norm(nn.Conv2d(channels, 1, score_kernel, padding=padding))
        self.speaker = nn.Linear(EMBEDDING_DIM, channels, bias=False)
        nn.init.zeros_(self.speaker.weight)  # starts by judging realism alone

    def image(self, wav: Tensor) -> Tensor:
        """wav: (B, n), peak 0.8 -> (B, C, height, width)."""
        raise NotImplementedError

    def score_of(self, last: Tensor, spk_emb: Tensor) -> Tensor:
        """last: features of the last layer (B, C, F', T'), spk_emb: (B, 256) -> score map (B, 1, F', T')."""
        voice = self.speaker(spk_emb * EMBEDDING_DIM**0.5)[..., None, None]
        return self.score(last) + (voice * last).sum(1, keepdim=True)

    def forward(self, wav: Tensor, spk_emb: Tensor) -> tuple[Tensor, list[Tensor]]:
        """wav: (B, n), spk_emb: (B, 256) -> score map (B, 1, F', T') and the features of each layer."""
        h = self.image(wav / (wav.abs().amax(1, keepdim=True) + 1e-3) * 0.8)
        features = []
        for layer in self.layers:
            h = F.leaky_relu(layer(h), 0.1)
            features.append(h)
        return self.score_of(h, spk_emb), features


class SpectrogramDiscriminator(Judge):
    """Judges one resolution; magnitudes are compressed by a square root."""

    window: Tensor

    def __init__(self, n_fft: int, channels: int) -> None:
        shapes = [
            (2, (3, 7), (1, 2), (1, 3)),
            *[(channels, (3, 9), (1, 2), (1, 4))] * 3,
            (channels, (3, 3), (1, 1), (1, 1)),
        ]
        super().__init__([nn.Conv2d(c, channels, k, s, p) for c, k, s, p in shapes], (3, 3))
        self.n_fft = n_fft
        self.register_buffer("window", torch.hann_window(n_fft), persistent=False)

    def image(self, wav: Tensor) -> Tensor:
        """wav: (B, n) -> its spectrum, real and imaginary (B, 2, frames, bins)."""
        spectrum = torch.stft(wav, self.n_fft, self.n_fft // 4, window=self.window, return_complex=True)
        return torch.view_as_real(spectrum / spectrum.abs().clamp(min=1e-5).sqrt()).permute(0, 3, 2, 1)


class PeriodDiscriminator(Judge):
    """Judges each of the `period` phases of the audio, which is folded into that many columns."""

    def __init__(self, period: int, channels: int) -> None:
        sizes = [1, channels // 2, channels * 2, channels * 4, channels * 8]
        pairs = itertools.pairwise(sizes)
        layers = [nn.Conv2d(i, o, (5, 1), (3, 1), (2, 0)) for i, o in pairs]
        super().__init__([*layers, nn.Conv2d(sizes[-1], sizes[-1], (3, 1), 1, (1, 0))], (3, 1))
        self.period = period

    def image(self, wav: Tensor) -> Tensor:
        """wav: (B, n) -> (B, 1, n / period, period)."""
        return wav[:, : wav.shape[1] // self.period * self.period].unflatten(1, (-1, self.period))[:, None]


class Discriminators(nn.Module):
    """One discriminator a resolution, and one a period."""

    def __init__(
        self, n_ffts: tuple[int, ...] = N_FFTS, channels: int = 16, periods: tuple[int, ...] = PERIODS
    ) -> None:
        super().__init__()
        spectral = [SpectrogramDiscriminator(n_fft, channels) for n_fft in n_ffts]
        self.each = nn.ModuleList([*spectral, *(PeriodDiscriminator(period, channels) for period in periods)])

    @classmethod
    def at_rate(cls, sample_rate: int, large: bool = False) -> "Discriminators":
        """Those that see as many hertz and milliseconds at sample_rate as the default ones at 16 kHz.

        large: and, after them, larger ones at more resolutions and periods, which weights files leave out: a GPU trains
        the base with them, adaptation on a CPU would wait for them.
        """
        scale = sample_rate / 16000
        own = cls(tuple(int(n_fft * scale) for n_fft in N_FFTS))
        if large:
            own.each.extend(cls(tuple(int(n_fft * scale) for n_fft in LARGE_N_FFTS), 32, LARGE_PERIODS).each)
        return own

    def only_those_in(self, weights: Path) -> "Discriminators":
        """The same without those that a weights file was not trained with: an untrained judge teaches nothing true.

        Raises AssetError where the file has none.
        """
        prefix = "discriminators."
        with safe_open(weights, "pt") as stream:
            known = {judge_of(name.removeprefix(prefix)) for name in stream.keys() if name.startswith(prefix)}  # noqa: SIM118
        if not known:
            raise AssetError("holds no discriminators", str(weights), "adapt from a base that pretraining wrote")
        self.each = nn.ModuleList(judge for i, judge in enumerate(self.each) if i in known)
        return self

    def forward(self, wav: Tensor, spk_emb: Tensor) -> list[tuple[Tensor, list[Tensor]]]:
        """wav: (B, n), spk_emb: (B, 256) -> a (score, features) pair each."""
        return [judge(wav, spk_emb) for judge in self.each]

    def scores_as(self, judged: list[tuple[Tensor, list[Tensor]]], spk_emb: Tensor) -> list[Tensor]:
        """The scores that judged audio would get if other voices, spk_emb (B, 256), had been asked for."""
        pairs = zip(self.each, judged, strict=True)
        return [judge.score_of(features[-1], spk_emb) for judge, (_, features) in pairs]  # type: ignore[operator]
