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
from autovoice.training.segments import Item

GAIN_DB = 4.0  # while streaming the level is known only roughly
WARM_UP_FRAMES = 10  # the first 0.2 s have no past to go by


class DistillBatches(Dataset[Item]):
    """Batch i of (wav at 16 kHz, content), a function of (seed, i) alone; each voice is drawn as often as any other."""

    def __init__(
        self, groups: list[list[Item]], weights: np.ndarray, cfg: DistillConfig, audio: AudioConfig, seed: int
    ):
        self.groups, self.cfg, self.audio, self.seed = groups, cfg, audio, seed
        self.p = weights / weights.sum()

    def __getitem__(self, index: int) -> Item:
        rng = np.random.default_rng([self.seed, index])
        n = round(self.cfg.segment_s * 50)
        wavs, contents = [], []
        for voice in rng.choice(len(self.groups), self.cfg.batch_size, p=self.p):
            group = self.groups[voice]
            item = group[int(rng.integers(len(group)))]
            start = int(rng.integers(0, max(1, len(item["content"]) - n + 1)))
            content = item["content"][start : start + n].float()
            size = 2 * self.audio.output_hop
            wav = item["wav"][start * size : (start + len(content)) * size].float() / 32767
            wavs.append(F.pad(wav, (0, (n - len(content)) * size)) * 10 ** (float(rng.uniform(-GAIN_DB, GAIN_DB)) / 20))
            contents.append(F.pad(content, (0, 0, 0, n - len(content)), value=float("nan")))
        heard = torchaudio.functional.resample(torch.stack(wavs), self.audio.output_rate, self.audio.sample_rate)
        return {"wav": heard, "content": torch.stack(contents)}


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
