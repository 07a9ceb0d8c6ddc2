"""The table of pairs that evaluation reads: a row a conversion, of any system."""

import csv
import math
from dataclasses import dataclass
from pathlib import Path

from autovoice.errors import DataError

REQUIRED = ("source", "target_refs", "converted")
KINDS = ("conversion", "copy", "singing")


@dataclass
class Pair:
    """One conversion.

    pitch_st: intended shift, None = estimate it; parallel: the target saying the same text; vocals, accompaniment: what a song
    was mixed of, where the source is the vocal that was separated from it; rtf (seconds used over seconds
    of audio), latency_ms and memory_mb: as the converter measured them, None = unknown.
    """

    number: int
    source: Path
    target_refs: tuple[Path, ...]
    converted: Path
    ceiling_refs: tuple[Path, ...] = ()
    system: str = "system"
    text: str = ""
    lang: str = ""
    source_speaker: str = ""
    target_speaker: str = ""
    sex: str = ""
    preset: str = ""
    pitch_st: float | None = None
    kind: str = "conversion"
    rtf: float | None = None
    latency_ms: float | None = None
    memory_mb: float | None = None
    parallel: Path | None = None
    vocals: Path | None = None
    accompaniment: Path | None = None

    @property
    def name(self) -> str:
        """What a person calls it: the source and the target."""
        return f"{self.source.stem} > {self.target_speaker or self.target_refs[0].stem}"

    @property
    def english(self) -> bool:
        """Whether the English recogniser can say anything about it; an unstated language is taken as English."""
        return not self.lang or self.lang.lower().startswith("en")


def read_pairs(path: Path) -> list[Pair]:
    """Rows of the CSV; paths are relative to its folder or absolute.

    Raises DataError for a missing table, column, source or reference, a duplicate row, no rows, a wrong number, or a
    copy across speakers. A missing converted file is not an error here: that pair is measured as failed.
    """
    rows = _read_rows(path)
    if not rows:
        raise DataError("has no rows", str(path), "add a row a conversion")
    pairs = [_pair(number, row, path) for number, row in enumerate(rows, 2)]
    seen: dict[tuple[str, Path], int] = {}
    for pair in pairs:
        key = (pair.system, pair.converted)
        if key in seen:
            raise DataError(
                f"lines {seen[key]} and {pair.number} are the same conversion", str(path), "remove one of them"
            )
        seen[key] = pair.number
    return pairs


def _read_rows(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        raise DataError("no such table", str(path), "name a CSV with the columns source, target_refs, converted")
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            missing = [name for name in REQUIRED if name not in (reader.fieldnames or [])]
            if missing:
                raise DataError(f"lacks the columns {', '.join(missing)}", str(path), "add them to its first line")
            return list(reader)
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"is not a CSV in UTF-8 ({error})", str(path), "save it as CSV, UTF-8") from error


def _pair(number: int, row: dict[str, str], table: Path) -> Pair:
    for name in REQUIRED:
        if not _text(row, name):
            raise DataError(f"line {number}: {name} is empty", str(table), "complete the line")
    kind = _text(row, "kind") or "conversion"
    if kind not in KINDS:
        raise DataError(f"line {number}: kind {kind!r} is unknown", str(table), f"use one of {', '.join(KINDS)}")
    if kind == "copy" and _text(row, "source_speaker") != _text(row, "target_speaker"):
        what = f"line {number}: a copy has one speaker, here source and target differ"
        raise DataError(what, str(table), "PESQ and STOI mean nothing across speakers: call it a conversion")
    plain = {n: _text(row, n) for n in ("text", "lang", "source_speaker", "target_speaker", "sex", "preset")}
    return Pair(
        number,
        _files(number, row, "source", table)[0],
        _files(number, row, "target_refs", table),
        table.parent / _text(row, "converted"),
        _files(number, row, "ceiling_refs", table),
        _text(row, "system") or "system",
        **plain,
        pitch_st=_number(number, row, "pitch_st", table),
        kind=kind,
        rtf=_number(number, row, "rtf", table),
        latency_ms=_number(number, row, "latency_ms", table),
        memory_mb=_number(number, row, "memory_mb", table),
        parallel=_file(number, row, "parallel", table),
        vocals=_file(number, row, "vocals", table),
        accompaniment=_file(number, row, "accompaniment", table),
    )


def _text(row: dict[str, str], name: str) -> str:
    return (row.get(name) or "").strip()


def _files(number: int, row: dict[str, str], name: str, table: Path) -> tuple[Path, ...]:
    found = tuple(table.parent / part.strip() for part in _text(row, name).split("|") if part.strip())
    for file in found:
        if not file.is_file():
            raise DataError(f"line {number}: {name} {file} does not exist", str(table), "correct the path")
    if name in REQUIRED and not found:
        raise DataError(f"line {number}: {name} names no file", str(table), "complete the line")
    return found


def _file(number: int, row: dict[str, str], name: str, table: Path) -> Path | None:
    return next(iter(_files(number, row, name, table)), None)


def _number(number: int, row: dict[str, str], name: str, table: Path) -> float | None:
    text = _text(row, name)
    try:
        value = float(text) if text else None
    except ValueError:
        value = math.nan
    if value is not None and not math.isfinite(value):
        raise DataError(f"line {number}: {name} {text!r} is not a number", str(table), "correct the value")
    return value
