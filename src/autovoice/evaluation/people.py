"""Who speaks or sings in a corpus manifest."""

import csv
import hashlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from autovoice.errors import DataError

Half = Literal["choose", "measure"]
COLUMNS = ("path", "speaker", "gender", "split", "kind", "lang")
KINDS = {"speech": ("speech",), "singing": ("singing", "song")}  # what is asked for -> what a manifest calls it


@dataclass
class Person:
    """Someone of the corpus: their recordings, and what the manifest says of them."""

    name: str
    gender: str
    lang: str
    paths: list[Path]
    texts: dict[Path, str] = field(default_factory=dict)

    @property
    def half(self) -> Half:
        """People of the half `choose` may decide settings and checkpoints; those of `measure` are only measured on."""
        return "choose" if hashlib.sha256(self.name.encode()).digest()[0] % 2 else "measure"

    @property
    def english(self) -> bool:
        return self.lang.lower().startswith("en")

    @property
    def file_name(self) -> str:
        """The name as part of a path: plain characters as they are, anything else told apart by a hash."""
        plain = "".join(c if c.isalnum() or c in "-_" else "_" for c in self.name)[:60]
        return plain if plain == self.name else f"{plain}_{hashlib.sha256(self.name.encode()).hexdigest()[:8]}"


def read_people(manifest: Path, root: Path, split: str, kind: str = "speech", half: str = "all") -> list[Person]:
    """The people of `split` who speak (kind "speech") or sing ("singing"), by name; of one half or all.

    Raises DataError for a missing manifest, column or recording, a line without a speaker, and where nobody is left.
    """
    own: dict[str, list[dict[str, str]]] = defaultdict(list)
    for number, row in _rows(manifest):
        if row["split"] != split or row["kind"] not in KINDS[kind]:
            continue
        if not row["path"] or not row["speaker"]:
            raise DataError(f"line {number} has no path or no speaker", str(manifest), "complete the line")
        if not (root / row["path"]).is_file():
            raise DataError(f"line {number}: {root / row['path']} does not exist", str(manifest), "correct the path")
        own[row["speaker"]].append(row)
    if not own:
        raise DataError(f"has no {kind} of the split {split!r}", str(manifest), "name a split that it has")
    people = [_person(name, rows, root) for name, rows in sorted(own.items())]
    kept = [person for person in people if half in ("all", person.half)]
    if not kept:
        what = f"has nobody of the half {half!r} in the split {split!r}"
        raise DataError(what, str(manifest), "name a larger corpus, or protocol.half=all")
    return kept


def _rows(manifest: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Line number and cells, stripped."""
    if not manifest.is_file():
        raise DataError("no such manifest", str(manifest), f"name a CSV with the columns {', '.join(COLUMNS)}")
    try:
        with manifest.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            if missing := [name for name in COLUMNS if name not in (reader.fieldnames or [])]:
                raise DataError(f"lacks the columns {', '.join(missing)}", str(manifest), "add them to its first line")
            for number, row in enumerate(reader, 2):
                yield number, {name: (row.get(name) or "").strip() for name in (*COLUMNS, "text")}
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"is not a CSV in UTF-8 ({error})", str(manifest), "save it as CSV, UTF-8") from error


def _person(name: str, rows: Sequence[dict[str, str]], root: Path) -> Person:
    texts = {root / row["path"]: row["text"] for row in rows if row["text"]}
    return Person(name, rows[0]["gender"], rows[0]["lang"], [root / row["path"] for row in rows], texts)
