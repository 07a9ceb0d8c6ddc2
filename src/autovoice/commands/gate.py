"""Check an evaluation against bounds and the committed baseline: exit 0 green, 1 red or not enough data, 2 misuse.

examples:
  autovoice gate data/metrics
  autovoice gate data/metrics --update "wider training data"
  autovoice gate runs/seed0 --update "three seeds" --runs runs/seed1 runs/seed2
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
    parser.add_argument(
        "--runs",
        nargs="+",
        type=Path,
        default=[],
        metavar="DIR",
        help="with --update: more runs of the same, from whose spread the tolerances come",
    )


def run(args: Namespace) -> int:
    """Prints a table and says green, red or not enough data."""
    from autovoice.config import compose
    from autovoice.evaluation.baseline import read_summary, write_baseline
    from autovoice.evaluation.gate import judge_folder
    from autovoice.evaluation.verdict import verdict_table

    console = Console(args)
    target = args.baseline or DEFAULT_BASELINE
    if args.runs and args.update is None:
        raise DataError("has a meaning with --update only", "--runs", "give the reason with --update")
    if args.update is not None:
        if not args.update.strip():
            raise DataError("the reason is empty", "--update", "say why the baseline changes")
        write_baseline(args.folder, read_summary(args.folder / "summary.json"), args.update, target, args.runs)
    verdict = judge_folder(args.folder, target, compose().gate, baseline_required=args.baseline is not None)
    console.show(verdict_table(verdict))
    for note in verdict.notes:
        console.show(note)
    console.result(verdict.as_json())
    return 0 if verdict.green else 1
