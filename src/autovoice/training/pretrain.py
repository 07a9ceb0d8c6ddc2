"""Pretrains the base generator on a corpus of many people; resumes from the last checkpoint."""

from dataclasses import replace
from pathlib import Path

import lightning as L
import numpy as np
import torch

from autovoice.config import Config
from autovoice.config_pretrain import PretrainConfig
from autovoice.errors import ConfigError
from autovoice.models.content import load_content_encoder
from autovoice.models.discriminator import Discriminators
from autovoice.models.generator import Generator
from autovoice.training.callbacks import LossHistory, Throughput
from autovoice.training.conversion import ConversionLoss
from autovoice.training.corpus import Recording, check_features
from autovoice.training.data import IntervalData
from autovoice.training.devices import trainer_on
from autovoice.training.mapped import add_mapped
from autovoice.training.module import GeneratorTraining, Schedule, load_weights, save_weights
from autovoice.training.perturb import stretch
from autovoice.training.segments import Item, SegmentBatches, SegmentConfig, load_item
from autovoice.weights import model_metadata

EMA_DECAY = 0.998
AVERAGED_SHARES = 10  # of a short training the running average forgets all but about the last tenth


def load_twins(recordings: list[Recording], features: Path) -> list[tuple[Recording, Item]]:
    """Items of a second or more; each gets the content of its twin, the same words by speaker or pseudo-speaker."""
    found = {r.key: (r, load_item(features / f"{r.key}.safetensors")) for r in recordings}
    for recording in recordings:
        if recording.ratio != 1:
            item, twin = found[recording.key][1], found[replace(recording, ratio=1.0).key][1]
            item["content_perturbed"] = stretch(twin["content"], len(item["content"]))
            twin["content_perturbed"] = stretch(item["content"], len(twin["content"]))
    return [(recording, item) for recording, item in found.values() if len(item["content"]) >= 50]


def group_by_speaker(
    recordings: list[Recording], features: Path, cfg: PretrainConfig
) -> tuple[list[list[Item]], np.ndarray]:
    """(recordings' features by speaker, how often to draw each speaker)."""
    groups: dict[str, list[Item]] = {}
    weights: dict[str, float] = {}
    for recording, item in load_twins(recordings, features):
        groups.setdefault(recording.speaker, []).append(item)
        weight = cfg.female_weight if recording.gender == "F" else 1.0
        weights[recording.speaker] = weight * (cfg.pseudo_weight if recording.ratio != 1 else 1.0)
    names = sorted(groups)
    return [groups[name] for name in names], np.array([weights[name] for name in names])


def schedule_of(cfg: PretrainConfig) -> Schedule:
    """The learning schedule of pretraining."""
    return Schedule(
        cfg.lr,
        cfg.adversarial_lr,
        cfg.warmup_steps,
        cfg.lr_half_life_steps,
        cfg.adversarial_from_step,
        ema_decay=min(EMA_DECAY, max(0.0, 1 - AVERAGED_SHARES / cfg.max_steps)),
        mel_weight=cfg.mel_weight,
        judge_lr_ratio=cfg.judge_lr_ratio,
    )


def build_module(cfg: Config) -> GeneratorTraining:
    """A new generator, or that of cfg.pretrain.init, with its discriminators, ready to be pretrained."""
    p = cfg.pretrain
    generator = Generator(cfg.model, cfg.audio, cfg.content)
    discriminators = Discriminators.at_rate(cfg.audio.output_rate, p.large_judges)
    if p.init:
        load_weights(Path(p.init), generator, discriminators, cfg.audio)
    encoder = load_content_encoder(cfg.content)
    conversion = ConversionLoss(encoder, cfg.audio, p.content_weight) if p.n_conversions else None
    more = (conversion, p.n_conversions, p.accumulate, p.mapping)
    return GeneratorTraining(generator, discriminators, schedule_of(p), cfg.audio, cfg.seed, True, *more)


def fit(module: GeneratorTraining, groups: list[list[Item]], weights: np.ndarray, cfg: Config) -> L.Trainer:
    """Trains to cfg.pretrain.max_steps on the recordings of each voice, drawn as often as its weight says."""
    p, work = cfg.pretrain, Path(cfg.pretrain.work_dir)
    segments = SegmentConfig(p.batch_size, p.segment_s, p.reference_s, p.reference_max_s, p.perturb)
    batches = SegmentBatches(groups, segments, cfg.audio, cfg.seed, weights)
    data = IntervalData(batches, p.checkpoint_every_steps * p.accumulate, p.num_workers)
    last = work / "checkpoints" / "last.ckpt"
    histories = [LossHistory(work / "history.csv"), Throughput(work / "throughput.csv", cfg.audio.output_rate)]
    trainer = trainer_on(p, p.max_steps // p.checkpoint_every_steps, last, histories)
    trainer.fit(module, data, ckpt_path=last if last.exists() else None, weights_only=True)
    return trainer


def pretrain(cfg: Config, recordings: list[Recording]) -> Path:
    """Trains to cfg.pretrain.max_steps on the features of `recordings` in work_dir/features.

    Returns the path of the weights, work_dir/base.safetensors; of several ranks the first writes it. Raises ConfigError for
    features of other settings, and for mapping with one voice.
    """
    p, work = cfg.pretrain, Path(cfg.pretrain.work_dir)
    torch.set_num_threads(p.num_threads)
    check_features(work / "features", cfg.content, cfg.audio)
    groups, weights = group_by_speaker(recordings, work / "features", p)
    if p.mapping:
        if len(groups) < 2:
            raise ConfigError("there is one voice alone, and nowhere to map to", "pretrain.mapping", "set it to false")
        add_mapped(groups, cfg.seed)
    module = build_module(cfg)
    trainer = fit(module, groups, weights, cfg)
    if trainer.is_global_zero:
        facts = model_metadata(cfg.model, cfg.audio, steps=int(module.steps_done), speakers=len(groups))
        save_weights(module, work / "base.safetensors", facts)
    trainer.strategy.barrier()  # no rank returns before the file is there
    return work / "base.safetensors"
