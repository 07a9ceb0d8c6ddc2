"""Small discriminators on complex spectrograms (after Encodec's MS-STFT, Defossez et al. 2022)."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm


class SpectrogramDiscriminator(nn.Module):
    """Judges one resolution; magnitudes are compressed by a square root."""

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

    def forward(self, wav: Tensor) -> tuple[Tensor, list[Tensor]]:
        """wav: (B, n) -> score map (B, 1, F', T') and the features of each layer."""
        wav = wav / (wav.abs().amax(1, keepdim=True) + 1e-3) * 0.8
        spectrum = torch.stft(wav, self.n_fft, self.n_fft // 4, window=self.window, return_complex=True)
        h = torch.view_as_real(spectrum / spectrum.abs().clamp(min=1e-5).sqrt()).permute(0, 3, 2, 1)
        features = []
        for layer in self.layers:
            h = F.leaky_relu(layer(h), 0.1)
            features.append(h)
        return self.score(h), features


class Discriminators(nn.Module):
    """One discriminator a resolution."""

    def __init__(self, n_ffts: tuple[int, ...] = (512, 1024), channels: int = 16) -> None:
        super().__init__()
        self.each = nn.ModuleList(SpectrogramDiscriminator(n_fft, channels) for n_fft in n_ffts)

    def forward(self, wav: Tensor) -> list[tuple[Tensor, list[Tensor]]]:
        """wav: (B, n) -> a (score, features) pair a resolution."""
        return [judge(wav) for judge in self.each]
