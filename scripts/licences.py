"""Writes docs/licences.md: every package of the default installation, model file and recording with its licence.

python scripts/licences.py            # writes the page
python scripts/licences.py --check    # exit code 1 where the page is old, or something may not be in the default installation
"""

import csv
import re
import sys
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path

from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from autovoice.assets import declared_assets
from autovoice.files import write_text

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs/licences.md"
FORBIDDEN = re.compile(
    r"\bA?GPL|GNU (Affero )?General Public|NonCommercial|Non-Commercial|\bNC\b|\bUNKNOWN\b", re.IGNORECASE
)
EITHER = re.compile(r"\s+OR\s+|\s*\|\s*")
TEXTS = {"Permission is hereby granted, free of charge": "MIT", "Apache License Version 2.0": "Apache-2.0"}
SHORT = 60  # characters: longer fields hold the licence's text
GPL_LIBRARIES = ("libx264", "libx265", "libpostproc")  # looked for among what wheels bundle
NOTES = {
    "pygit2": "the linking exception lets any program link it; needed by DVC",
    "soxr": "LGPL: a shared library that can be replaced",
    "av": "its wheel bundles FFmpeg with x264 and x265, GPL-2.0 or later, which nothing here calls; **the rule is not kept**: "
    "who hands on an installation builds it from source against an FFmpeg without them (`pip install --no-binary av av`)",
}
HEAD = """# Licences

Written by `python scripts/licences.py` from the installed packages of `requirements/lock.txt`, `conf/assets` and the demo's table;
`--check` is a test. The rule: the default installation (`autovoice[all]`) holds no GPL and nothing NonCommercial; LGPL is allowed with a
note; of alternatives (OR) the first allowed one is chosen. AutoVoice itself is Apache-2.0.

Not in the default installation: the extras `postgres` (psycopg, LGPL-3.0), `tts` (espeak-ng, GPL-3.0), `demucs` (its weights come from its own
server), `s3`, `traces`, `profile`, and the tools for development. The CUDA build of torch brings NVIDIA's libraries, which have a licence of
NVIDIA's own.
"""


@dataclass(frozen=True)
class Item:
    """A package, model or recording: what it is called, its licence, and a remark."""

    name: str
    licence: str
    note: str = ""

    @property
    def forbidden(self) -> bool:
        """No alternative of its licence may be in the default installation."""
        return self.name not in NOTES and all(FORBIDDEN.search(text) for text in EITHER.split(self.licence))


@cache
def licence_of(package: str) -> str:
    """What a package says of itself: its expression, a short field, its classifiers, or the text of its licence."""
    facts = metadata.metadata(package)
    if expression := facts.get("License-Expression"):
        return expression
    field = (facts.get("License") or "").strip()
    if field not in ("", "UNKNOWN") and len(field) <= SHORT and "\n" not in field:
        return field
    kinds = [text.rpartition(" :: ")[2] for text in facts.get_all("Classifier", []) if text.startswith("License ::")]
    if kinds := [kind for kind in kinds if kind != "OSI Approved"]:
        return " AND ".join(kinds)
    files = [file for file in metadata.files(package) or [] if re.match(r"(LICEN[CS]E|COPYING)", file.name)]
    words = " ".join(" ".join(file.read_text(encoding="utf-8") for file in files).split())
    return next((name for start, name in TEXTS.items() if start in words), "UNKNOWN")


def default_packages() -> list[str]:
    """What `autovoice[all]` needs, directly and indirectly, by canonical name, sorted."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    (combined,) = (Requirement(text) for text in extras["all"])
    open_ = [Requirement(text) for text in project["dependencies"]]
    open_ += [Requirement(text) for extra in combined.extras for text in extras[extra]]
    found: dict[str, set[str]] = {}
    while open_:
        requirement = open_.pop()
        name, asked = canonicalize_name(requirement.name), set(requirement.extras) | {""}
        if new := asked - found.get(name, set()):
            found[name] = found.get(name, set()) | asked
            open_ += needed(name, new)
    return sorted(found)


def needed(package: str, extras: set[str]) -> Iterator[Requirement]:
    """What a package asks for on this machine, with these of its extras."""
    for text in metadata.requires(package) or []:
        requirement = Requirement(text)
        environments = ({**default_environment(), "extra": extra} for extra in extras)
        if requirement.marker is None or any(requirement.marker.evaluate(environment) for environment in environments):
            yield requirement


def bundled_gpl(packages: Sequence[str]) -> list[str]:
    """Packages whose wheels hold a library that is known to be under the GPL."""
    return [
        name for name in packages if any(file.name.startswith(GPL_LIBRARIES) for file in metadata.files(name) or [])
    ]


def items() -> dict[str, list[Item]]:
    """Heading -> what stands below it."""
    packages = [Item(name, licence_of(name), NOTES.get(name, "")) for name in default_packages()]
    models = [Item(asset.name, asset.licence, f"{asset.credit}; for {asset.needed_by}") for asset in declared_assets()]
    with (ROOT / "data/raw/demo/speakers.csv").open(encoding="utf-8", newline="") as stream:
        data = [Item(row["speaker"], row["licence"], row["credit"]) for row in csv.DictReader(stream)]
    return {"Packages": packages, "Models": models, "Recordings of the demo": data}


def page() -> str:
    """The page's text. Without versions, so that it changes when a licence does."""
    parts = [HEAD]
    for heading, listed in items().items():
        rows = [f"| {item.name} | {item.licence.replace('|', 'OR')} | {item.note} |" for item in listed]
        parts.append("\n".join([f"## {heading}", "", "| | licence | |", "|---|---|---|", *rows]) + "\n")
    parts.append("The recordings that the base model was trained on: [Data card](data-card.md).\n")
    return "\n".join(parts)


def faults() -> list[str]:
    """What is against the rule, a sentence each."""
    found = [f"{item.name}: {item.licence}" for listed in items().values() for item in listed if item.forbidden]
    bundling = (name for name in bundled_gpl(default_packages()) if name not in NOTES)
    return found + [f"{name}: its wheel bundles a library under the GPL" for name in bundling]


def main(argv: Sequence[str]) -> int:
    """Writes or checks the page -> exit code."""
    if argv not in ([], ["--check"]):
        print(__doc__, file=sys.stderr)
        return 2
    problems = faults()
    if not argv:
        write_text(PAGE, page())
    elif PAGE.read_text(encoding="utf-8") != page():
        problems.append("docs/licences.md is old: python scripts/licences.py")
    print("\n".join(problems) or "licences: nothing against the rule but what docs/licences.md names")
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
