"""Training segments: batch number i is a function of (seed, i) alone, so that a killed run resumes exactly."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.utils.data import Dataset

from autovoice.audio.bandwidth import bandwidth_hz
from autovoice.audio.excitation import fill_unvoiced
from autovoice.config import AudioConfig
from autovoice.training.features import ref_mel_of

Item = dict[str, Tensor]
COPY = "content_"  # names of content of the same words in another voice begin so


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


def _window(item: Item, start: int, n_content: int, audio: AudioConfig, content: str) -> Item:
    """The segment of n_content content frames from `start`, right-padded with zeros to that length."""

    def cut(values: Tensor, per_frame: int) -> Tensor:
        part = values[start * per_frame : (start + n_content) * per_frame]
        missing = n_content * per_frame - len(part)
        return torch.cat([part, part.new_zeros(missing, *part.shape[1:])]) if missing else part

    return {
        "content": cut(item[content], 1).float(),
        "f0": cut(item["f0"], 2),
        "f0_filled": cut(item["f0_filled"], 2).clamp(min=40),
        "loudness": cut(item["loudness"], 2),
        "wav": cut(item["wav"], 2 * audio.output_hop).float() / 32767,
        "band_hz": item["band_hz"],
    }


class SegmentBatches(Dataset[Item]):
    """Batch i (not item i) of segments, each with a reference of the same voice from elsewhere.

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
        self.groups, self.cfg, self.audio, self.seed = groups, cfg, audio, seed
        p = np.ones(len(groups)) if weights is None else weights
        self.p = p / p.sum()
        self.sizes = [np.array([len(item["content"]) for item in group], np.float64) for group in groups]

    def __getitem__(self, index: int) -> Item:
        rng = np.random.default_rng([self.seed, index])
        n_reference = int(rng.uniform(self.cfg.reference_s, self.cfg.reference_max_s) * 50)
        rows = [
            self._row(int(voice), n_reference, rng)
            for voice in rng.choice(len(self.groups), self.cfg.batch_size, p=self.p)
        ]
        return {name: torch.stack([row[name] for row in rows]) for name in rows[0]}

    def _row(self, voice: int, n_reference: int, rng: np.random.Generator) -> Item:
        group, sizes = self.groups[voice], self.sizes[voice]
        target = int(rng.choice(len(group), p=sizes / sizes.sum()))
        n_content = round(self.cfg.segment_s * 50)
        start = int(rng.integers(0, max(1, len(group[target]["content"]) - n_content + 1)))
        row = _window(group[target], start, n_content, self.audio, self._content_of(group[target], rng))
        other = int(rng.choice(len(group), p=sizes / sizes.sum()))
        item = group[other]
        if other == target:  # from elsewhere in the same recording, as far away as it can be
            n = len(item["content"])
            free = [
                f
                for f in range(0, max(1, n - n_reference + 1), 5)
                if f + n_reference <= start or f >= start + n_content
            ]
            at = int(rng.choice(free)) if free else (0 if start > n - start - n_content else max(0, n - n_reference))
        else:
            at = int(rng.integers(0, max(1, len(item["content"]) - n_reference + 1)))
        index = (at + np.arange(n_reference)) % len(item["content"])
        row["ref_content"] = item["content"][index].float()
        row["ref_mel"] = ref_mel_of(item)[index]
        row["spk_emb"] = item["spk_emb"] if rng.random() < 0.5 else group[target]["spk_emb"]
        return row

    def _content_of(self, item: Item, rng: np.random.Generator) -> str:
        copies = [name for name in item if name.startswith(COPY)]
        return copies[int(rng.integers(len(copies)))] if copies and rng.random() < self.cfg.perturb else "content"
