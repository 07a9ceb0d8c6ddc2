"""The jobs of a batch: a row of a table each, or a recording of a folder each."""

import csv
from argparse import ArgumentTypeError
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from autovoice.batch.ledger import FOLDER
from autovoice.errors import AutovoiceError, DataError

COLUMNS = ("source", "out", "kind", "voice", "preset", "pitch", "text")


@dataclass(frozen=True)
class Job:
    """One recording to make, in the words of the command line.

    line: of the table, 0 without one; source: None where `text` is spoken; voice: "" is that of --reference.
    """

    line: int
    source: Path | None
    out: Path
    kind: str
    voice: str
    preset: str
    pitch: str
    text: str = ""


@dataclass(frozen=True)
class Rules:
    """What a row may say: the suffixes that each kind writes, and a check of a value by column, which raises."""

    formats: Mapping[str, Sequence[str]]
    checks: Mapping[str, Callable[[str], object]]


def jobs_of_folder(folder: Path, files: Iterable[Path], out: Path, default: Job) -> list[Job]:
    """A job for each file below `folder`, its tree kept below `out`; what lies below `out` is a result and no source."""
    root = out.resolve()
    if root == folder.resolve():
        raise DataError("is the folder of the recordings too", f"-o {out}", "name another folder")
    kept = {
        file: file.relative_to(folder).with_suffix(".wav") for file in files if not file.resolve().is_relative_to(root)
    }
    jobs = [replace(default, source=file.absolute(), out=root / name) for file, name in kept.items()]
    if not jobs:
        raise DataError("holds no recordings", str(folder), "name a folder of recordings, or a table of jobs")
    return _distinct(jobs, folder)


def jobs_of_table(table: Path, out: Path, default: Job, rules: Rules) -> list[Job]:
    """A job for each row of a CSV with COLUMNS, of which source alone is required; a row overrides `default`.

    Paths are relative to the table's folder, `out` to the folder `out`, which it may not leave. Raises DataError that names
    the line for an unknown column, a refused value, a source that is not there, and results that would overwrite something.
    """
    jobs = []
    for line, row in _rows(table):
        try:
            jobs.append(_job(line, row, table.absolute().parent, out.resolve(), default, rules))
        except (AutovoiceError, ArgumentTypeError) as error:
            known = error if isinstance(error, AutovoiceError) else AutovoiceError(str(error))
            what = f"{known.where}: {known.what}" if known.where else known.what
            raise DataError(f"line {line}: {what}", str(table), known.remedy or "correct the line") from error
    if not jobs:
        raise DataError("has no rows", str(table), "add a row a recording")
    return _distinct(jobs, table)


def _rows(table: Path) -> list[tuple[int, dict[str, str]]]:
    """(line, cells that are not empty) of each row."""
    try:
        with table.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream, strict=True)
            names = reader.fieldnames or []
            unknown = [repr(name) for name in names if name not in COLUMNS]
            if "source" not in names or unknown or len(set(names)) < len(names):
                wrong = (
                    f"has the unknown columns {', '.join(unknown)}" if unknown else "lacks source, or repeats a column"
                )
                raise DataError(wrong, str(table), f"name the columns in its first line, of {', '.join(COLUMNS)}")
            rows = [(reader.line_num, row) for row in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"is not a CSV in UTF-8 ({error})", str(table), "save it as CSV, UTF-8") from error
    for line, row in rows:
        if None in row or "\0" in "".join(text or "" for text in row.values()):
            raise DataError(f"line {line}: has more cells than columns", str(table), "quote cells that hold commas")
    return [(line, {name: text.strip() for name, text in row.items() if text and text.strip()}) for line, row in rows]


def _job(line: int, row: dict[str, str], folder: Path, root: Path, default: Job, rules: Rules) -> Job:
    source = folder / row["source"] if "source" in row else None
    plain: dict[str, Any] = {name: row[name] for name in ("kind", "voice", "preset", "pitch", "text") if name in row}
    job = replace(default, line=line, source=source, **plain)
    for name, check in rules.checks.items():
        check(getattr(job, name))
    if job.text and (job.kind != "speak" or source):
        raise DataError("text is for the kind speak, without a source", "", "empty one of them")
    if not source and not job.text:
        raise DataError("source is empty", "", "name a recording")
    if source and not source.is_file():
        raise DataError(f"source {source} does not exist", "", "correct the path")
    return replace(job, out=_out_of(row, root, rules.formats[job.kind]))


def _out_of(row: dict[str, str], root: Path, formats: Sequence[str]) -> Path:
    """The result's path below `root`: as the row names it, else as its source lies below the table, as .wav."""
    if "out" not in row and "source" not in row:
        raise DataError("out is empty, and there is no source to name it after", "", "name the result")
    named = Path(row.get("source", ""))
    below = named if not named.is_absolute() and ".." not in named.parts else Path(named.name)
    text = row.get("out") or str(below.with_suffix(".wav"))
    out = (root / text).resolve()
    if not out.is_relative_to(root) or out.is_relative_to(root / FOLDER):
        raise DataError(f"out {text!r} does not stay in the folder of the results", "", "name a path below it")
    if out.suffix.lower() not in formats:
        raise DataError(f"out {text!r} is not a format that can be written", "", f"name it {', '.join(formats)}")
    return out


def _distinct(jobs: list[Job], where: Path) -> list[Job]:
    """The jobs, no two of which write one file, and none a file that another reads; raises DataError."""
    sources = {job.source.resolve() for job in jobs if job.source}
    taken: dict[Path, Job] = {}
    for job in jobs:
        at = f"line {job.line}: " if job.line else ""
        if job.out in taken:
            other = taken[job.out]
            names = f"{other.source or 'a text'}{f' (line {other.line})' if other.line else ''} and {job.source or 'a text'}"
            raise DataError(f"{at}{names} would both become {job.out}", str(where), "rename one of them")
        if job.out in sources:
            raise DataError(f"{at}{job.out} is a source and would be overwritten", str(where), "choose another folder")
        taken[job.out] = job
    return jobs
