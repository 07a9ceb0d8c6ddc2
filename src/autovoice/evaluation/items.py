"""The lines of an evaluation's pairs.csv: what was measured of which audio, so that two evaluations compare item by item.

An item is known by its system and the audio of its source and references, never by the converted file.
"""

import csv
import hashlib
import math
import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import soundfile as sf

from autovoice.errors import DataError
from autovoice.evaluation.rows import METRICS, Row
from autovoice.files import replacing, sha256_file

WHO = ("system", "kind", "preset", "source_speaker", "target_speaker", "sex", "lang", "text")
FILES = ("source", "target_refs", "converted")  # paths from the folder of pairs.csv, several separated by |
HASHES = ("source_sha", "refs_sha", "converted_sha")
EXTRA = ("secs_source", "campp_source")
Key = tuple[str, str, str, int]


@cache
def _audio_sha(path: Path, size: int, mtime_ns: int) -> str:
    try:
        samples, rate = sf.read(path, dtype="float32", always_2d=True)
    except (sf.LibsndfileError, RuntimeError):
        return sha256_file(path)
    return hashlib.sha256(f"{rate} {samples.shape}".encode() + samples.tobytes()).hexdigest()


def audio_sha(path: Path) -> str:
    """Hash of what is heard, whatever the container: samples and rate; of the bytes where it is no audio; "" for no file."""
    if not path.is_file():
        return ""
    status = path.stat()
    return _audio_sha(path, status.st_size, status.st_mtime_ns)


def joint_sha(paths: Iterable[Path]) -> str:
    """Hash of several recordings, whatever their order."""
    return hashlib.sha256("\n".join(sorted(audio_sha(path) for path in paths)).encode()).hexdigest()


@dataclass
class Item:
    """One line. base: the folder that `files` start from; values: None where a metric does not apply or failed; faults: why."""

    key: Key
    who: dict[str, str]
    files: dict[str, str]
    hashes: dict[str, str]
    base: Path
    values: dict[str, float | None] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)

    @property
    def system(self) -> str:
        return self.key[0]

    @property
    def name(self) -> str:
        """What a person calls it."""
        return (
            f"{Path(self.files['source']).stem} > {self.who['target_speaker'] or Path(self.files['target_refs']).stem}"
        )

    def paths(self, name: str) -> list[Path]:
        """The files of a column of FILES."""
        return [self.base / part for part in self.files[name].split("|")]

    @property
    def cluster(self) -> str:
        """Who speaks to whom."""
        source, target = self.who["source_speaker"], self.who["target_speaker"]
        return f"{source or self.hashes['source_sha']} > {target or self.hashes['refs_sha']}"


def write_items(path: Path, rows: list[Row]) -> None:
    """A line a pair: who, the hashes of the audio, each metric, and why one failed."""

    def relative(paths: Iterable[Path]) -> str:
        return "|".join(os.path.relpath(file, path.parent) for file in paths)

    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow([*WHO, *FILES, *HASHES, *METRICS, *EXTRA, "faults"])
        for row in rows:
            pair = row.pair
            hashes = [audio_sha(pair.source), joint_sha(pair.target_refs), audio_sha(pair.converted)]
            values = [row.values.get(name) for name in METRICS] + [row.extra.get(name) for name in EXTRA]
            numbers = ["" if value is None else f"{value:.6g}" for value in values]
            faults = "; ".join(f"{name}: {fault.replace(';', ',')}" for name, fault in row.faults.items())
            files = [relative(paths) for paths in ([pair.source], pair.target_refs, [pair.converted])]
            writer.writerow([*(getattr(pair, name) for name in WHO), *files, *hashes, *numbers, faults])


def items_of(lines: Iterable[dict[str, Any]], where: Path) -> list[Item]:
    """Lines of the pairs.csv `where`, or of a baseline made from one; raises DataError for those of another version."""
    items, seen = [], Counter[tuple[str, str, str]]()
    for line in lines:
        missing = [name for name in (*WHO, *FILES, *HASHES) if name not in line]
        if missing:
            what = f"comes from another version: it lacks {', '.join(missing)}"
            raise DataError(what, str(where), "run autovoice evaluate again, and autovoice gate DIR --update REASON")
        same = (line["system"], line["source_sha"], line["refs_sha"])
        faults = dict(part.split(": ", 1) for part in (line.get("faults") or "").split("; ") if ": " in part)
        values = {name: _value(line[name]) for name in (*METRICS, *EXTRA) if name in line}
        who, files, hashes = ({name: line[name] or "" for name in names} for names in (WHO, FILES, HASHES))
        items.append(Item((*same, seen[same]), who, files, hashes, where.parent, values, faults))
        seen[same] += 1
    return items


def _value(text: Any) -> float | None:
    if text is None or text == "":
        return None
    try:
        return float(text)
    except ValueError:
        return math.nan


def read_items(path: Path) -> list[Item]:
    """The items of an evaluation's pairs.csv; raises DataError where there is none, or one of another version."""
    if not path.is_file():
        raise DataError("no such file", str(path), "run autovoice evaluate again")
    with path.open(encoding="utf-8", newline="") as stream:
        return items_of(csv.DictReader(stream), path)
