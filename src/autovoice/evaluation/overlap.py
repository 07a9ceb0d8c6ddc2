"""People and recordings that a model was trained on may not be in its evaluation."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from autovoice.errors import DataError
from autovoice.evaluation.items import Item, audio_sha
from autovoice.evaluation.pairs import Pair
from autovoice.evaluation.verdict import Verdict
from autovoice.files import replacing

COLUMNS = ("speaker", "sha", "use")
USES = ("base", "adaptation")


@dataclass(frozen=True)
class Trained:
    """One recording that trained a model. sha: of its audio, or ""; use: base (its speaker may not be evaluated at all) or
    adaptation (its speaker is a target; the recording may only be a reference)."""

    speaker: str
    sha: str
    use: str


def read_training(path: Path) -> list[Trained]:
    """training.csv of an evaluation; empty without one. Raises DataError for missing columns or an unknown use."""
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as stream:
        reader = csv.DictReader(stream)
        if missing := [name for name in COLUMNS if name not in (reader.fieldnames or [])]:
            raise DataError(f"lacks the columns {', '.join(missing)}", str(path), "see docs/evaluation.md")
        rows = [Trained(*((row[name] or "").strip() for name in COLUMNS)) for row in reader]
    if odd := next((row for row in rows if row.use not in USES), None):
        raise DataError(f"use {odd.use!r} is unknown", str(path), f"use one of {', '.join(USES)}")
    return rows


def read_training_list(path: Path) -> list[Trained]:
    """A person's list of what trained a model: columns speaker, and path (from the list's folder) or sha; use: base unless it
    says adaptation. Raises DataError for a missing list, column or recording."""
    if not path.is_file():
        raise DataError("no such list", str(path), "name a CSV with the columns speaker and path")
    found = []
    with path.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.DictReader(stream)
        if not {"speaker", "path", "sha"} & set(reader.fieldnames or []):
            raise DataError("has none of the columns speaker, path, sha", str(path), "add them to its first line")
        for number, row in enumerate(reader, 2):
            file = path.parent / row["path"].strip() if (row.get("path") or "").strip() else None
            if file and not file.is_file():
                raise DataError(f"line {number}: {file} does not exist", str(path), "correct the path")
            sha = audio_sha(file) if file else (row.get("sha") or "").strip()
            found.append(Trained((row.get("speaker") or "").strip(), sha, (row.get("use") or "").strip() or "base"))
    if odd := next((row for row in found if row.use not in USES), None):
        raise DataError(f"use {odd.use!r} is unknown", str(path), f"use one of {', '.join(USES)}")
    return found


def write_training(path: Path, trained: Iterable[Trained]) -> None:
    """Sorted, a line a recording."""
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(sorted((t.speaker, t.sha, t.use) for t in set(trained)))


def overlaps(
    trained: Iterable[Trained], speakers: Iterable[str], judged: dict[str, str], references: dict[str, str]
) -> list[str]:
    """Names of what was trained on. judged (sources and ceilings) and references: hash of the audio -> name."""
    trained = list(trained)
    people = {t.speaker for t in trained if t.use == "base" and t.speaker}
    found = [f"speaker {name}" for name in sorted(set(speakers) & people)]
    anything = judged | references
    for t in trained:
        known = anything if t.use == "base" else judged
        if t.sha and t.sha in known:
            found.append(f"recording {known[t.sha]}")
    return sorted(set(found))


def refuse(found: list[str], where: str) -> None:
    """Raises DataError where anything was found."""
    if found:
        what = f"was trained on: {', '.join(found[:5])}" + (f" and {len(found) - 5} more" if len(found) > 5 else "")
        raise DataError(what, where, "evaluate on other people and recordings")


def base_trained(recordings: Iterable[tuple[str, Path]]) -> list[Trained]:
    """(speaker, file) of each recording that trained a base model, as a training list."""
    return [Trained(speaker, audio_sha(path), "base") for speaker, path in recordings]


def overlaps_of_pairs(trained: list[Trained], pairs: list[Pair]) -> list[str]:
    """What of a table of pairs was trained on."""
    speakers = {name for pair in pairs for name in (pair.source_speaker, pair.target_speaker) if name}
    judged = {audio_sha(path): path.name for pair in pairs for path in (pair.source, *pair.ceiling_refs)}
    references = {audio_sha(path): path.name for pair in pairs for path in pair.target_refs}
    return overlaps(trained, speakers, judged, references)


def check_overlap(verdict: Verdict, items: list[Item], trained: list[Trained]) -> None:
    """The same from what an evaluation has written; references are known one by one only where their files are there."""
    if not trained:
        verdict.notes.append("no training.csv: not checked whether a model was trained on these people or recordings")
        return
    speakers = {name for i in items for name in (i.who["source_speaker"], i.who["target_speaker"]) if name}
    judged = {i.hashes["source_sha"]: Path(i.files["source"]).name for i in items}
    references = {audio_sha(path): path.name for i in items for path in i.paths("target_refs")}
    found = overlaps(trained, speakers, judged, references)
    verdict.check(not found, "overlap", "", "", "evaluation people or recordings were in training", found)
