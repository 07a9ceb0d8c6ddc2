"""The generator and the student as streams: two frames in, two hops of audio out, all state explicit.

What forward() makes of a whole recording this makes frame by frame, with one difference: the excitation under the future
half of a frame's window is extrapolated at the frame's own pitch.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from autovoice.models.depthwise import KERNEL
from autovoice.models.excitation import HIGHEST_HARMONIC, LOWEST_F0_HZ
from autovoice.models.generator import Block, Generator
from autovoice.models.student import StudentEncoder
from autovoice.models.whisper import N_MELS


def pulse(cycles: Tensor, f: Tensor, sample_rate: int) -> Tensor:
    """The harmonic excitation at a phase in cycles and a pitch f in Hz, of any equal shape."""
    n_harmonics = (HIGHEST_HARMONIC * sample_rate / f).floor()
    half = torch.sin(math.pi * cycles)
    peak = half.abs() < 1e-3
    ratio = torch.sin((2 * n_harmonics + 1) * math.pi * cycles) / torch.where(peak, 1.0, half)
    kernel = torch.where(peak, 2 * n_harmonics + 1, ratio)
    return (kernel - 1) / torch.sqrt(2 * n_harmonics) * 0.3


class GeneratorStream:
    """One voice, one stream. Output lags the frames by half the window of the inverse STFT less a hop."""

    def __init__(
        self,
        generator: Generator,
        sample_rate: int,
        spk_emb: Tensor,
        ref_content: Tensor,
        ref_mel: Tensor,
        seed: int = 0,
    ) -> None:
        """spk_emb: (256,), ref_content: (R, D), ref_mel: (R, n_mels); the generator must be causal and in eval mode."""
        if not generator.causal:
            raise ValueError("only a causal generator can stream")
        self.generator, self.sample_rate = generator, sample_rate
        self.hop, self.n_fft = generator.head.hop_length, generator.head.n_fft
        with torch.no_grad():
            self.spk, self.memory = generator.hear(spk_emb[None], ref_content[None], ref_mel[None])
            blocks = [*generator.content_blocks, *generator.blocks]
            self.ada = [block.ada(self.spk)[:, None] for block in blocks]
        self.past = [torch.zeros(1, KERNEL - 1, self.spk.shape[1]) for _ in blocks]
        self.random = torch.Generator().manual_seed(seed)
        half = self.n_fft // 2
        self.excitation, self.noise = torch.zeros(half), self._more_noise(half)
        self.f0, self.voiced, self.phase = 0.0, False, 0.0
        self.overlap, self.weight = torch.zeros(self.n_fft), torch.zeros(self.n_fft)

    @property
    def lag(self) -> int:
        """Samples that the output is late by."""
        return self.n_fft // 2 - self.hop

    def _more_noise(self, n: int) -> Tensor:
        return 0.1 * torch.randn(n, generator=self.random)

    @torch.no_grad()
    def step(self, content: Tensor, f0: Tensor, f0_filled: Tensor, loudness: Tensor) -> Tensor:
        """content: (n, D), f0, f0_filled, loudness: (2 n,) -> wav (2 n * hop,), `lag` samples late."""
        g = self.generator
        prosody = g.prosody_of(f0[None], loudness[None])
        h = g.inp(torch.cat([g.bottleneck(content[None]), prosody.unflatten(1, (-1, 2)).flatten(2)], -1))
        past = iter(range(len(self.past)))
        for block in g.content_blocks:
            h = self._block(block, h, next(past))  # type: ignore[arg-type]
        h = g.reference(h, self.memory)
        h = h.repeat_interleave(2, 1) + g.prosody(prosody)
        for block in g.blocks:
            h = self._block(block, h, next(past))  # type: ignore[arg-type]
        parts = [self._frame(h[:, i], float(f0_filled[i]), bool(f0[i] > 0)) for i in range(len(f0))]
        return torch.cat(parts)

    def _block(self, block: Block, x: Tensor, i: int) -> Tensor:
        past, self.past[i] = self.past[i], torch.cat([self.past[i], x], 1)[:, -(KERNEL - 1) :]
        return block.modulated(x, self.ada[i], past)

    def _frame(self, h: Tensor, f0: float, voiced: bool) -> Tensor:
        """One frame of the inverse STFT; returns the hop of samples that nothing later will change."""
        head, half = self.generator.head, self.n_fft // 2
        self._advance(max(f0, LOWEST_F0_HZ), voiced)
        cycles = self.phase + self.f0 / self.sample_rate * torch.arange(half, dtype=torch.float64)
        ahead = pulse((cycles % 1).float(), torch.full((half,), self.f0), self.sample_rate) * float(self.voiced)
        self.noise = torch.cat([self.noise, self._more_noise(self.n_fft - len(self.noise))])
        both = torch.stack([torch.cat([self.excitation, ahead]), self.noise]) * head.window
        spectra = torch.fft.rfft(both)
        frame = torch.fft.irfft(head.filter(h[None], spectra[None, :1], spectra[None, 1:])[0, 0], self.n_fft)
        self.overlap += frame * head.window
        self.weight += head.window.square()
        done = self.overlap[: self.hop] / self.weight[: self.hop].clamp(min=1e-8)
        self.overlap, self.weight = (F.pad(x[self.hop :], (0, self.hop)) for x in (self.overlap, self.weight))
        self.noise = self.noise[self.hop :]
        return done

    def _advance(self, f0: float, voiced: bool) -> None:
        """Extends the excitation by the hop before this frame, as harmonic_excitation does between two frames."""
        before = self.f0 or f0
        ramp = torch.arange(self.hop, dtype=torch.float64) / self.hop
        f = before + (f0 - before) * ramp
        cycles = self.phase + torch.cat([torch.zeros(1, dtype=torch.float64), f.cumsum(0)]) / self.sample_rate
        gate = torch.where(ramp < 0.5, float(self.voiced), float(voiced)).float()
        between = pulse((cycles[:-1] % 1).float(), f.float(), self.sample_rate) * gate
        if self.f0:  # nothing comes before the first frame
            self.excitation = torch.cat([self.excitation, between])[-(self.n_fft // 2) :]
            self.phase = float(cycles[-1] % 1)
        self.f0, self.voiced = f0, voiced


class StudentStream:
    """The causal content encoder on a stream: the audio of one or more 20 ms frames in, their content out."""

    def __init__(self, student: StudentEncoder) -> None:
        self.student = student
        dim = student.norm.normalized_shape[0]
        self.stem_past = torch.full((1, 2 * N_MELS, 2), 0.0)
        self.past = [torch.zeros(1, KERNEL - 1, dim) for _ in student.blocks]

    @torch.no_grad()
    def step(self, wav: Tensor) -> Tensor:
        """wav: (320 n + 240,) at 16 kHz, from 200 samples before the first frame's start -> content (n, D)."""
        pairs = torch.cat([self.stem_past, self.student.mel_pairs(wav[None])], -1)
        self.stem_past = pairs[..., -2:]
        h = self.student.stem(pairs).transpose(1, 2)
        for i, block in enumerate(self.student.blocks):
            past, self.past[i] = self.past[i], torch.cat([self.past[i], h], 1)[:, -(KERNEL - 1) :]
            h = block(h, past)
        return self.student.out(self.student.norm(h))[0]
