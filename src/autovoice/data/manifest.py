"""The manifest of prepared segments: a row a segment, the contract between prepare and every later stage."""

import csv
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from autovoice.errors import DataError
from autovoice.files import write_csv

SPLITS = ("train", "dev", "eval")


@dataclass
class Segment:
    """path: relative to the manifest's folder; recording: what splits are disjoint by; sex: F, M or empty."""

    segment_id: str
    speaker: str
    recording: str
    path: str
    duration_s: float
    start_s: float
    split: str
    text: str
    lang: str
    sex: str
    sha256: str
    source_sha256: str


def read_manifest(path: Path) -> list[Segment]:
    """Rows in file order; raises DataError if the file or a column is missing, or a split is unknown."""
    if not path.is_file():
        raise DataError("no such manifest", str(path), "run the prepare stage first")
    with path.open(encoding="utf-8", newline="") as stream:
        reader = csv.DictReader(stream)
        missing = {field.name for field in fields(Segment)} - set(reader.fieldnames or [])
        if missing:
            raise DataError(f"lacks the columns {', '.join(sorted(missing))}", str(path), "run the prepare stage again")
        rows = list(reader)
    segments = []
    for row in rows:
        numbers = {name: float(row[name]) for name in ("duration_s", "start_s")}
        segments.append(Segment(**{**row, **numbers}))  # type: ignore[arg-type]
    for segment in segments:
        if segment.split not in SPLITS:
            raise DataError(
                f"unknown split {segment.split!r} of {segment.segment_id}", str(path), "run the prepare stage again"
            )
    return segments


def write_manifest(path: Path, segments: list[Segment]) -> None:
    """Writes the manifest, whole or not at all."""
    times = [{"duration_s": f"{s.duration_s:.3f}", "start_s": f"{s.start_s:.3f}"} for s in segments]
    rows = (asdict(segment) | own for segment, own in zip(segments, times, strict=True))
    write_csv(path, [field.name for field in fields(Segment)], rows)
