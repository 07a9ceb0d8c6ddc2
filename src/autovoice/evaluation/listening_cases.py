"""What an evaluation's folder offers to a listening test: sources, what was made of each, and real recordings beside them."""

from dataclasses import dataclass
from pathlib import Path

from autovoice.errors import DataError
from autovoice.evaluation.anchors import ANCHOR
from autovoice.evaluation.items import Item, read_items

SOURCE, WORLD = f"{ANCHOR}source", f"{ANCHOR}world"
TARGET, LOW_PASSED = f"{ANCHOR}target", f"{ANCHOR}low-passed"


@dataclass(frozen=True)
class Stimulus:
    """A recording as it is played. low_passed: without what lies above 3.5 kHz, as the low anchor of ITU-R BS.1534."""

    path: Path
    low_passed: bool = False


@dataclass(eq=False)
class Case:
    """A source and a voice. stimuli: by system, anchors too; reference: the voice that was aimed at."""

    name: str
    reference: Stimulus
    stimuli: dict[str, Stimulus]


def read_cases(folder: Path) -> list[Case]:
    """The cases of a folder that evaluate wrote, in its order; copies are left out, and so are files that are gone.

    Every case has a conversion and three anchors: the source as it is, the same low-passed, and a real recording of the
    target. Raises DataError where there is no folder, no pairs.csv, or nothing to play.
    """
    if not folder.is_dir():
        raise DataError("no such folder", str(folder), "name a folder that autovoice evaluate wrote")
    items = [item for item in read_items(folder / "pairs.csv") if item.who["kind"] != "copy" and _there(item)]
    grouped: dict[tuple[str, str], list[Item]] = {}
    for item in items:
        grouped.setdefault((item.hashes["source_sha"], item.hashes["refs_sha"]), []).append(item)
    cases = [_case(own, items) for own in grouped.values() if any(not i.system.startswith(ANCHOR) for i in own)]
    if not cases:
        raise DataError(
            "holds no conversions that can be played", str(folder), "convert, and run autovoice evaluate again"
        )
    return cases


def systems_of(cases: list[Case]) -> list[str]:
    """Every system that can be asked for, sorted."""
    names = {name for case in cases for name in case.stimuli}
    return sorted(names - {TARGET, LOW_PASSED})


def _there(item: Item) -> bool:
    return all(path.is_file() for column in item.files for path in item.paths(column))


def _case(own: list[Item], items: list[Item]) -> Case:
    first = own[0]
    source = first.paths("source")[0]
    stimuli: dict[str, Stimulus] = {}
    for item in own:
        stimuli.setdefault(item.system, Stimulus(item.paths("converted")[0]))
    stimuli |= {SOURCE: Stimulus(source), LOW_PASSED: Stimulus(source, low_passed=True)}
    stimuli[TARGET] = Stimulus(_other_recording(first, items))
    name = f"{first.name} {first.hashes['source_sha'][:6]}{first.hashes['refs_sha'][:6]}"
    return Case(name, Stimulus(first.paths("target_refs")[0]), stimuli)


def _other_recording(item: Item, items: list[Item]) -> Path:
    """A recording of the target that is not the reference; the reference, as in BS.1534, where there is no other."""
    reference, *others = item.paths("target_refs")
    target = item.who["target_speaker"]
    if target:
        others += [path for i in items if i.who["target_speaker"] == target for path in i.paths("target_refs")]
        others += [path for i in items if i.who["source_speaker"] == target for path in i.paths("source")]
    return next((path for path in others if path.resolve() != reference.resolve()), reference)
