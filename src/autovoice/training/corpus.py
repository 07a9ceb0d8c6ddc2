"""The pretraining corpus: a manifest of recordings of many people, turned into feature files once."""

import csv
import hashlib
from dataclasses import asdict, dataclass, fields, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.progress import track
from safetensors.torch import save_file

from autovoice.audio.io import load_wav
from autovoice.audio.resample import resample
from autovoice.config import AudioConfig, ContentConfig
from autovoice.config_pretrain import PretrainConfig
from autovoice.errors import ConfigError, DataError
from autovoice.features import at_level, even_length
from autovoice.files import read_json, replacing, write_csv, write_json
from autovoice.models.content import load_content_encoder
from autovoice.models.speaker import embed_speaker
from autovoice.processes import worker_pool
from autovoice.training.features import extract_features
from autovoice.training.segments import target_of

MAX_RECORDING_S = 30.0  # a longer one is cut: Whisper hears 30 s at once
SETTINGS = "settings.json"  # in a folder of features: what they were made with
OF_THE_HEAD = ("audio.output_n_fft",)  # settings of audio that no feature depends on; an older file may name them
PSEUDO_RATIOS = (1.08, 1.25)  # a pseudo-speaker is a speaker played so much slower or faster


@dataclass
class Recording:
    """One line of the corpus manifest. path: absolute, or from pretrain.root."""

    path: str
    speaker: str
    gender: str
    split: str
    ratio: float = 1.0  # played so much slower: a pseudo-speaker

    @property
    def key(self) -> str:
        """A file name that is unique to the recording."""
        return hashlib.sha256(self.path.encode()).hexdigest()[:20] + (f"_{self.ratio:.3f}" if self.ratio != 1 else "")


def manifest_of(cfg: PretrainConfig) -> Path:
    """The corpus manifest that cfg names; raises ConfigError where it is not there."""
    if not cfg.manifest or not Path(cfg.manifest).is_file():
        where, remedy = f"pretrain.manifest={cfg.manifest}", "name a CSV with path, speaker, gender, split, kind"
        raise ConfigError("no corpus manifest", where, remedy)
    return Path(cfg.manifest)


def read_corpus(manifest: Path, split: str, root: Path | None = None) -> list[Recording]:
    """Speech recordings of `split` in a CSV with the columns path, speaker, gender, split, kind.

    root: folder that the paths start from, where it is another than pretrain.root; they become absolute.
    """
    with Path(manifest).open(encoding="utf-8", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["split"] == split and row["kind"] == "speech"]
    start = f"{root.resolve().as_posix()}/" if root else ""
    return [Recording(start + row["path"], row["speaker"], row["gender"], row["split"]) for row in rows]


def write_recipe(recordings: list[Recording], path: Path) -> None:
    """A line a recording, with the ratio of its pseudo-speaker."""
    write_csv(path, [field.name for field in fields(Recording)], map(asdict, recordings))


def read_recipe(path: Path) -> list[Recording]:
    """What write_recipe wrote; raises DataError without it."""
    if not path.is_file():
        raise DataError("no recipe", str(path), "run python -m pipelines.pretraining.recipe first")
    with path.open(encoding="utf-8", newline="") as stream:
        return [Recording(**{**row, "ratio": float(row["ratio"])}) for row in csv.DictReader(stream)]  # type: ignore[arg-type]


def pseudo_speakers(recordings: list[Recording]) -> list[Recording]:
    """The same recordings by speakers who do not exist: each voice played slower or faster by its own ratio."""
    return [replace(r, speaker=f"{r.speaker}@", ratio=pseudo_ratio(r.speaker)) for r in recordings]


def pseudo_ratio(speaker: str) -> float:
    """PSEUDO_RATIOS or their inverses, log-uniform, the same for the same speaker."""
    rng = np.random.default_rng(int(hashlib.sha256(speaker.encode()).hexdigest()[:8], 16))
    ratio = np.exp(rng.uniform(*np.log(PSEUDO_RATIOS)))
    return round(float(ratio if rng.random() < 0.5 else 1 / ratio), 3)


def some_speakers(recordings: list[Recording], most: int, seed: int) -> list[Recording]:
    """Recordings of `most` speakers, drawn with the seed, and of their pseudo-speakers; 0: all."""
    names = sorted({r.speaker.removesuffix("@") for r in recordings})
    if not 0 < most < len(names):
        return recordings
    kept = {names[i] for i in np.random.default_rng([seed, 3]).permutation(len(names))[:most]}
    return [r for r in recordings if r.speaker.removesuffix("@") in kept]


@cache
def _encoder(name: str, layer: int, dim: int) -> torch.nn.Module:
    torch.set_num_threads(1)
    return load_content_encoder(ContentConfig(name, layer, dim))


def _extract(job: tuple[Recording, Path, Path, ContentConfig, AudioConfig]) -> None:
    recording, root, target, content, audio = job
    encoder = _encoder(content.name, content.layer, content.dim)
    rate = audio.output_rate
    spoken = load_wav(root / recording.path, rate)[: int(MAX_RECORDING_S * rate / PSEUDO_RATIOS[1])]
    spoken = at_level(resample(spoken, rate, rate * recording.ratio), rate, audio)
    wav = resample(spoken, rate, audio.sample_rate)
    wav = wav[: even_length(len(wav), audio)]
    features = extract_features(wav, encoder, audio, content.instance_norm)
    features |= target_of(spoken, len(features["f0"]), audio)
    features["spk_emb"] = torch.from_numpy(embed_speaker(wav))
    with replacing(target) as temporary:
        save_file(features, temporary)


def check_features(folder: Path, content: ContentConfig, audio: AudioConfig) -> None:
    """Raises ConfigError for a folder of features that were made with other settings; an old one that names none passes."""
    asked = feature_settings(content, audio)
    path = folder / SETTINGS
    made = read_json(path, "python -m pipelines.pretraining.features") if path.is_file() else asked
    made = {key: value for key, value in made.items() if key not in OF_THE_HEAD}
    if other := sorted(key for key in asked.keys() | made.keys() if asked.get(key) != made.get(key)):
        what = f"the features were made with {', '.join(f'{key}={made.get(key)}' for key in other)}"
        raise ConfigError(
            what, str(folder), "name the same settings or another pretrain.work_dir, or remove the folder"
        )


def feature_settings(content: ContentConfig, audio: AudioConfig) -> dict[str, Any]:
    """What features depend on, by the names of the configuration."""
    return {
        f"{group}.{key}": value
        for group, of in (("content", content), ("audio", audio))
        for key, value in asdict(of).items()
        if f"{group}.{key}" not in OF_THE_HEAD
    }


def extract_corpus(
    recordings: list[Recording], root: Path, out: Path, content: ContentConfig, audio: AudioConfig, num_workers: int = 2
) -> None:
    """Writes out/<key>.safetensors for each recording that has none yet; raises ConfigError as check_features."""
    check_features(out, content, audio)
    out.mkdir(parents=True, exist_ok=True)
    write_json(out / SETTINGS, feature_settings(content, audio))
    targets = [(recording, out / f"{recording.key}.safetensors") for recording in recordings]
    jobs = [(recording, root, target, content, audio) for recording, target in targets if not target.exists()]
    with worker_pool(num_workers) as pool:
        for _ in track(pool.map(_extract, jobs, chunksize=4), "features", total=len(jobs)):
            pass
