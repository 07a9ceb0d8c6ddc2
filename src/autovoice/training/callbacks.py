"""Lightning callbacks: the loss history as a CSV, also handed to a tracker."""

import csv
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import lightning as L

from autovoice.files import replacing


class LossHistory(L.Callback):
    """Appends the means of each epoch (one checkpoint interval) to a CSV that survives a resume."""

    def __init__(self, path: Path, on_row: Callable[[dict[str, float], int], None] | None = None) -> None:
        self.path, self.on_row = path, on_row
        self.sums: dict[str, float] = {}
        self.n = 0

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx) -> None:
        for name, value in trainer.callback_metrics.items():
            if name.startswith("train/"):
                self.sums[name] = self.sums.get(name, 0.0) + float(value)
        self.n += 1

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        step = int(getattr(pl_module, "steps_done", trainer.global_step))
        row = {"step": float(step)} | {k.removeprefix("train/"): round(v / self.n, 5) for k, v in self.sums.items()}
        self.sums, self.n = {}, 0
        rows = [r for r in read_history(self.path) if r["step"] < step] + [row]
        write_history(self.path, rows)
        if self.on_row:
            self.on_row({f"train/{k}": v for k, v in row.items() if k != "step"}, step)


def read_history(path: Path) -> list[dict[str, float]]:
    """Rows of a history CSV, oldest first; empty without a file."""
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            return [{k: float(v) for k, v in row.items() if v} for row in csv.DictReader(stream)]
    except FileNotFoundError:
        return []


def write_history(path: Path, rows: Sequence[Mapping[str, float | str]]) -> None:
    """Writes rows with the union of their columns."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, columns)
        writer.writeheader()
        writer.writerows(rows)
