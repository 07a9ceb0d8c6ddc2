"""Spleeter, two stems: two U-Nets guess the magnitudes of vocal and accompaniment, and their ratio masks the song.

Hennequin et al. 2020, "Spleeter: a fast and efficient music source separation tool with pre-trained models". As there: frames of
4096 samples every 1024, 1024 bins (11 kHz), segments of 512 frames, the ratio of squares. Other than there: segments overlap
by a second and a half and fade into each other, so that no join is heard; and above 11 kHz, where the weights know nothing,
the vocal has the share that it has from 5.5 to 11 kHz.
"""

import itertools
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from autovoice.assets import asset_path
from autovoice.separation.tensorflow_checkpoint import read_checkpoint
from autovoice.separation.unet import UNet, unet_from

N_FFT, HOP, N_BINS = 4096, 1024, 1024
SEGMENT, OVERLAP = 512, 64  # frames
EPSILON = 1e-10
NAME = "spleeter"


def load_unets() -> tuple[UNet, UNet]:
    """The networks of vocal and accompaniment; raises AssetError where the weights cannot be had."""
    folder = asset_path(NAME)
    variables = read_checkpoint(folder / "model.index", folder / "model.data-00000-of-00001")
    return unet_from(variables, 0), unet_from(variables, 1)


class Spleeter:
    """Holds 79 MB of weights, and of a song no more than a segment of 12 s; the result does not depend on the blocks."""

    name = NAME

    def __init__(self, unets: tuple[UNet, UNet] | None = None) -> None:
        self.unets = unets or load_unets()
        self.window = torch.hann_window(N_FFT)

    def vocals(self, blocks: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
        """As Separator.vocals."""
        n_samples = 0

        def counted() -> Iterator[np.ndarray]:
            nonlocal n_samples
            for block in blocks:
                n_samples += len(block)
                yield block

        lead, n_out = N_FFT - HOP, 0  # frames begin that long before the song, so that its first sample is in four
        for wav in _overlap_add(self._masked(_frames(counted(), self.window)), self.window):
            wav, lead = wav[lead:], max(0, lead - len(wav))
            part = wav[: n_samples - n_out] if n_out + len(wav) > n_samples else wav
            n_out += len(part)
            if len(part):
                yield part

    def _masked(self, frames: Iterator[Tensor]) -> Iterator[Tensor]:
        """Spectra (n, 2, bins) of the song, however many at once -> (m, 2, bins) of the vocal, as many in all."""
        step = SEGMENT - OVERLAP
        rise = torch.linspace(0, 1, OVERLAP + 2)[1:-1, None, None]
        held, tail = torch.zeros(0, 2, N_FFT // 2 + 1, dtype=torch.complex64), torch.zeros(0)
        for new in itertools.chain(frames, [None]):
            if new is not None:
                held = torch.cat([held, new])
            while len(held) >= SEGMENT if new is not None else len(held) > (OVERLAP if len(tail) else 0):
                mask = self._mask(held[:SEGMENT])
                if len(tail):
                    mask[:OVERLAP] = tail * (1 - rise[: len(mask)]) + mask[:OVERLAP] * rise[: len(mask)]
                last = new is None and len(held) <= SEGMENT
                n = len(mask) if last else step
                yield mask[:n] * held[:n]
                tail, held = mask[n:], held[n:]

    @torch.no_grad()
    def _mask(self, spectra: Tensor) -> Tensor:
        """(n <= 512, 2, bins) -> the vocal's share (n, 2, bins), 0 to 1."""
        magnitude = spectra[..., :N_BINS].abs().permute(1, 0, 2)[None]
        padded = torch.nn.functional.pad(magnitude, (0, 0, 0, SEGMENT - len(spectra)))
        vocal, rest = (net(padded)[0, :, : len(spectra)].square() for net in self.unets)
        share = ((vocal + EPSILON / 2) / (vocal + rest + EPSILON)).permute(1, 0, 2)
        above = share[..., N_BINS // 2 :].mean(-1, keepdim=True)
        return torch.cat([share, above.expand(-1, -1, spectra.shape[-1] - N_BINS)], -1)


def _frames(blocks: Iterator[np.ndarray], window: Tensor) -> Iterator[Tensor]:
    """Blocks (n, 2) -> spectra (m, 2, bins) of frames every 1024 samples, the first 3072 before the song's start."""
    held = np.zeros((N_FFT - HOP, 2), np.float32)
    for block in itertools.chain(blocks, [np.zeros((N_FFT, 2), np.float32)]):
        held = np.concatenate([held, block])
        n = (len(held) - N_FFT) // HOP + 1
        if n > 0:
            frames = torch.from_numpy(held).T.unfold(1, N_FFT, HOP)
            yield torch.fft.rfft(frames * window).permute(1, 0, 2)
            held = held[n * HOP :]


def _overlap_add(spectra: Iterator[Tensor], window: Tensor) -> Iterator[np.ndarray]:
    """Inverse of _frames: blocks (n, 2); a squared Hann window adds up to 3/2 at a quarter of its length."""
    carry = torch.zeros(2, N_FFT - HOP)
    for block in spectra:
        frames = torch.fft.irfft(block, N_FFT) * (window * 2 / 3)  # (m, 2, N_FFT)
        n = len(frames)
        out = torch.zeros(2, n * HOP + N_FFT - HOP)
        out[:, : N_FFT - HOP] = carry
        for i in range(N_FFT // HOP):  # the i-th quarter of every frame is the next block of 1024 i samples on
            out[:, i * HOP : (i + n) * HOP] += (
                frames[:, :, i * HOP : (i + 1) * HOP].permute(1, 0, 2).reshape(2, n * HOP)
            )
        carry = out[:, n * HOP :]
        yield out[:, : n * HOP].T.numpy()
