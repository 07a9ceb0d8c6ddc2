"""Teaches the causal student what the large content encoder says of the same audio; resumes from the last checkpoint."""

from pathlib import Path

import lightning as L
import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor
from torch.utils.data import Dataset

from autovoice.config import AudioConfig, Config
from autovoice.config_pretrain import DistillConfig
from autovoice.files import replacing
from autovoice.models.student import StudentEncoder
from autovoice.torchaudio_compat import torchaudio
from autovoice.training.callbacks import LossHistory, Throughput
from autovoice.training.data import IntervalData
from autovoice.training.devices import trainer_on
from autovoice.training.flat import FlatItems, Item

GAIN_DB = 4.0  # while streaming the level is known only roughly
WARM_UP_FRAMES = 10  # the first 0.2 s have no past to go by


class DistillBatches(Dataset[Item]):
    """Batch i of (wav at 16 kHz, content), a function of (seed, i) alone, as row numbers of FlatItems; each voice is drawn
    as often as its weight says."""

    def __init__(
        self, groups: list[list[Item]], weights: np.ndarray, cfg: DistillConfig, audio: AudioConfig, seed: int
    ):
        self.cfg, self.audio, self.seed = cfg, audio, seed
        self.p = weights / weights.sum()
        self.flat = FlatItems([item for group in groups for item in group], audio)
        ends = np.cumsum([len(group) for group in groups])
        self.groups = [range(end - len(group), end) for group, end in zip(groups, ends, strict=True)]

    def __getitem__(self, index: int) -> Item:
        """rows: (B, T / 2), gain: (B, 1)."""
        rng = np.random.default_rng([self.seed, index])
        n = round(self.cfg.segment_s * 50)
        rows, gains = [], []
        for voice in rng.choice(len(self.groups), self.cfg.batch_size, p=self.p):
            group = self.groups[voice]
            item = group[int(rng.integers(len(group)))]
            start = int(rng.integers(0, max(1, self.flat.sizes[item] - n + 1)))
            rows.append(self.flat.rows(item, start, n))
            gains.append([10 ** (float(rng.uniform(-GAIN_DB, GAIN_DB)) / 20)])
        return {"rows": torch.stack(rows), "gain": torch.tensor(gains)}

    def read(self, plan: Item) -> Item:
        """What __getitem__ drew: wav (B, n) at sample_rate, content (B, T / 2, D), NaN past the end of a recording."""
        rows, flat = plan["rows"], self.flat.to(plan["rows"].device)
        wav = flat.read("wav", rows).float() / 32767 * plan["gain"]
        content = flat.contents[0, rows].float().masked_fill((rows == flat.silence)[..., None], float("nan"))
        heard = torchaudio.functional.resample(wav, self.audio.output_rate, self.audio.sample_rate)
        return {"wav": heard, "content": content}


class Distillation(L.LightningModule):
    """Mean squared error of normalised features, half of it on their direction."""

    def __init__(self, student: StudentEncoder, lr: float, warmup_steps: int, max_steps: int) -> None:
        super().__init__()
        self.student, self.lr, self.warmup_steps, self.max_steps = student, lr, warmup_steps, max_steps

    def configure_optimizers(self):  # type: ignore[no-untyped-def]
        optimizer = torch.optim.AdamW(self.student.parameters(), self.lr, (0.9, 0.98), weight_decay=0.01)
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, self.lr, self.max_steps, pct_start=self.warmup_steps / self.max_steps
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def training_step(self, batch: dict[str, Tensor], batch_idx: int) -> Tensor:
        guess, content = self.student(batch["wav"])[:, WARM_UP_FRAMES:], batch["content"][:, WARM_UP_FRAMES:]
        known = ~content[..., 0].isnan()
        guess, content = guess[known].float(), content[known]
        error = F.mse_loss(guess, content)
        cosine = torch.cosine_similarity(guess, content, dim=-1).mean()
        self.log_dict({"train/mse": error.detach(), "train/cosine": cosine.detach()})
        return error + 1 - cosine


def distil(cfg: Config, groups: list[list[Item]], weights: np.ndarray) -> Path:
    """Trains to cfg.distill.max_steps on the devices of cfg.pretrain and writes work_dir/student.safetensors; returns its
    path."""
    d, p, work = cfg.distill, cfg.pretrain, Path(cfg.pretrain.work_dir)
    torch.set_num_threads(p.num_threads)
    L.seed_everything(cfg.seed, verbose=False)
    module = Distillation(StudentEncoder(out_dim=cfg.content.dim), d.lr, d.warmup_steps, d.max_steps)
    batches = DistillBatches(groups, weights, d, cfg.audio, cfg.seed)
    data = IntervalData(batches, d.checkpoint_every_steps * p.accumulate, p.num_workers)
    last = work / "student_checkpoints" / "last.ckpt"
    histories = [
        LossHistory(work / "student_history.csv"),
        Throughput(work / "student_throughput.csv", cfg.audio.sample_rate),
    ]
    options = {"gradient_clip_val": 1.0, "accumulate_grad_batches": p.accumulate}
    trainer = trainer_on(p, d.max_steps // d.checkpoint_every_steps, last, histories, **options)
    trainer.fit(module, data, ckpt_path=last if last.exists() else None, weights_only=True)
    if trainer.is_global_zero:
        with replacing(work / "student.safetensors") as temporary:
            save_file({k: v.half().contiguous() for k, v in module.student.state_dict().items()}, temporary)
    trainer.strategy.barrier()  # no rank returns before the file is there
    return work / "student.safetensors"
