"""The generator and the student with all state explicit: what they remember of the past goes in and comes out.

From a past of zeros a whole recording gives what forward() gives; frame by frame it gives the same again. These are the
modules that are exported.
"""

import torch
from torch import Tensor, nn

from autovoice.models.depthwise import KERNEL
from autovoice.models.generator import Block, Generator
from autovoice.models.student import StudentEncoder


class Hearing(nn.Module):
    """What the generator needs of a voice, whatever it says."""

    def __init__(self, generator: Generator) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, spk_emb: Tensor, ref_content: Tensor, ref_mel: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """spk_emb (B, 256), ref_content (B, R, D), ref_mel (B, R, n_mels) -> modulation of each block (B, L, 3 D), and the
        reference's keys and values (B, heads, R, D / heads); one number each for a generator without attention."""
        spk, memory = self.generator.hear(spk_emb, ref_content, ref_mel)
        ada = torch.stack([block.ada(spk) for block in blocks_of(self.generator)], 1)  # type: ignore[operator]
        none = spk[:, None, None, :1]
        return ada, *(memory or (none, none))


class GeneratorStep(nn.Module):
    """Frames and the state before them -> spectral filters and the state after them."""

    def __init__(self, generator: Generator) -> None:
        super().__init__()
        self.generator = generator

    @property
    def n_blocks(self) -> int:
        """Blocks that have a past."""
        return len(blocks_of(self.generator))

    def no_past(self, batch: int) -> Tensor:
        """The state before a recording, (B, L, 6, D)."""
        weight = self.generator.prosody.weight
        return weight.new_zeros(batch, self.n_blocks, KERNEL - 1, weight.shape[0])

    def forward(
        self, content: Tensor, f0: Tensor, loudness: Tensor, past: Tensor, ada: Tensor, keys: Tensor, values: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """content (B, T, D), f0 and loudness (B, 2 T), past (B, L, 6, D), ada, keys and values of Hearing -> harmonic,
        phase, breath (B, 2 T, bins) and the next past. Without causality the past is not looked at."""
        g, after = self.generator, []
        prosody = g.prosody_of(f0, loudness)
        h = g.inp(torch.cat([g.bottleneck(content), prosody.reshape(*content.shape[:2], 6)], -1))
        n_content = len(g.content_blocks)
        for i, block in enumerate(blocks_of(g)):
            if i == n_content:
                h = g.reference(h, (keys, values))
                h = h[:, :, None].expand(-1, -1, 2, -1).flatten(1, 2) + g.prosody(prosody)
            assert isinstance(block, Block)
            after.append(torch.cat([past[:, i], h], 1)[:, 1 - KERNEL :])
            h = block.modulated(h, ada[:, i, None], past[:, i] if g.causal else None)
        return *g.head.filters(h), torch.stack(after, 1)


class StudentStep(nn.Module):
    """Mel pairs and the state before them -> content and the state after them."""

    def __init__(self, student: StudentEncoder) -> None:
        super().__init__()
        self.student = student

    def no_past(self, batch: int) -> tuple[Tensor, Tensor]:
        """The state before a recording: pairs (B, 160, 2) and frames (B, L, 6, D)."""
        weight = self.student.stem.weight
        blocks = weight.new_zeros(batch, len(self.student.blocks), KERNEL - 1, weight.shape[0])
        return weight.new_zeros(batch, weight.shape[1], 2), blocks

    def forward(self, pairs: Tensor, stem_past: Tensor, past: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """pairs (B, 160, T), stem_past (B, 160, 2), past (B, L, 6, D) -> content (B, T, D) and both states."""
        pairs, after = torch.cat([stem_past, pairs], -1), []
        h = self.student.stem(pairs).transpose(1, 2)
        for i, block in enumerate(self.student.blocks):
            after.append(torch.cat([past[:, i], h], 1)[:, 1 - KERNEL :])
            h = block(h, past[:, i])
        return self.student.out(self.student.norm(h)), pairs[..., -2:], torch.stack(after, 1)


def blocks_of(generator: Generator) -> list[nn.Module]:
    """The blocks of a generator in their order: at 20 ms, then at 10 ms."""
    return [*generator.content_blocks, *generator.blocks]
