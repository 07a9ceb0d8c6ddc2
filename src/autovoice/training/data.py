"""Batches by interval, so that a checkpoint at an interval's end resumes exactly."""

from typing import Any

import lightning as L
from torch.utils.data import DataLoader, Dataset


class IntervalData(L.LightningDataModule):
    """Epoch e holds the batches [e * interval, (e + 1) * interval): a checkpoint at its end resumes exactly."""

    def __init__(self, batches: Dataset[Any], interval: int) -> None:
        super().__init__()
        self.batches, self.interval = batches, interval

    def train_dataloader(self) -> DataLoader:
        assert self.trainer is not None
        first = self.trainer.current_epoch * self.interval
        return DataLoader(self.batches, batch_size=None, sampler=range(first, first + self.interval))
