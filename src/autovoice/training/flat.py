"""Recordings laid end to end on the device that learns: a batch is drawn as row numbers and read where it is needed."""

from collections.abc import Sequence

import torch
from torch import Tensor

from autovoice.config import AudioConfig
from autovoice.training.features import ref_mel_of

Item = dict[str, Tensor]
CONTENT = "content"
EACH = ("spk_emb", "band_hz")
COPY = "content_"  # names of content of the same words in another voice begin so


class FlatItems:
    """Per content frame (20 ms) one row of each feature; the row after the last is silence, for what runs past an end.

    Of other features than content, those that the first recording has.

    contents: (K, N + 1, D) float16, first the recordings' own content, then its copies; frames: name -> (N + 1, 2, ...)
    or (N + 1, 2 * output_hop); starts: each recording's first row; sizes: its rows.
    """

    def __init__(self, items: Sequence[Item], audio: AudioConfig) -> None:
        self.sizes = [len(item[CONTENT]) for item in items]
        self.starts = [0]
        for size in self.sizes:
            self.starts.append(self.starts[-1] + size)
        self.silence = self.starts.pop()
        self.names = [CONTENT, *sorted({name for item in items for name in item if name.startswith(COPY)})]
        blank = torch.zeros_like(items[0][CONTENT][:1])
        self.contents = torch.stack([_joined([_content(item, n) for item in items], blank) for n in self.names])
        rows = {"f0": 2, "f0_filled": 2, "loudness": 2, "wav": 2 * audio.output_hop}
        self.frames = {
            name: _joined(
                [_rows(item[name], len(item[CONTENT]), width) for item in items], items[0][name].new_zeros(1, width)
            )
            for name, width in rows.items()
            if name in items[0]
        }
        if "mel" in items[0]:
            blank = items[0]["mel"].new_zeros(1, items[0]["mel"].shape[1])
            self.frames["ref_mel"] = _joined([ref_mel_of(item) for item in items], blank)
        self.each = {name: torch.stack([item[name] for item in items]) for name in EACH if name in items[0]}

    def to(self, device: torch.device) -> "FlatItems":
        """Itself, moved there once."""
        if self.contents.device != device:
            self.contents = self.contents.to(device)
            self.frames = {name: value.to(device) for name, value in self.frames.items()}
            self.each = {name: value.to(device) for name, value in self.each.items()}
        return self

    def copies_of(self, item: Item) -> list[int]:
        """Which of contents are copies that the item has."""
        return [k for k, name in enumerate(self.names) if k and name in item]

    def rows(self, index: int, start: int, n: int) -> Tensor:
        """(n,) rows from `start` of recording `index`; silence past its end."""
        at = torch.arange(start, start + n)
        return torch.where(at < self.sizes[index], self.starts[index] + at, self.silence)

    def read(self, name: str, rows: Tensor) -> Tensor:
        """rows: (B, n) -> (B, n * width)."""
        return self.frames[name][rows].flatten(1)


def _content(item: Item, name: str) -> Tensor:
    return item[name] if name in item else torch.zeros_like(item[CONTENT])


def _rows(values: Tensor, n: int, width: int) -> Tensor:
    """(T,) -> (n, width), cut or padded with zeros."""
    values = values[: n * width]
    return torch.cat([values, values.new_zeros(n * width - len(values))]).unflatten(0, (n, width))


def _joined(parts: list[Tensor], silence: Tensor) -> Tensor:
    return torch.cat([*parts, silence])
