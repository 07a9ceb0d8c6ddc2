"""Configuration: one dataclass per conf/ group. Library code receives these, never a DictConfig."""

from dataclasses import dataclass, field


@dataclass
class AudioConfig:
    """Signal geometry shared by every stage."""

    sample_rate: int = 16000
    hop_length: int = 160  # 100 Hz frames for f0, loudness, mel
    n_fft: int = 1024
    n_mels: int = 80
    level_dbfs: float = -26.0  # RMS level at which the model hears and speaks
    f0_min_hz: float = 50.0
    f0_max_hz: float = 1100.0


@dataclass
class DatasetConfig:
    """Where recordings come from and how they are cut and split."""

    name: str = "demo"  # demo | folder | librispeech | vctk | libritts | manifest
    path: str = ""
    subset: str = ""  # torchaudio datasets: dev-clean, test-clean, ...
    download: bool = False  # torchaudio datasets only
    max_speakers: int = 0  # 0: all
    max_speaker_s: float = 0.0  # 0: all
    adapt: list[str] = field(default_factory=list)  # speakers that get an adapted model
    min_speaker_s: float = 20.0
    segment_min_s: float = 1.0
    segment_max_s: float = 12.0
    trim_db: float = 40.0
    dev_s: float = 8.0  # seconds a speaker, for checkpoint choice
    eval_s: float = 15.0  # seconds a speaker, held-out sources and ceilings


@dataclass
class ContentConfig:
    """What carries the words."""

    name: str = "whisper-base"
    layer: int = 3
    instance_norm: bool = True


@dataclass
class ModelConfig:
    """Generator sizes."""

    name: str = "base"
    dim: int = 256
    n_blocks: int = 8
    bottleneck: int = 64
    n_heads: int = 4
    ref_attention_after: int = 4  # block after which content attends to the reference; 0 = never


@dataclass
class OptimConfig:
    """AdamW with linear warm-up and decay."""

    lr: float = 3e-4
    beta1: float = 0.8
    beta2: float = 0.98
    weight_decay: float = 0.01
    warmup_steps: int = 20
    grad_clip: float = 5.0


@dataclass
class TrainerConfig:
    """How long and on what a model is adapted."""

    accelerator: str = "cpu"
    devices: int = 1
    precision: str = "32-true"
    max_steps: int = 240
    batch_size: int = 8
    segment_s: float = 1.28
    val_every_steps: int = 40
    patience: int = 3
    trainable: str = "all"  # all | adaln_head
    max_cer: float = 0.10  # a checkpoint that loses more words than this over the best is never chosen
    num_threads: int = 2


@dataclass
class PresetConfig:
    """One rung of the ladder from fast to quality."""

    reference_s: float = 12.0  # seconds of the target that the generator attends to
    retrieval: float = 0.0  # 0 to 1: share of content replaced by the target's nearest frames
    retrieval_k: int = 4
    n_passes: int = 1  # generator passes over different stretches of reference, averaged
    chunk_s: float = 24.0
    context_s: float = 2.0


@dataclass
class EvaluateConfig:
    """What is measured and how intervals are made."""

    metrics: list[str] = field(default_factory=lambda: ["secs", "campp", "f0", "asr", "dnsmos", "dmos", "copy", "duration"])
    n_bootstrap: int = 2000
    confidence: float = 0.95
    source_min_s: float = 2.0
    max_sources: int = 12
    num_workers: int = 2


@dataclass
class GateConfig:
    """Bounds: systems -> metric -> {min|max: bound}; regression tolerances by metric."""

    floors: dict[str, dict[str, dict[str, float]]] = field(default_factory=dict)
    tolerances: dict[str, float] = field(default_factory=dict)
    min_pairs: int = 20


@dataclass
class TrackingConfig:
    """MLflow: empty uri means the environment's MLFLOW_TRACKING_URI, else sqlite in the project folder."""

    enabled: bool = True
    uri: str = ""
    experiment: str = "autovoice"


@dataclass
class Config:
    """Everything that params.yaml holds, one field a conf/ group."""

    seed: int = 0
    audio: AudioConfig = field(default_factory=AudioConfig)
    dataset: DatasetConfig = field(default_factory=DatasetConfig)
    content: ContentConfig = field(default_factory=ContentConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    optim: OptimConfig = field(default_factory=OptimConfig)
    trainer: TrainerConfig = field(default_factory=TrainerConfig)
    presets: dict[str, PresetConfig] = field(default_factory=dict)
    evaluate: EvaluateConfig = field(default_factory=EvaluateConfig)
    gate: GateConfig = field(default_factory=GateConfig)
    tracking: TrackingConfig = field(default_factory=TrackingConfig)
