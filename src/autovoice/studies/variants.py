"""Studies of pretraining: variants that differ in one thing, trained and measured alike; what is done is not done again."""

import hashlib
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import safe_open

from autovoice.config import Config, varied
from autovoice.errors import ConfigError
from autovoice.evaluation.overlap import base_trained, read_training
from autovoice.evaluation.protocol import run_protocol
from autovoice.files import read_json, sha256_file, write_json
from autovoice.studies.start import begin
from autovoice.training.corpus import Recording, extract_corpus, feature_settings, some_speakers
from autovoice.training.pretrain import pretrain
from autovoice.weights import BASE_GENERATOR, BASE_TRAINING

METRICS = ("secs", "campp", "cer", "dmos", "mrstft")  # the last one of copies alone
WHERE = {  # a variant is trained, not what: these do not tell variants apart
    "manifest", "root", "work_dir", "num_threads", "accelerator", "devices", "num_nodes", "strategy", "num_workers",
}  # fmt: skip
KINDS = {
    "": "zero-shot/",
    "copy_": "copy/",
}  # what keys of study.json begin with: conversions, and copies of the target


@dataclass
class Variant:
    """What became of one: its size, what it was trained on and for how long, and the summary of its evaluation."""

    name: str
    parameters: int
    people: int
    steps: int
    summary: dict[str, Any]
    pairs: Path | None = None  # pairs.csv of its evaluation

    def cell(self, kind: str, metric: str) -> dict[str, float]:
        """mean, low, high of a metric over systems whose name begins with `kind`; empty where it was not measured."""
        systems = self.summary["systems"]
        found = [systems[name] for name in sorted(systems) if name.startswith(kind)]
        return found[0].get(metric, {}) if found else {}


def key_of(*parts: Any) -> str:
    """Names a folder: another one for anything else."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:12]


def folder_of(cfg: Config, recordings: list[Recording]) -> Path:
    """Where a variant lives: the same for the same settings and corpus, whatever study asks for it."""
    trained = {name: value for name, value in asdict(cfg.pretrain).items() if name not in WHERE}
    if cfg.pretrain.init:
        trained["init"] = sha256_file(init_of(cfg))  # what is in it, wherever it lies
    key = key_of(cfg.seed, cfg.audio, cfg.content, cfg.model, trained, recordings)
    return Path(cfg.pretrain.work_dir) / "studies" / key


def init_of(cfg: Config) -> Path:
    """The weights that variants begin with; raises ConfigError where they are not there."""
    path = Path(cfg.pretrain.init)
    if not path.is_file():
        raise ConfigError("no such weights", f"pretrain.init={path}", "name those of a base, or none")
    return path


def measured_of(cfg: Config, recordings: list[Recording]) -> Path:
    """Where a variant's evaluation lives: presets change it, not the weights."""
    p = cfg.pretrain
    return folder_of(cfg, recordings) / key_of(cfg.protocol, cfg.presets, cfg.evaluate, p.manifest, p.root)


def features_of(cfg: Config) -> Path:
    """Where the features lie that a variant learns from: the same for all that can share them."""
    key = key_of(feature_settings(cfg.content, cfg.audio), cfg.pretrain.root)
    return Path(cfg.pretrain.work_dir) / "studies" / f"features_{key}"


def run_variant(cfg: Config, name: str, recordings: list[Recording], say: Callable[[str], None] = print) -> Variant:
    """Extracts features that are missing, trains, converts and measures; each is skipped where it was done before."""
    p, recordings = cfg.pretrain, some_speakers(recordings, cfg.pretrain.max_speakers, cfg.seed)
    folder, measured = folder_of(cfg, recordings), measured_of(cfg, recordings)
    features = features_of(cfg)
    weights, summary = folder / "base.safetensors", measured / "metrics" / "summary.json"
    if not weights.is_file():
        extract_corpus(recordings, Path(p.root), features, cfg.content, cfg.audio, p.num_threads)
        _link(folder / "features", features)
        begun = _begun(cfg, folder, [features / f"{r.key}.safetensors" for r in recordings if r.ratio == 1], say)
        pretrain(replace(cfg, pretrain=replace(p, work_dir=str(folder), init=begun)), recordings)
    if not summary.is_file():
        root = Path(p.root)
        trained = base_trained((r.speaker, root / r.path) for r in recordings if r.ratio == 1)
        if p.init and sha256_file(init_of(cfg)) == sha256_file(BASE_GENERATOR):
            trained += read_training(BASE_TRAINING)  # whom the start has heard
        protocol = replace(cfg.protocol, manifest=p.manifest, root=p.root, weights=str(weights))
        run_protocol(cfg, protocol, measured, trained, say)
    people = len({r.speaker for r in recordings if r.ratio == 1})
    found = read_json(summary, "python -m pipelines.pretraining.study")
    return Variant(name, n_parameters(weights), people, p.max_steps, found, summary.with_name("pairs.csv"))


def _begun(cfg: Config, folder: Path, features: list[Path], say: Callable[[str], None]) -> str:
    """Weights that the variant's generator loads whole, made of pretrain.init; "" without."""
    if not cfg.pretrain.init:
        return ""
    begin(cfg, features, folder / "start.safetensors", say)
    return str(folder / "start.safetensors")


def _link(link: Path, features: Path) -> None:
    link.parent.mkdir(parents=True, exist_ok=True)
    if not link.is_symlink():
        link.symlink_to(features.resolve(), target_is_directory=True)


def n_parameters(weights: Path) -> int:
    """Of the generator in a file that training wrote."""
    with safe_open(weights, "pt") as stream:
        names = [name for name in stream.keys() if name.startswith("generator.")]  # noqa: SIM118
        return sum(int(np.prod(stream.get_slice(name).get_shape())) for name in names)


def run_study(cfg: Config, recordings: list[Recording], say: Callable[[str], None] = print) -> list[Variant]:
    """The variants of cfg.study in order; study.json grows by each."""
    out = Path(cfg.pretrain.work_dir) / "studies" / f"{cfg.study.name}.json"
    variants: list[Variant] = []
    for name, overrides in cfg.study.variants.items():
        say(f"{cfg.study.name}: {name}")
        variants.append(run_variant(varied(cfg, [*cfg.study.common, *overrides]), name, recordings, say))
        write_json(out, [row_of(variant) for variant in variants])
    return variants


def row_of(variant: Variant) -> dict[str, Any]:
    """A line of study.json: sizes, and mean, low and high of each metric, of conversions and of copies."""
    facts = {name: getattr(variant, name) for name in ("name", "parameters", "people", "steps")}
    return facts | {prefix + m: variant.cell(kind, m) for prefix, kind in KINDS.items() for m in METRICS}
