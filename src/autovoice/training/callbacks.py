"""Lightning callbacks: histories as CSV files of rank 0, of losses (also handed to a tracker) and of how fast they came."""

import csv
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import lightning as L
import torch

from autovoice.files import replacing

BUSY_EVERY = 20  # batches between two questions to the GPU, which take a millisecond or more each


class LossHistory(L.Callback):
    """Appends the means of each epoch (one checkpoint interval), over all ranks, to a CSV that survives a resume."""

    def __init__(self, path: Path, on_row: Callable[[dict[str, float], int], None] | None = None) -> None:
        self.path, self.on_row = path, on_row
        self.sums: dict[str, torch.Tensor] = {}  # on the device: reading a number would wait for it
        self.n = 0

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx) -> None:
        for name, value in trainer.callback_metrics.items():
            if name.startswith("train/"):
                self.sums[name] = self.sums.get(name, 0.0) + value.detach().double()
        self.n += 1

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        step = step_of(trainer, pl_module)
        sums = torch.stack([value.to(trainer.strategy.root_device) for value in self.sums.values()])
        means = (trainer.strategy.reduce(sums, reduce_op="mean") / self.n).tolist()
        row = {"step": float(step)} | {
            name.removeprefix("train/"): round(mean, 5) for name, mean in zip(self.sums, means, strict=True)
        }
        self.sums, self.n = {}, 0
        if trainer.is_global_zero:
            append_row(self.path, row)
            if self.on_row:
                self.on_row({f"train/{k}": v for k, v in row.items() if k != "step"}, step)


class Throughput(L.Callback):
    """Appends how fast each epoch ran to a CSV of its own: a loss history does not depend on the machine, this does.

    audio_s_per_s: seconds of audio that all devices together learnt from in a second; data_wait: share of the epoch, 0
    to 1, that rank 0 did not compute, mostly waiting for a batch (more pretrain.num_workers shorten it). With a GPU also
    gpu_memory_gb, the peak, and, where NVML's package is installed, gpu_busy: the share of time, 0 to 1, that it worked.

    It has to come after LossHistory, which waits for the GPU at an epoch's end. rate: of the batches' "wav".
    """

    def __init__(self, path: Path, rate: int, clock: Callable[[], float] = time.perf_counter) -> None:
        self.path, self.rate, self.clock = path, rate, clock

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self.computing_s, self.audio_s, self.gpu_busy = 0.0, 0.0, list[float]()
        self.epoch_at = self.clock()

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx) -> None:
        self.batch_at = self.clock()

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx) -> None:
        self.computing_s += self.clock() - self.batch_at
        self.audio_s += batch["wav"].numel() / self.rate * trainer.world_size
        if batch_idx % BUSY_EVERY == 0:
            self.gpu_busy += gpu_busy(trainer.strategy.root_device)

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        wall_s, device = self.clock() - self.epoch_at, trainer.strategy.root_device
        row = {
            "step": float(step_of(trainer, pl_module)),
            "audio_s_per_s": round(self.audio_s / wall_s, 2),
            "data_wait": round(1 - self.computing_s / wall_s, 4),
        }
        if device.type == "cuda":
            row["gpu_memory_gb"] = round(torch.cuda.max_memory_allocated(device) / 1e9, 2)
        if self.gpu_busy:
            row["gpu_busy"] = round(sum(self.gpu_busy) / len(self.gpu_busy), 4)
        if trainer.is_global_zero:
            append_row(self.path, row)


def gpu_busy(device: torch.device) -> list[float]:
    """[share of the last moments that a GPU worked, 0 to 1]; empty for a CPU or where NVML's package is not installed."""
    if device.type != "cuda":
        return []
    try:
        return [torch.cuda.utilization(device) / 100]
    except ModuleNotFoundError:
        return []


def step_of(trainer: L.Trainer, module: L.LightningModule) -> int:
    """Steps done: the module's own count where it optimises by hand, since Lightning counts each optimizer's."""
    return int(getattr(module, "steps_done", trainer.global_step))


def append_row(path: Path, row: dict[str, float]) -> None:
    """Puts a row where its "step" belongs: rows of later steps are of a run that was killed and has resumed."""
    write_history(path, [old for old in read_history(path) if old["step"] < row["step"]] + [row])


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
