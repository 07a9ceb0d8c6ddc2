"""Training segments: batch number i is a function of (seed, i) alone, so that a killed run resumes exactly."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch.utils.data import Dataset

from autovoice.audio.bandwidth import bandwidth_hz
from autovoice.audio.excitation import fill_unvoiced
from autovoice.config import AudioConfig
from autovoice.training.flat import FlatItems, Item


@dataclass
class SegmentConfig:
    """Sizes of a batch; times in seconds."""

    batch_size: int = 12
    segment_s: float = 1.28
    reference_s: float = 2.0
    reference_max_s: float = 2.0
    perturb: float = 0.0  # probability of content taken from a copy in another voice


def load_item(path: Path) -> Item:
    """Features of one recording as safetensors; adds f0_filled."""
    item = load_file(path)
    item["f0_filled"] = torch.from_numpy(fill_unvoiced(item["f0"].numpy()))
    return item


def target_of(wav: np.ndarray, n_frames: int, audio: AudioConfig) -> Item:
    """wav (T,) at audio.output_rate -> wav (n_frames * output_hop,) int16, and band_hz (), up to which it has content."""
    n = n_frames * audio.output_hop
    pcm = (np.clip(np.pad(wav, (0, max(0, n - len(wav))))[:n], -1, 1) * 32767).astype(np.int16)
    return {"wav": torch.from_numpy(pcm), "band_hz": torch.tensor(bandwidth_hz(wav, audio.output_rate))}


class SegmentBatches(Dataset[Item]):
    """Batch i (not item i) of segments, each with a reference of the same voice from elsewhere, as row numbers of FlatItems.

    Segments have one length and so have the references of a batch: there is nothing to bucket by length.
    groups: the recordings of each voice; weights: how often each voice is drawn.
    """

    def __init__(
        self,
        groups: list[list[Item]],
        cfg: SegmentConfig,
        audio: AudioConfig,
        seed: int,
        weights: np.ndarray | None = None,
    ) -> None:
        self.cfg, self.seed = cfg, seed
        p = np.ones(len(groups)) if weights is None else weights
        self.p = p / p.sum()
        items = [item for group in groups for item in group]
        self.flat = FlatItems(items, audio)
        self.copies = [self.flat.copies_of(item) for item in items]
        ends = np.cumsum([len(group) for group in groups])
        self.groups = [np.arange(end - len(group), end) for group, end in zip(groups, ends, strict=True)]
        self.sizes = [np.array([self.flat.sizes[i] for i in group], np.float64) for group in self.groups]

    def __getitem__(self, index: int) -> Item:
        """rows and ref_rows: (B, T / 2) and (B, R) of the segments and references; content: (B,) which of the contents;
        target and voice: (B,) recordings that speak and that the embedding is of."""
        rng = np.random.default_rng([self.seed, index])
        n_reference = int(rng.uniform(self.cfg.reference_s, self.cfg.reference_max_s) * 50)
        rows = [
            self._row(int(voice), n_reference, rng)
            for voice in rng.choice(len(self.groups), self.cfg.batch_size, p=self.p)
        ]
        return {name: torch.stack([row[name] for row in rows]) for name in rows[0]}

    def _row(self, voice: int, n_reference: int, rng: np.random.Generator) -> Item:
        group, sizes = self.groups[voice], self.sizes[voice]
        target = int(rng.choice(group, p=sizes / sizes.sum()))
        n_content, n = round(self.cfg.segment_s * 50), self.flat.sizes[target]
        start = int(rng.integers(0, max(1, n - n_content + 1)))
        content = self._content_of(target, rng)
        other = int(rng.choice(group, p=sizes / sizes.sum()))
        n_other = self.flat.sizes[other]
        if other == target:  # from elsewhere in the same recording, as far away as it can be
            free = [
                f
                for f in range(0, max(1, n - n_reference + 1), 5)
                if f + n_reference <= start or f >= start + n_content
            ]
            at = int(rng.choice(free)) if free else (0 if start > n - start - n_content else max(0, n - n_reference))
        else:
            at = int(rng.integers(0, max(1, n_other - n_reference + 1)))
        return {
            "rows": self.flat.rows(target, start, n_content),
            "ref_rows": self.flat.starts[other] + (at + torch.arange(n_reference)) % n_other,
            "content": torch.tensor(content),
            "target": torch.tensor(target),
            "voice": torch.tensor(other if rng.random() < 0.5 else target),
        }

    def _content_of(self, item: int, rng: np.random.Generator) -> int:
        copies = self.copies[item]
        return copies[int(rng.integers(len(copies)))] if copies and rng.random() < self.cfg.perturb else 0

    def read(self, plan: Item) -> Item:
        """What __getitem__ drew, on the plan's device, as GeneratorTraining takes it."""
        rows, ref_rows, flat = plan["rows"], plan["ref_rows"], self.flat.to(plan["rows"].device)
        return {
            "content": flat.contents[plan["content"][:, None], rows].float(),
            "said": flat.contents[0, rows].float(),
            "f0": flat.read("f0", rows),
            "f0_filled": flat.read("f0_filled", rows).clamp(min=40),
            "loudness": flat.read("loudness", rows),
            "wav": flat.read("wav", rows).float() / 32767,
            "band_hz": flat.each["band_hz"][plan["target"]],
            "ref_content": flat.contents[0, ref_rows].float(),
            "ref_mel": flat.frames["ref_mel"][ref_rows],
            "spk_emb": flat.each["spk_emb"][plan["voice"]],
        }
