"""The fenced blocks of the documentation: what they hold, and why one is not run."""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])
HOW = r"not run: (?P<reason>[^\n]+)|(?P<serves>serves) until it is stopped|fetches: (?P<fetches>\w+)"
FENCE = re.compile(rf"(?:^<!-- (?:{HOW}) -->\n)?^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
ASSIGNMENT = re.compile(r"[A-Z_]+=")


@dataclass(frozen=True)
class Block:
    """A fenced block of a page.

    reason: why it is not run, "" where it is; serves: its commands run until they are stopped; fetches: the asset that they need.
    """

    page: Path
    line: int
    language: str
    reason: str
    text: str
    serves: bool = False
    fetches: str = ""

    @property
    def place(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    def commands(self) -> list[str]:
        """One a line, continued lines joined, without comments that have a line of their own."""
        joined = self.text.replace("\\\n", " ")
        return [line.strip() for line in joined.splitlines() if line.strip() and not line.lstrip().startswith("#")]


def blocks(page: Path, *languages: str) -> list[Block]:
    """Those of a page in these languages, in its order."""
    text = page.read_text(encoding="utf-8")
    found = [
        Block(page, line_of(m), m["language"], m["reason"] or "", m["text"], bool(m["serves"]), m["fetches"] or "")
        for m in FENCE.finditer(text)
    ]
    return [block for block in found if block.language in languages]


def line_of(match: re.Match) -> int:
    """Where a block begins."""
    return match.string[: match.start("language")].count("\n") + 1


def words(command: str) -> list[str]:
    """A command as the shell splits it, without comment and leading assignments."""
    parts = shlex.split(command, comments=True)
    while parts and ASSIGNMENT.match(parts[0]):
        parts.pop(0)
    return parts
