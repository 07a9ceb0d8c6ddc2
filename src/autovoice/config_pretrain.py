"""Configuration of the base model's own pipeline (pretraining/dvc.yaml), which the default one does not run."""

from dataclasses import dataclass


@dataclass
class PretrainConfig:
    """The base model's own pipeline (pipelines/pretrain.py), which the default one does not run."""

    manifest: str = ""  # CSV: path, speaker, gender, split, kind
    root: str = ""  # folder that the manifest's paths start from
    work_dir: str = ".pretrain"  # features and checkpoints, resumable
    max_steps: int = 6000
    init: str = ""  # weights to start from; empty: none
    pseudo_weight: float = 0.5  # how often a pseudo-speaker is drawn, re a speaker; 0: never
    checkpoint_every_steps: int = 100
    batch_size: int = 12
    segment_s: float = 1.28
    reference_s: float = 2.0
    reference_max_s: float = 4.0
    perturb: float = 0.5
    lr: float = 8e-4
    lr_half_life_steps: int = 2500
    warmup_steps: int = 200
    adversarial_from_step: int = 4000
    adversarial_lr: float = 3e-4
    judge_lr_ratio: float = 1.0  # of the discriminators' learning rate, re the generator's
    n_conversions: int = 0  # of a batch, into a neighbour's voice, once the discriminators have joined; 0: none
    content_weight: float = 2.0  # of the words that the content encoder hears, with conversions
    female_weight: float = 1.5  # the corpus has more men
    num_threads: int = 2


@dataclass
class DistillConfig:
    """How the causal student learns from the large content encoder."""

    max_steps: int = 6000
    checkpoint_every_steps: int = 200
    batch_size: int = 16
    segment_s: float = 4.0
    lr: float = 1e-3
    warmup_steps: int = 300
