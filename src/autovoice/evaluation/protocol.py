"""The zero-shot protocol: unseen people, ten seconds of reference, pairs drawn with a seed, targets halved by hash."""

import csv
import hashlib
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from autovoice.audio.io import load_wav, save_wav
from autovoice.errors import DataError

Half = Literal["choose", "measure"]
REFERENCE_S, CEILING_S, SOURCE_S = 10.0, (3.0, 10.0), (2.0, 8.0)


@dataclass
class Person:
    """Someone of the corpus: their recordings, and what the manifest says of them."""

    name: str
    gender: str
    lang: str
    paths: list[Path]

    @property
    def half(self) -> Half:
        """People of the half `choose` may decide settings and checkpoints; those of `measure` are only measured on."""
        return "choose" if hashlib.sha256(self.name.encode()).digest()[0] % 2 else "measure"


@dataclass
class Trial:
    """One conversion to make: a source of one person, references and ceiling of another."""

    source: Path
    reference: Path
    ceiling: Path
    source_person: Person
    target_person: Person


def read_people(manifest: Path, root: Path, split: str) -> list[Person]:
    """The speakers of `split` in a corpus manifest, by name."""
    rows: dict[str, list[dict[str, str]]] = defaultdict(list)
    with manifest.open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            if row["split"] == split and row["kind"] == "speech":
                rows[row["speaker"]].append(row)
    return [
        Person(name, own[0].get("gender", ""), own[0].get("lang", ""), [root / row["path"] for row in own])
        for name, own in sorted(rows.items())
    ]


def cut_person(person: Person, out: Path, sample_rate: int) -> dict[str, Path]:
    """Writes what the person's recordings give of: reference and ceiling (disjoint in time), and source.

    reference: the first 10 s; ceiling: the next 3 to 10 s; source: the first 2 to 8 s, for people with less.
    """
    wav = np.concatenate([np.zeros(0, np.float32), *(load_wav(path, sample_rate) for path in person.paths[:4])])
    n = int(REFERENCE_S * sample_rate)
    rest = wav[n : n + int(CEILING_S[1] * sample_rate)]
    parts = {"source": wav[: int(SOURCE_S[1] * sample_rate)]} if len(wav) >= SOURCE_S[0] * sample_rate else {}
    if len(rest) >= CEILING_S[0] * sample_rate:
        parts |= {"reference": wav[:n], "ceiling": rest}
    files = {}
    for name, part in parts.items():
        files[name] = out / name / f"{person.name}.flac"
        save_wav(files[name], part, sample_rate)
    return files


def zero_shot_trials(people: list[Person], half: Half, n: int, seed: int, out: Path, sample_rate: int) -> list[Trial]:
    """n trials or more: each target of the half gets as many English sources of other people of the half, in turn.

    Raises DataError when nobody of the half has enough speech.
    """
    own = [person for person in people if person.half == half]
    files = {person.name: cut_person(person, out, sample_rate) for person in own}
    sources = [p for p in own if "source" in files[p.name] and p.lang.startswith("en")]
    targets = [p for p in own if "reference" in files[p.name]]
    if not targets or len(sources) < 2:
        raise DataError(f"nobody of the half {half!r} has enough speech", str(out), "name a larger corpus")
    rng = np.random.default_rng(seed)
    per_target = -(-n // len(targets))
    trials = []
    for target in targets:
        others = [p for p in sources if p.name != target.name]
        for i in rng.permutation(len(others))[:per_target]:
            source, mine = others[i], files[target.name]
            trials.append(Trial(files[source.name]["source"], mine["reference"], mine["ceiling"], source, target))
    return trials
