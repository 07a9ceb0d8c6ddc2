"""What a command says: text and progress for people, one JSON object for machines."""

import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class Console:
    """Results go to stdout, warnings and progress to stderr, so that both can be piped."""

    def __init__(self, args: Namespace) -> None:
        self._json, self._name = args.json, args.command

    def say(self, text: str) -> None:
        """A line for people; silent with --json."""
        if not self._json:
            print(text)

    def result(self, value: dict[str, Any]) -> None:
        """The JSON object for machines; silent without --json. Raises ValueError on NaN, which JSON does not have."""
        if self._json:
            print(json.dumps(value, ensure_ascii=False, allow_nan=False, default=str))

    def warn(self, text: str) -> None:
        """One line on stderr that does not stop the command."""
        print(f"autovoice {self._name}: warning: {text}", file=sys.stderr)

    def error(self, text: str) -> None:
        """One line on stderr about a part that failed while the command goes on."""
        print(f"autovoice {self._name}: {text}", file=sys.stderr)

    @contextmanager
    def progress(self, what: str) -> Iterator[Callable[[float], None]]:
        """Yields a function that takes the share done, 0 to 1; a bar on a terminal, nothing elsewhere."""
        if self._json or not sys.stderr.isatty():
            yield lambda share: None
            return
        from rich.console import Console as RichConsole
        from rich.progress import Progress

        with Progress(console=RichConsole(stderr=True), transient=True) as bar:
            task = bar.add_task(what, total=1.0)
            yield lambda share: bar.update(task, completed=share)

    def table(self, title: str, columns: list[str], rows: list[list[str]]) -> None:
        """A table for people."""
        from rich.table import Table

        table = Table(*columns, title=title, title_justify="left")
        for row in rows:
            table.add_row(*row)
        self.show(table)

    def show(self, table: Any) -> None:
        """A rich table for people; silent with --json."""
        if not self._json:
            from rich.console import Console as RichConsole

            RichConsole(width=None if sys.stdout.isatty() else 160).print(table)


def add_bundle(parser: ArgumentParser) -> None:
    """The --bundle option of commands that need no torch with it."""
    parser.add_argument("--bundle", type=Path, metavar="DIR", help="the networks of `autovoice export`, without torch")


def add_voices(parser: ArgumentParser) -> None:
    """The --voices option of every command that names a voice."""
    parser.add_argument(
        "--voices", type=Path, default=Path("voices"), metavar="DIR", help="where voices live (default: ./voices)"
    )
