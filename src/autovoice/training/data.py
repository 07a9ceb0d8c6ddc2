"""Batches by interval, shared out to ranks, so that a checkpoint at an interval's end resumes exactly."""

from collections.abc import Iterator
from typing import Any, Protocol, cast

import lightning as L
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler


def batch_number(draw: int, n_ranks: int, rank: int) -> int:
    """Which batch is the draw-th of a rank: all ranks together draw each number once."""
    return draw * n_ranks + rank


class IntervalSampler(Sampler[int]):
    """The batches of a rank in the trainer's epoch; epoch e holds its draws [e * interval, (e + 1) * interval)."""

    def __init__(self, trainer: L.Trainer, interval: int) -> None:
        self.trainer, self.interval = trainer, interval

    def __len__(self) -> int:
        return self.interval

    def __iter__(self) -> Iterator[int]:
        first, n_ranks, rank = (
            self.trainer.current_epoch * self.interval,
            self.trainer.world_size,
            self.trainer.global_rank,
        )
        return (batch_number(draw, n_ranks, rank) for draw in range(first, first + self.interval))


class Batches(Protocol):
    """Batch i of a training, drawn as few numbers by a worker and read where it is needed."""

    def __getitem__(self, index: int) -> dict[str, Tensor]: ...

    def read(self, plan: dict[str, Tensor]) -> dict[str, Tensor]:
        """What __getitem__ drew, on the device that it is on now -> the batch."""


class IntervalData(L.LightningDataModule):
    """An epoch is an interval of draws: a checkpoint at its end resumes exactly.

    num_workers: processes that draw batches ahead and live through all epochs; 0: none, batches are drawn in between.
    """

    def __init__(self, batches: Batches, interval: int, num_workers: int = 0) -> None:
        super().__init__()
        self.batches, self.interval, self.num_workers = batches, interval, num_workers
        self.loader: DataLoader | None = None

    def train_dataloader(self) -> DataLoader:
        """The same loader whenever it is asked for, so that its workers stay; it begins where the trainer's epoch does."""
        assert self.trainer is not None
        if self.loader is None:
            self.loader = DataLoader(
                cast(Dataset[Any], self.batches),
                batch_size=None,
                sampler=IntervalSampler(self.trainer, self.interval),
                num_workers=self.num_workers,
                persistent_workers=self.num_workers > 0,
                pin_memory=self.trainer.strategy.root_device.type == "cuda",
            )
        return self.loader

    def on_after_batch_transfer(self, batch: dict[str, Tensor], dataloader_idx: int) -> dict[str, Tensor]:
        """The batch, read on the device that learns."""
        return self.batches.read(batch)
