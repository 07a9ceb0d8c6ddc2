"""Prints the changelog's section of a version; refuses a version that it, or pyproject.toml, does not name."""

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def notes(version: str, changelog: str, packaged: str) -> str:
    """What stands below `## [version]`; raises SystemExit with one sentence where the release is not prepared."""
    if version != packaged:
        raise SystemExit(f"release: the tag says {version}, pyproject.toml {packaged}")
    found = re.search(rf"^## \[{re.escape(version)}\][^\n]*\n(.*?)(?=^## \[|\Z)", changelog, re.MULTILINE | re.DOTALL)
    if found is None or not found[1].strip():
        raise SystemExit(f"release: CHANGELOG.md has no section {version}; rename [Unreleased]")
    return found[1].strip()


if __name__ == "__main__":
    packaged = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    print(notes(sys.argv[1], (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), packaged))
