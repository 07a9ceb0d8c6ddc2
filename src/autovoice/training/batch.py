"""Batch work through Lightning's Trainer.predict: devices, progress and process pools in one place."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import lightning as L
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn
from torch.utils.data import DataLoader, Dataset

from autovoice.audio.io import load_wav
from autovoice.config import AudioConfig, ContentConfig
from autovoice.files import replacing
from autovoice.models.speaker import embed_speaker
from autovoice.training.features import extract_content, frame_tensors


class Jobs(Dataset[Any]):
    """A list of jobs, each prepared by `load` in a worker process."""

    def __init__(self, jobs: Sequence[Any], load: Callable[[Any], Any] = lambda job: job) -> None:
        self.jobs, self.load = jobs, load

    def __len__(self) -> int:
        return len(self.jobs)

    def __getitem__(self, index: int) -> Any:
        return self.load(self.jobs[index])


def first(batch: list[Any]) -> Any:
    """Collates a batch of one."""
    return batch[0]


def predict(module: L.LightningModule, jobs: Jobs, num_workers: int = 0, accelerator: str = "cpu") -> list[Any]:
    """module.predict_step on every job, in order."""
    loader = DataLoader(jobs, batch_size=1, collate_fn=first, num_workers=num_workers)
    trainer = L.Trainer(
        accelerator=accelerator, devices=1, logger=False, enable_checkpointing=False, enable_model_summary=False
    )
    return trainer.predict(module, loader) or []


class FeatureModule(L.LightningModule):
    """Adds the content to frames that a worker process extracted, and writes the features of one segment."""

    def __init__(self, encoder: nn.Module, audio: AudioConfig, content: ContentConfig) -> None:
        super().__init__()
        self.encoder, self.audio, self.content = encoder, audio, content

    def predict_step(self, job: dict[str, Any], batch_idx: int) -> Path:
        features = dict(job["features"].items())
        features["content"] = extract_content(job["wav"], self.encoder, self.audio, self.content.instance_norm)
        with replacing(job["out"]) as temporary:
            save_file(features, temporary, {"key": job["key"]})
        return job["out"]


def load_feature_job(job: dict[str, Any]) -> dict[str, Any]:
    """job: path, out, key, audio -> with wav, f0, loudness, mel and the speaker embedding; runs in a worker process."""
    torch.set_num_threads(1)
    wav = load_wav(job["path"], job["audio"].sample_rate)
    features = {**frame_tensors(wav, job["audio"]), "spk_emb": torch.from_numpy(embed_speaker(wav))}
    return {"wav": wav, "features": features, "out": job["out"], "key": job["key"]}


def stored_key(path: Path) -> str:
    """The key that a feature file was written under; empty if there is none."""
    if not path.is_file():
        return ""
    with safe_open(path, "pt") as stream:
        return (stream.metadata() or {}).get("key", "")


def test(module: L.LightningModule, jobs: Jobs) -> None:
    """module.test_step on every job, in order."""
    loader = DataLoader(jobs, batch_size=1, collate_fn=first)
    trainer = L.Trainer(
        accelerator="cpu", devices=1, logger=False, enable_checkpointing=False, enable_progress_bar=False
    )
    trainer.test(module, loader, verbose=False)
