"""Converts the trials of a protocol and writes its tables; what was converted from the same inputs is left as it is."""

import hashlib
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.progress import track

import autovoice
from autovoice.audio.io import load_wav
from autovoice.config import PresetConfig
from autovoice.convert import Pitch, VoiceConverter
from autovoice.evaluation.items import audio_sha
from autovoice.evaluation.trials import Trial
from autovoice.files import read_json, sha256_file, write_csv, write_json
from autovoice.voice import VoiceProfile, clone_voice
from autovoice.weights import CONTENT_ENCODER

CODE = (
    "audio",
    "models",
    "analysis.py",
    "convert.py",
    "features.py",
    "guidance.py",
    "mapping.py",
    "retrieval.py",
    "sharpening.py",
    "synthesis.py",
    "voice.py",
    "watermark",
)  # what decides a result


@dataclass
class Job:
    """One file to make: a trial with a preset. out: where."""

    trial: Trial
    preset: str
    system: str
    out: Path

    @property
    def pitch(self) -> Pitch:
        return 0.0 if self.trial.kind == "copy" else "auto"


def jobs_of(trials: Sequence[Trial], protocol: str, presets: Sequence[str], out: Path) -> list[Job]:
    """A job a trial and preset. Systems are called PROTOCOL/PRESET, of several lengths PROTOCOL/PRESET@SECONDSs, copies
    copy/PRESET."""
    several, jobs = len({trial.seconds for trial in trials}) > 1, []
    for preset in presets:
        for trial in trials:
            label = f"{preset}@{trial.seconds:g}s" if several else preset
            name = f"{trial.kind}_{trial.source.path.stem}.wav"
            path = out / "wav" / label / trial.target.person.file_name / name
            jobs.append(Job(trial, preset, f"{'copy' if trial.kind == 'copy' else protocol}/{label}", path))
    return jobs


class Maker:
    """Makes jobs' files. A file with the inputs of its job beside it (NAME.json) is not made again."""

    def __init__(self, converter: VoiceConverter, presets: dict[str, PresetConfig], seed: int) -> None:
        self.converter, self.presets, self.seed = converter, presets, seed
        self._voices: dict[tuple[str, ...], VoiceProfile] = {}
        weights = {"generator": sha256_file(converter.weights), "content": sha256_file(CONTENT_ENCODER)}
        settings = {"audio": asdict(converter.audio), "content": asdict(converter.content), "seed": seed}
        self._always = {**weights, **settings, "code": _code_sha()}

    def make(self, job: Job) -> float:
        """Writes job.out where it is not what it should be; returns the real-time factor of its conversion."""
        inputs, beside = self._inputs(job), job.out.with_suffix(".json")
        if job.out.is_file() and beside.is_file():
            known = read_json(beside, "python -m pipelines.protocol in an empty folder")
            if known["inputs"] == inputs and known["sha256"] == sha256_file(job.out):
                return float(known["rtf"])
        rtf = self._write(job)
        write_json(beside, {"inputs": inputs, "sha256": sha256_file(job.out), "rtf": rtf})
        return rtf

    def _write(self, job: Job) -> float:
        source, preset = job.trial.source.path, self.presets[job.preset]
        return self.converter.convert_file(source, job.out, self._voice(job.trial), preset, job.pitch, self.seed).rtf

    def _inputs(self, job: Job) -> str:
        references = [audio_sha(path) for path in job.trial.target.references[job.trial.seconds]]
        own = {"source": audio_sha(job.trial.source.path), "references": references, "pitch": job.pitch}
        values = {**self._always, **own, "preset": asdict(self.presets[job.preset])}
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()

    def _voice(self, trial: Trial) -> VoiceProfile:
        files = trial.target.references[trial.seconds]
        key = tuple(map(str, files))
        if key not in self._voices:
            wavs = [load_wav(path, self.converter.audio.output_rate) for path in files]
            self._voices[key] = clone_voice(trial.target.person.name, wavs, networks=self.converter.networks)
        return self._voices[key]


def _code_sha() -> str:
    package, digest = Path(autovoice.__file__).parent, hashlib.sha256()
    for path in sorted(file for name in CODE for file in [package / name, *(package / name).glob("*.py")]):
        if path.is_file():
            digest.update(path.read_bytes())
    return digest.hexdigest()


def convert_all(jobs: Sequence[Job], maker: Maker, out: Path) -> Path:
    """Makes every job's file and writes out/pairs.csv, a row a job; files of earlier jobs are removed."""
    rows = [_row(job, out) | {"rtf": f"{maker.make(job):.5f}"} for job in track(jobs, "converting")]
    keep = {path for job in jobs for path in (job.out, job.out.with_suffix(".json"))}
    for path in (out / "wav").rglob("*"):
        if path.suffix in (".wav", ".json") and path not in keep:
            path.unlink()
    write_table(out / "pairs.csv", rows)
    return out / "pairs.csv"


def _row(job: Job, out: Path) -> dict[str, Any]:
    """What evaluation reads of a job; paths from the table's folder."""
    trial, target = job.trial, job.trial.target.person
    source = trial.source.person
    same = "" if "" in (source.gender, target.gender) else "same" if source.gender == target.gender else "cross"
    return trial_row(trial, out) | {
        "converted": _relative([job.out], out),
        "system": job.system,
        "sex": same,
        "preset": job.preset,
    }


def trial_row(trial: Trial, out: Path) -> dict[str, Any]:
    """A trial as a line of trials.csv; paths from the table's folder."""
    target, ceiling = trial.target, trial.target.ceiling
    return {
        "source": _relative([trial.source.path], out),
        "references": _relative(target.references[trial.seconds], out),
        "reference_s": f"{trial.seconds:g}",
        "target_refs": _relative(target.judged[trial.seconds], out),
        "ceiling_refs": _relative([ceiling] if ceiling else [], out),
        "text": trial.source.text,
        "lang": trial.source.person.lang,
        "source_speaker": trial.source.person.name,
        "target_speaker": target.person.name,
        "kind": trial.kind,
    }


def _relative(paths: Iterable[Path], out: Path) -> str:
    return "|".join(os.path.relpath(path, out) for path in paths)


def write_table(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """A CSV, written whole or not at all."""
    write_csv(path, list(rows[0]), rows)
