"""Configuration of the base model's own pipeline (pretraining/dvc.yaml), which the default one does not run."""

from dataclasses import dataclass, field


@dataclass
class PretrainConfig:
    """The base model's own pipeline (pipelines/pretrain.py), which the default one does not run."""

    manifest: str = ""  # CSV: path, speaker, gender, split, kind
    root: str = ""  # folder that the manifest's paths start from
    work_dir: str = ".pretrain"  # features and checkpoints, resumable
    synthetic_s: float = 30.0  # of speech by each synthetic voice that stage gather adds; 0: none
    synthetic_blends: int = 32  # voices between two of Kokoro's, beside its own 28
    max_steps: int = 6000
    init: str = ""  # weights to start from; empty: none
    max_speakers: int = 0  # of the recipe, drawn with the seed; 0: all
    pseudo_weight: float = 0.5  # how often a pseudo-speaker is drawn, re a speaker; 0: never
    checkpoint_every_steps: int = 100
    batch_size: int = 12
    segment_s: float = 1.28
    reference_s: float = 2.0
    reference_max_s: float = 4.0
    perturb: float = 0.5
    mapping: bool = (
        False  # content moved by autovoice.mapping, as conversion hears it, among the copies and in conversions
    )
    lr: float = 8e-4
    lr_half_life_steps: int = 2500
    warmup_steps: int = 200
    adversarial_from_step: int = 4000
    adversarial_lr: float = 3e-4
    judge_lr_ratio: float = 1.0  # of the discriminators' learning rate, re the generator's
    large_judges: bool = False  # more and larger discriminators beside those that adaptation uses
    mel_weight: float = 5.0  # of the mel's error, once the discriminators have joined
    n_conversions: int = 0  # of a batch, into a neighbour's voice, once the discriminators have joined; 0: none
    content_weight: float = 2.0  # of the words that the content encoder hears, with conversions
    female_weight: float = 1.5  # the corpus has more men
    num_threads: int = 2
    accelerator: str = "cpu"  # cpu | gpu | auto: a GPU where there is one
    devices: int = 1  # of each node; -1: all GPUs
    num_nodes: int = 1
    strategy: str = "auto"  # auto: ddp where there are several devices | ddp
    precision: str = "32-true"  # 32-true | bf16-mixed: spectra and losses stay in float32
    accumulate: int = 1  # batches that a device draws for one step
    num_workers: int = 0  # processes of each device that draw batches ahead; 0: none, drawn in between


@dataclass
class DistillConfig:
    """How the causal student learns from the large content encoder, on the devices that pretraining names."""

    max_steps: int = 6000
    checkpoint_every_steps: int = 200
    batch_size: int = 16
    segment_s: float = 4.0
    lr: float = 1e-3
    warmup_steps: int = 300


@dataclass
class StudyConfig:
    """Pretraining runs that differ in one thing: overrides KEY=VALUE that all share, and those of each."""

    name: str = "ablation"
    axis: str = ""  # people | steps | parameters: what is on the x axis; empty: a row a variant
    common: list[str] = field(default_factory=list)
    variants: dict[str, list[str]] = field(default_factory=dict)
