"""The `autovoice` command: parses, hands over to one module of autovoice.commands, and shows errors as one sentence.

Exit codes: 0 done, 1 red gate or a fault of ours, 2 bad use or bad input. Heavy imports stay inside the commands.
"""

import argparse
import importlib
import sys
from collections.abc import Sequence
from typing import NoReturn

from autovoice import __version__
from autovoice.commands.faults import MISUSE, explain

COMMANDS = (
    "clone", "convert", "batch", "adapt", "evaluate", "gate", "report", "listen", "speak", "sing", "verify", "serve", "keys",
    "profile", "doctor", "export",
)  # fmt: skip
INTERRUPTED = 130


class _Parser(argparse.ArgumentParser):
    """An ArgumentParser whose complaints are one sentence."""

    def error(self, message: str) -> NoReturn:
        self.exit(MISUSE, f"{self.prog}: {message}; see {self.prog} --help.\n")


def build_parser() -> argparse.ArgumentParser:
    """The parser of every command, each declared beside its work."""
    parser = _Parser(prog="autovoice", description="Clone a voice, convert speech into it, and measure the result.")
    parser.add_argument("--version", action="version", version=f"autovoice {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=_Parser)
    common = _Parser(add_help=False)
    common.add_argument("--json", action="store_true", help="one JSON object on stdout, for machines")
    common.add_argument("--debug", action="store_true", help="show the traceback of an unexpected error")
    for name in COMMANDS:
        module = importlib.import_module(f"autovoice.commands.{name}")
        summary, _, example = (module.__doc__ or "").partition("\n\n")
        command = commands.add_parser(
            name,
            help=summary.rstrip("."),
            description=summary,
            epilog=example.strip(),
            parents=[common],
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    return parser


def parse(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The command's arguments; operands may also follow options, where argparse alone would not take them."""
    parser = build_parser()
    args, rest = parser.parse_known_args(argv)
    if rest and ("collects" not in args or any(text.startswith("-") for text in rest)):
        parser.error(f"unrecognised: {' '.join(rest)}")
    if rest:
        name, kind = args.collects
        getattr(args, name).extend(kind(text) for text in rest)
    return args


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code."""
    args = parse(argv)
    try:
        return args.run(args)
    except (KeyboardInterrupt, BrokenPipeError):
        return INTERRUPTED
    except Exception as error:
        if args.debug:
            raise
        sentence, code = explain(error)
        print(f"autovoice {args.command}: {sentence}", file=sys.stderr)
        return code


if __name__ == "__main__":
    sys.exit(main())
