"""The fenced blocks of the documentation: what they hold, and why one is not run."""

import re
import shlex
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted(
    [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "deploy/README.md", *(ROOT / "docs").rglob("*.md")]
)
HOW = (
    r"not run: (?P<reason>[^\n]+)|(?P<serves>serves) until it is stopped"
    r"|fetches: (?P<fetches>\w+)|needs: (?P<needs>\w+)|run by: (?P<by>\S+)"
)
FENCE = re.compile(rf"(?:^<!-- (?:{HOW}) -->\n)?^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
ASSIGNMENT = re.compile(r"[A-Z_]+=")


@dataclass(frozen=True)
class Block:
    """A fenced block of a page.

    reason: why it is not run, "" where it is; serves: its commands run until they are stopped; fetches: the asset,
    needs: the program that they need; by: the file of the tests that run it, "" for tests/docs/test_commands_run.py.
    """

    page: Path
    line: int
    language: str
    text: str
    reason: str = ""
    serves: str = ""
    fetches: str = ""
    needs: str = ""
    by: str = ""

    @property
    def place(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    def commands(self) -> list[str]:
        """One a line, continued lines joined, without comments that have a line of their own; of a console what was typed."""
        if self.language == "console":
            return [command for command, _ in self.dialogue()]
        joined = self.text.replace("\\\n", " ")
        return [line.strip() for line in joined.splitlines() if line.strip() and not line.lstrip().startswith("#")]

    def dialogue(self) -> list[tuple[str, list[str]]]:
        """Of a console: each command, and the lines that it printed."""
        turns = [turn.splitlines() for turn in re.split(r"^\$ ", self.text, flags=re.MULTILINE)]
        assert not turns[0], f"{self.place}: a console begins with a command"
        return [(command, [line for line in said if line]) for command, *said in turns[1:]]


def blocks(page: Path, *languages: str) -> list[Block]:
    """Those of a page in these languages, in its order."""
    text = page.read_text(encoding="utf-8")
    found = [
        Block(page, line_of(m), **{name: value or "" for name, value in m.groupdict().items()})
        for m in FENCE.finditer(text)
    ]
    return [block for block in found if block.language in languages]


def taken_by(file: str, *languages: str) -> list[Block]:
    """The blocks that say `run by: FILE` (its `__file__`), which must take them all, page by page; by default bash and python."""
    own = Path(file).resolve().relative_to(ROOT).as_posix()
    return [block for page in PAGES for block in blocks(page, *(languages or ("bash", "python"))) if block.by == own]


def pages_taken_by(file: str) -> dict[str, list[Block]]:
    """The same by the page's name."""
    return {page: list(own) for page, own in groupby(taken_by(file), lambda block: block.place.rpartition(":")[0])}


def of(table: dict[str, str], command: str) -> str:
    """What a table has of the commands that begin like this one, "" for nothing."""
    return next((value for start, value in table.items() if command.startswith(start)), "")


def line_of(match: re.Match) -> int:
    """Where a block begins."""
    return match.string[: match.start("language")].count("\n") + 1


def words(command: str) -> list[str]:
    """A command as the shell splits it, without comment and leading assignments."""
    parts = shlex.split(command, comments=True)
    while parts and ASSIGNMENT.match(parts[0]):
        parts.pop(0)
    return parts
