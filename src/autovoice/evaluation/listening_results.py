"""The table of ratings: a line an answer, on the disk before the next clip is heard; a torn line is dropped."""

import csv
import fcntl
import io
import os
from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from autovoice.errors import DataError
from autovoice.evaluation.listening_trials import ANSWERS, Trial

REMEDY = "name a file that autovoice listen wrote"


@dataclass(frozen=True)
class Rating:
    """One answer. system_b: "" in a MOS test; answer: 1 to 5, or the side a or b; listened_s: seconds of sound played."""

    listener: str
    trial: str
    kind: str
    question: str
    role: str
    system_a: str
    system_b: str
    item: str
    answer: str
    listened_s: float
    time: str

    @property
    def key(self) -> tuple[str, str]:
        """What is counted once."""
        return self.listener, self.trial


COLUMNS = tuple(field.name for field in fields(Rating))


def rating_of(trial: Trial, listener: str, answer: str, listened_s: float) -> Rating:
    """The rating of a trial, now (UTC)."""
    a, b = (*trial.systems, "")[:2]
    now = datetime.now(UTC).isoformat(timespec="seconds")
    what = (trial.kind, trial.question, trial.role, a, b, trial.item)
    return Rating(listener, trial.id, *what, answer, round(listened_s, 2), now)


def read_ratings(path: Path) -> list[Rating]:
    """Whole lines, the first of each listener and trial; raises DataError where there is no file or another table."""
    if not path.is_file():
        raise DataError("no such file", str(path), "let somebody listen first: autovoice listen DIR")
    return _parsed(path.read_bytes(), path)


def append_rating(path: Path, rating: Rating) -> bool:
    """Adds a line and waits until the disk has it. False, and no line, where this listener answered this trial before.

    Safe beside other writers of the same file. Raises DataError where the file is another table.
    """
    with path.open("a+b") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        held = _without_torn_line(stream)
        if rating.key in {known.key for known in _parsed(held, path)}:
            return False
        stream.write(_lines([astuple(rating)] if held else [COLUMNS, astuple(rating)]))
        stream.flush()
        os.fsync(stream.fileno())
    return True


def start_results(path: Path) -> list[Rating]:
    """The ratings so far; raises DataError or OSError, before anybody listens, where the file could not be added to."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab"):
        return read_ratings(path)


def _without_torn_line(stream: BinaryIO) -> bytes:
    stream.seek(0)
    held = stream.read()
    whole = held[: held.rfind(b"\n") + 1]
    if len(whole) < len(held):
        stream.truncate(len(whole))
    return whole


def _lines(rows: Iterable[tuple[object, ...]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def _parsed(held: bytes, path: Path) -> list[Rating]:
    whole = held[: held.rfind(b"\n") + 1]
    if not whole:
        return []
    try:
        head, *rows = csv.reader(io.StringIO(whole.decode()))
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"is no table of ratings ({error})", str(path), REMEDY) from error
    if tuple(head) != COLUMNS:
        raise DataError("is no table of ratings", str(path), REMEDY)
    ratings = [_rating(row, number, path) for number, row in enumerate(rows, 2)]
    return list({rating.key: rating for rating in reversed(ratings)}.values())[::-1]


def _rating(row: list[str], number: int, path: Path) -> Rating:
    try:
        values: dict[str, Any] = dict(zip(COLUMNS, row, strict=True))
        rating = Rating(**values | {"listened_s": float(values["listened_s"])})
    except ValueError:
        raise DataError(f"line {number} is no rating", str(path), REMEDY) from None
    if rating.answer not in ANSWERS.get(rating.kind, ()):
        raise DataError(f"line {number} has the answer {rating.answer!r}", str(path), "correct or remove the line")
    return rating
