"""Check an evaluation against bounds and the committed baseline: exit 0 green, 1 red, 2 misuse.

examples:
  autovoice gate data/metrics
  autovoice gate data/metrics --update "wider training data"
"""

from argparse import ArgumentParser, Namespace
from pathlib import Path


def add_arguments(parser: ArgumentParser) -> None:
    """gate DIR [--baseline FILE] [--update REASON]."""
    parser.add_argument("folder", type=Path, metavar="DIR", help="a folder with summary.json, as evaluate writes it")
    parser.add_argument(
        "--baseline",
        type=Path,
        default=Path("metrics/baseline.json"),
        metavar="FILE",
        help="default: metrics/baseline.json",
    )
    parser.add_argument(
        "--update", default=None, metavar="REASON", help="make DIR the new baseline and keep the reason in it"
    )


def run(args: Namespace) -> int:
    """Prints a table and says green or red."""
    raise NotImplementedError
