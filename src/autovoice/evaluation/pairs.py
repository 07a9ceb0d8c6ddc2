"""The table of pairs that evaluation reads: a row a conversion, of any system."""

import csv
from dataclasses import dataclass
from pathlib import Path

from autovoice.errors import DataError

REQUIRED = ("source", "target_refs", "converted")
KINDS = ("conversion", "copy")


@dataclass
class Pair:
    """One conversion. pitch_st: intended shift, None = estimate it; rtf: as the converter measured it, None = unknown."""

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

    @property
    def english(self) -> bool:
        """Whether the English recogniser can say anything about it; an unstated language is taken as English."""
        return not self.lang or self.lang.lower().startswith("en")


def read_pairs(path: Path) -> list[Pair]:
    """Rows of the CSV; paths are relative to its folder or absolute.

    Raises DataError for a missing table, column, source or reference, a duplicate row, no rows, or a wrong number. A
    missing converted file is not an error here: that pair is measured as failed.
    """
    if not path.is_file():
        raise DataError("no such table", str(path), "name a CSV with the columns source, target_refs, converted")
    with path.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.DictReader(stream)
        missing = [name for name in REQUIRED if name not in (reader.fieldnames or [])]
        if missing:
            raise DataError(f"lacks the columns {', '.join(missing)}", str(path), "add them to its first line")
        rows = list(reader)
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


def _pair(number: int, row: dict[str, str], table: Path) -> Pair:
    def files(name: str) -> tuple[Path, ...]:
        found = tuple(table.parent / part.strip() for part in (row.get(name) or "").split("|") if part.strip())
        for file in found:
            if not file.is_file():
                raise DataError(f"line {number}: {name} {file} does not exist", str(table), "correct the path")
        return found

    def number_or_none(name: str) -> float | None:
        try:
            return float(row[name]) if row.get(name) else None
        except ValueError:
            raise DataError(f"line {number}: {name} is not a number", str(table), "correct the value") from None

    for name in REQUIRED:
        if not (row.get(name) or "").strip():
            raise DataError(f"line {number}: {name} is empty", str(table), "complete the line")
    kind = row.get("kind") or "conversion"
    if kind not in KINDS:
        raise DataError(f"line {number}: kind {kind!r} is unknown", str(table), f"use one of {', '.join(KINDS)}")
    plain = {n: row.get(n) or "" for n in ("text", "lang", "source_speaker", "target_speaker", "sex", "preset")}
    return Pair(
        number,
        files("source")[0],
        files("target_refs"),
        table.parent / row["converted"],
        files("ceiling_refs"),
        row.get("system") or "system",
        **plain,
        pitch_st=number_or_none("pitch_st"),
        kind=kind,
        rtf=number_or_none("rtf"),
    )
