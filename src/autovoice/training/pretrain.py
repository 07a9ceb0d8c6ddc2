"""Pretrains the base generator on a corpus of many people; resumes from the last checkpoint."""

from pathlib import Path

import lightning as L
import numpy as np
import torch
from lightning.pytorch.callbacks import ModelCheckpoint

from autovoice.config import Config, PretrainConfig
from autovoice.errors import DataError
from autovoice.models.discriminator import Discriminators
from autovoice.models.generator import Generator
from autovoice.training.callbacks import LossHistory
from autovoice.training.corpus import Recording, read_corpus
from autovoice.training.data import IntervalData
from autovoice.training.module import GeneratorTraining, Schedule, save_weights
from autovoice.training.segments import Item, SegmentBatches, SegmentConfig, load_item
from autovoice.weights import model_metadata


def group_by_speaker(recordings: list[Recording], features: Path) -> tuple[list[list[Item]], np.ndarray]:
    """(recordings' features by speaker, 1.0 where the speaker is a woman) for those with a second or more."""
    groups: dict[str, list[Item]] = {}
    female: dict[str, bool] = {}
    for recording in recordings:
        path = features / f"{recording.key}.safetensors"
        if path.exists():
            item = load_item(path)
            if len(item["content"]) >= 50:
                groups.setdefault(recording.speaker, []).append(item)
                female[recording.speaker] = recording.gender == "F"
    if not groups:
        raise DataError("no features", str(features), "run the pretrain features step first")
    names = sorted(groups)
    return [groups[name] for name in names], np.array([female[name] for name in names], float)


def schedule_of(cfg: PretrainConfig) -> Schedule:
    """The learning schedule of pretraining."""
    return Schedule(cfg.lr, cfg.adversarial_lr, cfg.warmup_steps, cfg.lr_half_life_steps, cfg.adversarial_from_step)


def pretrain(cfg: Config) -> Path:
    """Trains to cfg.pretrain.max_steps and writes work_dir/base.safetensors; returns its path."""
    p, work = cfg.pretrain, Path(cfg.pretrain.work_dir)
    torch.set_num_threads(p.num_threads)
    groups, female = group_by_speaker(read_corpus(Path(p.manifest), "train"), work / "features")
    segments = SegmentConfig(p.batch_size, p.segment_s, p.reference_s, p.reference_max_s, p.perturb)
    weights = 1 + female * (p.female_weight - 1)
    data = IntervalData(SegmentBatches(groups, segments, cfg.audio, cfg.seed, weights), p.checkpoint_every_steps)
    generator = Generator(cfg.model, cfg.audio, cfg.content)
    module = GeneratorTraining(generator, Discriminators(), schedule_of(p), cfg.audio, cfg.seed)
    last = work / "checkpoints" / "last.ckpt"
    trainer = L.Trainer(
        accelerator="cpu",
        max_epochs=p.max_steps // p.checkpoint_every_steps,
        reload_dataloaders_every_n_epochs=1,
        logger=False,
        enable_model_summary=False,
        enable_progress_bar=False,
        callbacks=[
            ModelCheckpoint(last.parent, "last", save_on_train_epoch_end=True, enable_version_counter=False),
            LossHistory(work / "history.csv"),
        ],
    )
    trainer.fit(module, data, ckpt_path=last if last.exists() else None, weights_only=True)
    facts = {"steps": str(int(module.steps_done)), "speakers": str(len(groups))}
    save_weights(module, work / "base.safetensors", model_metadata(cfg.model) | facts)
    return work / "base.safetensors"
