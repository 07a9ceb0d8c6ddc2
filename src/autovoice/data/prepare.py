"""Recordings -> validated, levelled, cut and split segments with a manifest and a report."""

import hashlib
import re
import shutil
from collections import defaultdict
from pathlib import Path

import numpy as np

from autovoice.audio.io import load_wav, save_wav
from autovoice.audio.loudness import gain_to
from autovoice.config import AudioConfig, DatasetConfig
from autovoice.data.manifest import Segment, write_manifest
from autovoice.data.report import write_report, write_validation
from autovoice.data.segment import segments_of
from autovoice.data.sources import list_recordings
from autovoice.data.split import assign_splits
from autovoice.data.validate import Check, validate
from autovoice.errors import DataError
from autovoice.files import sha256_file, write_json


def prepare(dataset: DatasetConfig, audio: AudioConfig, seed: int, out: Path) -> tuple[list[Check], list[Segment]]:
    """Writes out/{manifest.csv, wav/, validation.csv, validation.json, report.html, adapt.json}.

    The report is written even when too little is left of a speaker, which raises DataError naming the speaker.
    """
    checks = validate(list_recordings(dataset))
    shutil.rmtree(out / "wav", ignore_errors=True)
    segments = [s for check in checks if check.status != "left out" for s in _cut(check, dataset, audio, out)]
    segments = assign_splits(segments, dataset.dev_s, dataset.eval_s, seed)
    write_validation(out, checks, segments)
    write_report(out / "report.html", checks, segments)
    _check_enough(checks, segments, dataset)
    write_manifest(out / "manifest.csv", segments)
    write_json(out / "adapt.json", speakers_to_adapt(segments, dataset))
    return checks, segments


def _cut(check: Check, dataset: DatasetConfig, audio: AudioConfig, out: Path) -> list[Segment]:
    """Writes the segments of one recording at the model's level; a recording without any is left out."""
    recording, rate = check.recording, audio.output_rate
    wav = load_wav(recording.path, rate)
    wav = wav - wav.mean()
    if dataset.max_speaker_s:
        wav = wav[: int(dataset.max_speaker_s * rate)]
    pieces = segments_of(wav, rate, dataset.segment_min_s, dataset.segment_max_s, dataset.trim_db)
    if not pieces:
        check.leave_out(f"under {dataset.segment_min_s:g} s of sound after trimming")
    name = f"{_safe(Path(recording.recording_id).stem)}_{_tag(recording.recording_id)}"
    segments = []
    for i, (start, piece) in enumerate(pieces):
        segment_id = f"{_safe(recording.speaker)}__{name}_{i:03d}"
        path = Path("wav") / _safe(recording.speaker) / f"{segment_id}.flac"
        save_wav(out / path, np.clip(piece * gain_to(piece, rate, audio.level_dbfs), -1, 1), rate)
        segments.append(
            Segment(
                segment_id=segment_id,
                speaker=recording.speaker,
                recording=recording.recording_id,
                path=path.as_posix(),
                duration_s=len(piece) / rate,
                start_s=start / rate,
                split="train",
                text=recording.text if len(pieces) == 1 else "",
                lang=recording.lang,
                sex=recording.sex,
                sha256=sha256_file(out / path),
                source_sha256=check.sha256,
            )
        )
    return segments


def _safe(name: str) -> str:
    return re.sub(r"[^\w.-]+", "-", name).strip(".-") or "unnamed"


def _tag(recording_id: str) -> str:
    """Tells apart recordings whose names differ only in what _safe replaces, or in their folder."""
    return hashlib.sha256(recording_id.encode()).hexdigest()[:6]


def _check_enough(checks: list[Check], segments: list[Segment], dataset: DatasetConfig) -> None:
    left: dict[str, float] = defaultdict(float)
    for segment in segments:
        left[segment.speaker] += segment.duration_s
    for speaker in sorted({check.recording.speaker for check in checks}):
        n_bad = sum(c.status == "left out" for c in checks if c.recording.speaker == speaker)
        if left[speaker] < dataset.min_speaker_s:
            found = f"only {left[speaker]:.1f} s of usable speech, {dataset.min_speaker_s:g} s are needed"
            remedy = "add recordings, remove the speaker, or lower dataset.min_speaker_s (see the report)"
            raise DataError(f"{found} ({n_bad} files left out)", f"speaker {speaker}", remedy)


def speakers_to_adapt(segments: list[Segment], dataset: DatasetConfig) -> list[str]:
    """dataset.adapt, or else the speaker with the most training speech of each sex (of all, where no sex is stated)."""
    seconds: dict[str, float] = defaultdict(float)
    sexes = {s.speaker: s.sex for s in segments}
    for segment in segments:
        seconds[segment.speaker] += segment.duration_s * (segment.split == "train")
    if unknown := [speaker for speaker in dataset.adapt if speaker not in seconds]:
        raise DataError("no such speaker", f"dataset.adapt: {unknown[0]}", f"choose from {', '.join(sorted(seconds))}")
    if dataset.adapt:
        return list(dataset.adapt)
    best: dict[str, str] = {}
    for speaker in sorted(seconds, key=lambda s: -seconds[s]):
        best.setdefault(sexes[speaker], speaker)
    return sorted(best.values())
