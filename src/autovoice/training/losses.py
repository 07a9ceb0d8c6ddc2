"""Losses of the generator and the discriminators: tensors in, scalars out."""

from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

from autovoice.torchaudio_compat import torchaudio

N_FFTS = (512, 1024, 2048)
Judgement = list[tuple[Tensor, list[Tensor]]]


def magnitude(wav: Tensor, n_fft: int) -> Tensor:
    """wav (B, n) -> STFT magnitudes (B, n_fft // 2 + 1, frames), hop n_fft // 4."""
    window = torch.hann_window(n_fft, device=wav.device)
    return torch.stft(wav, n_fft, n_fft // 4, window=window, return_complex=True).abs().clamp(min=1e-5)


def multi_resolution_stft(fake: Tensor, real: Tensor) -> tuple[Tensor, Tensor]:
    """(spectral convergence, log-magnitude L1) summed over three resolutions (Yamamoto et al. 2020)."""
    convergence, log_l1 = fake.new_zeros(()), fake.new_zeros(())
    for n_fft in N_FFTS:
        f, r = magnitude(fake, n_fft), magnitude(real, n_fft)
        convergence = convergence + (f - r).norm() / r.norm().clamp(min=1e-3)
        log_l1 = log_l1 + F.l1_loss(f.log(), r.log())
    return convergence, log_l1


@cache
def _mel_transform(sample_rate: int) -> torch.nn.Module:
    return torchaudio.transforms.MelSpectrogram(
        sample_rate, 1024, hop_length=256, n_mels=80, power=1.0, norm="slaney", mel_scale="slaney"
    )


def log_mel(wav: Tensor, sample_rate: int) -> Tensor:
    """wav (B, T) -> autovoice.audio.mel.log_mel of 80 bands, 1024 points, hop 256, to be learnt through: (B, 80, frames)."""
    return _mel_transform(sample_rate).to(wav.device)(wav).clamp(min=1e-5).log()


def mel_l1(fake: Tensor, real: Tensor, sample_rate: int) -> Tensor:
    """L1 between natural-log mels (80 bands, 1024 points, hop 256)."""
    return F.l1_loss(log_mel(fake, sample_rate), log_mel(real, sample_rate))


def discriminator_loss(real: Judgement, fake: Judgement, mismatched: list[Tensor] | None = None) -> Tensor:
    """Least-squares GAN (Mao et al. 2017): real to 1, fake to 0.

    mismatched: scores of real audio as another's voice, also to 0 (matching-aware, Reed et al. 2016), at half weight.
    """
    losses = [(1 - r).square().mean() + f.square().mean() for (r, _), (f, _) in zip(real, fake, strict=True)]
    wrong = [0.5 * score.square().mean() for score in mismatched or []]
    return torch.stack(losses + wrong).sum()


def generator_adversarial_loss(fake: Judgement) -> Tensor:
    """Least-squares GAN: fake to 1."""
    return torch.stack([(1 - score).square().mean() for score, _ in fake]).sum()


def feature_matching_loss(real: Judgement, fake: Judgement) -> Tensor:
    """L1 between discriminator features, relative to the real ones' level; fake may have more rows after real's."""
    pairs = [
        (r.detach(), f[: len(r)])
        for (_, rs), (_, fs) in zip(real, fake, strict=True)
        for r, f in zip(rs, fs, strict=True)
    ]
    return torch.stack([F.l1_loss(f, r) / r.abs().mean().clamp(min=1e-3) for r, f in pairs]).mean()
