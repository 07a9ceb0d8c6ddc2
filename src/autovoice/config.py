"""Configuration: one dataclass per conf/ group. Library code receives these, never a DictConfig."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autovoice.config_preset import PresetConfig
from autovoice.config_pretrain import DistillConfig, PretrainConfig, StudyConfig
from autovoice.config_protocol import ProtocolConfig
from autovoice.config_rules import check_keys, check_overrides, check_values
from autovoice.config_serve import ServeConfig
from autovoice.config_song import SongConfig
from autovoice.config_speech import TtsConfig
from autovoice.config_study import AdaptationStudyConfig
from autovoice.errors import ConfigError


@dataclass
class AudioConfig:
    """Signal geometry shared by every stage: the model hears at sample_rate and speaks at output_rate."""

    sample_rate: int = 16000
    hop_length: int = 160  # 100 Hz frames for f0, loudness, mel
    n_fft: int = 1024
    n_mels: int = 80
    output_rate: int = 24000
    output_n_fft: int = 768  # of the generator's inverse STFT
    level_dbfs: float = -26.0  # RMS level at which the model hears and speaks
    f0_min_hz: float = 50.0
    f0_max_hz: float = 1100.0

    @property
    def output_hop(self) -> int:
        """Samples of output a frame."""
        return self.hop_length * self.output_rate // self.sample_rate


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
    dim: int = 512
    instance_norm: bool = True


@dataclass
class ModelConfig:
    """Generator sizes."""

    name: str = "base"
    dim: int = 256
    n_content_blocks: int = 4  # at 20 ms frames, before the attention to the reference
    n_blocks: int = 8  # at 10 ms frames, after it
    bottleneck: int = 64
    n_heads: int = 4  # of the attention to the reference's frames; 0: the embedding alone
    causal: bool = True  # convolutions see the past alone, so that the same weights can stream


@dataclass
class OptimConfig:
    """AdamW with linear warm-up and decay."""

    lr: float = 3e-4
    beta1: float = 0.8
    beta2: float = 0.98
    weight_decay: float = 0.01
    warmup_steps: int = 20
    half_life_steps: int = 200
    grad_clip: float = 5.0


@dataclass
class TrainerConfig:
    """How long and on what a model is adapted."""

    accelerator: str = "cpu"
    devices: int = 1
    precision: str = "auto"  # auto: bf16-mixed where the CPU multiplies bfloat16 itself, else 32-true
    max_steps: int = 240
    batch_size: int = 8
    segment_s: float = 1.28
    val_every_steps: int = 40
    patience: int = 3
    reference_s: float = 4.0
    perturb: float = 0.0  # probability of content taken from a copy of the recording in another voice
    ema_decay: float = 0.98
    adversarial: bool = True
    trainable: str = "all"  # all | adaln_head | low_rank
    rank: int = 8  # of the updates of low_rank
    mix: float = 0.0  # share of segments from other people's recordings, so that words are not forgotten
    mix_dir: str = ""  # their folder, one below it a person, for `autovoice adapt`; the train stage has its dataset's
    max_cer: float = 0.03  # a checkpoint whose CER is more than this over the lowest is never chosen
    num_threads: int = 2


@dataclass
class ConvertConfig:
    """Which held-out sentences the convert stage speaks in every voice."""

    source_min_s: float = 2.0
    max_sources: int = 12


@dataclass
class EvaluateConfig:
    """What is measured and how intervals are made."""

    metrics: list[str] = field(
        default_factory=lambda: [
            "secs", "campp", "f0", "asr", "asr_b", "dnsmos", "dmos", "copy", "duration", "signal", "mcd", "singing",
        ]
    )  # fmt: skip
    n_bootstrap: int = 2000
    confidence: float = 0.95
    num_workers: int = 2
    engine: str = "local"  # who measures: processes of this computer, or ray: a cluster (extra `ray`)
    cache: bool = True  # audio that was measured before is not measured again
    anchors: list[str] = field(default_factory=lambda: ["source", "world"])
    n_world: int = 20  # conversions by WORLD, spread over the pairs


@dataclass
class GateConfig:
    """Bounds of systems and of any item, and how much worse than the baseline means and items may be."""

    floors: dict[str, dict[str, dict[str, float]]] = field(default_factory=dict)
    sanity: dict[str, dict[str, float]] = field(default_factory=dict)
    tolerances: dict[str, float] = field(default_factory=dict)
    spread_factor: float = 4.0
    min_items: int = 12
    item_factor: float = 5.0
    item_factors: dict[str, float] = field(default_factory=dict)
    item_share: float = 0.15
    item_min: int = 3


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
    convert: ConvertConfig = field(default_factory=ConvertConfig)
    evaluate: EvaluateConfig = field(default_factory=EvaluateConfig)
    gate: GateConfig = field(default_factory=GateConfig)
    tracking: TrackingConfig = field(default_factory=TrackingConfig)
    pretrain: PretrainConfig = field(default_factory=PretrainConfig)
    distill: DistillConfig = field(default_factory=DistillConfig)
    study: StudyConfig = field(default_factory=StudyConfig)
    protocol: ProtocolConfig = field(default_factory=ProtocolConfig)
    adaptation_study: AdaptationStudyConfig = field(default_factory=AdaptationStudyConfig)
    tts: TtsConfig = field(default_factory=TtsConfig)
    song: SongConfig = field(default_factory=SongConfig)
    serve: ServeConfig = field(default_factory=ServeConfig)


def conf_dir() -> Path:
    """The folder of Hydra groups: conf/ of the checkout, or the copy inside an installed wheel."""
    package = Path(__file__).resolve().parent
    for folder in (package.parent.parent / "conf", package / "conf"):
        if (folder / "config.yaml").is_file():
            return folder
    raise ConfigError("the configuration folder is missing", str(package), "install autovoice again")


def compose(overrides: Sequence[str] = ()) -> Config:
    """Composes conf/ with Hydra overrides; raises ConfigError on a wrong key, type or value."""
    return _to_config(_compose(overrides))


def load(argv: Sequence[str] = ()) -> Config:
    """Without overrides params.yaml of the working folder (what DVC tracks), with them conf/ composed anew."""
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException
    from yaml import YAMLError

    if argv:
        return compose(argv)
    path = Path("params.yaml").resolve()
    if not path.is_file():
        raise ConfigError("no such file", str(path), "run in the project's folder, or name overrides such as seed=0")
    try:
        return _to_config(OmegaConf.load(path))
    except (YAMLError, OmegaConfBaseException) as error:
        what = f"is not valid YAML ({' '.join(str(error).split())})"
        raise ConfigError(what, str(path), "mend or compose it again") from error


def varied(config: Config, overrides: Sequence[str]) -> Config:
    """`config` with overrides KEY=VALUE of dotted keys, groups not among them; raises ConfigError as compose does."""
    from omegaconf import OmegaConf

    try:
        given = OmegaConf.from_dotlist(list(overrides))
        check_keys(given, Config)
        return _to_config(OmegaConf.merge(OmegaConf.structured(config), given))
    except ValueError as error:
        raise ConfigError(" ".join(str(error).split()), " ".join(overrides), "write them as model.dim=128") from error


def to_params(overrides: Sequence[str] = ()) -> str:
    """What params.yaml holds: the composed configuration, in the very bytes that `dvc exp run` writes."""
    from omegaconf import OmegaConf

    raw = _compose(overrides)
    _to_config(raw)
    return OmegaConf.to_yaml(raw)


def _compose(overrides: Sequence[str]) -> Any:
    """-> the DictConfig that Hydra composes, keys checked, types not yet."""
    from hydra import compose as hydra_compose
    from hydra import initialize_config_dir
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    check_overrides(overrides, folder := conf_dir(), Config)
    try:
        with initialize_config_dir(str(folder), version_base="1.3"):
            return hydra_compose("config", list(overrides))
    except (HydraException, OmegaConfBaseException) as error:
        raise ConfigError(" ".join(str(error).split()), " ".join(overrides), "see conf/ for keys and groups") from error


def _to_config(raw: Any) -> Config:
    """Merges a DictConfig into the dataclasses, which checks keys and types, then checks values."""
    from omegaconf import OmegaConf
    from omegaconf.errors import ConfigKeyError, OmegaConfBaseException

    check_keys(raw, Config)
    try:
        config = OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(Config), raw))
    except (ConfigKeyError, OmegaConfBaseException) as error:
        key = getattr(error, "full_key", None) or "configuration"
        what = str(error.msg or error).splitlines()[0].strip().rstrip(".")
        raise ConfigError(what, str(key), "give a value of that type") from error
    assert isinstance(config, Config)
    check_values(config)
    return config


if __name__ == "__main__":
    try:
        sys.stdout.write(to_params(sys.argv[1:]))
    except ConfigError as error:
        sys.exit(f"autovoice.config: {error.sentence}")
