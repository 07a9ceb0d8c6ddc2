"""Check an evaluation against bounds and the committed baseline: exit 0 green, 1 red, 2 misuse.

examples:
  autovoice gate data/metrics
  autovoice gate data/metrics --update "wider training data"
"""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from autovoice.commands.console import Console
from autovoice.errors import DataError

DEFAULT_BASELINE = Path("metrics/baseline.json")


def add_arguments(parser: ArgumentParser) -> None:
    """gate DIR [--baseline FILE] [--update REASON]."""
    parser.add_argument("folder", type=Path, metavar="DIR", help="a folder with summary.json, as evaluate writes it")
    parser.add_argument(
        "--baseline",
        type=Path,
        metavar="FILE",
        help="default: metrics/baseline.json",
    )
    parser.add_argument(
        "--update", default=None, metavar="REASON", help="make DIR the new baseline and keep the reason in it"
    )


def run(args: Namespace) -> int:
    """Prints a table and says green or red."""
    from autovoice.config import compose
    from autovoice.evaluation.gate import judge, read_baseline, read_summary, verdict_table, write_baseline

    console = Console(args)
    summary = read_summary(args.folder / "summary.json")
    target = args.baseline or DEFAULT_BASELINE
    if args.update is not None:
        if not args.update.strip():
            raise DataError("the reason is empty", "--update", "say why the baseline changes")
        write_baseline(args.folder, summary, args.update, target)
    baseline = read_baseline(target, required=args.baseline is not None)
    verdict = judge(summary, baseline, compose().gate)
    console.show(verdict_table(verdict))
    console.result(verdict.as_json())
    return 0 if verdict.green else 1
