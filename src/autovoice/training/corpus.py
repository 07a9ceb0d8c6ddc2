"""The pretraining corpus: a manifest of recordings of many people, turned into feature files once."""

import csv
import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import soxr
import torch
from rich.progress import track
from safetensors.torch import save_file
from torch import Tensor

from autovoice.audio.io import load_wav
from autovoice.config import AudioConfig, ContentConfig
from autovoice.features import at_level, even_length, extract_features
from autovoice.files import replacing
from autovoice.models.content import encode, load_content_encoder
from autovoice.models.speaker import embed_speaker
from autovoice.processes import worker_pool

MAX_RECORDING_S = 30.0  # a longer one is cut: Whisper hears 30 s at once
PERTURB_RATIO = 1.25  # content is also taken from a copy played up to this much faster or slower


@dataclass
class Recording:
    """One line of the corpus manifest."""

    path: str
    speaker: str
    gender: str
    split: str

    @property
    def key(self) -> str:
        """A file name that is unique to the recording."""
        return hashlib.sha256(self.path.encode()).hexdigest()[:20]


def read_corpus(manifest: Path, split: str) -> list[Recording]:
    """Speech recordings of `split` in a CSV with the columns path, speaker, gender, split, kind."""
    with Path(manifest).open(encoding="utf-8", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["split"] == split and row["kind"] == "speech"]
    return [Recording(row["path"], row["speaker"], row["gender"], row["split"]) for row in rows]


def perturbed_content(wav: np.ndarray, encoder: torch.nn.Module, seed: str, n_frames: int) -> Tensor:
    """Content of wav played faster or slower (so in another voice), stretched back to n_frames: (n_frames, D) float16."""
    rng = np.random.default_rng(int(hashlib.sha256(seed.encode()).hexdigest()[:8], 16))
    ratio = float(np.exp(rng.uniform(-1, 1) * np.log(PERTURB_RATIO)))
    played = soxr.resample(wav, 16000, 16000 * ratio).astype(np.float32)[: int(MAX_RECORDING_S * 16000)]
    content = encode(encoder, torch.from_numpy(played)[None]).transpose(1, 2)
    stretched = torch.nn.functional.interpolate(content, size=n_frames, mode="linear", align_corners=False)
    return stretched[0].T.half().contiguous()


@cache
def _encoder(name: str, layer: int) -> torch.nn.Module:
    torch.set_num_threads(1)
    return load_content_encoder(ContentConfig(name, layer))


def _extract(job: tuple[Recording, Path, Path, ContentConfig, AudioConfig]) -> None:
    recording, root, target, content, audio = job
    encoder = _encoder(content.name, content.layer)
    wav = load_wav(root / recording.path, audio.sample_rate)[: int(MAX_RECORDING_S * audio.sample_rate / PERTURB_RATIO)]
    wav = at_level(wav, audio)[: even_length(len(wav), audio)]
    features = extract_features(wav, encoder, audio)
    features["content_perturbed"] = perturbed_content(wav, encoder, recording.path, len(features["content"]))
    features["wav"] = torch.from_numpy((np.clip(wav, -1, 1) * 32767).astype(np.int16))
    features["spk_emb"] = torch.from_numpy(embed_speaker(wav))
    with replacing(target) as temporary:
        save_file(features, temporary)


def extract_corpus(
    recordings: list[Recording], root: Path, out: Path, content: ContentConfig, audio: AudioConfig, num_workers: int = 2
) -> None:
    """Writes out/<key>.safetensors for each recording that has none yet."""
    targets = [(recording, out / f"{recording.key}.safetensors") for recording in recordings]
    jobs = [(recording, root, target, content, audio) for recording, target in targets if not target.exists()]
    with worker_pool(num_workers) as pool:
        for _ in track(pool.map(_extract, jobs, chunksize=4), "features", total=len(jobs)):
            pass
