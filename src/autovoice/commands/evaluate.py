"""Measure conversions of any system that a table of pairs names.

example:
  autovoice evaluate pairs.csv -o report/
  (columns: source, target_refs separated by |, converted; optionally system, text, lang, source_speaker,
  target_speaker, sex, preset, pitch_st, kind)
"""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from autovoice.commands.console import Console


def add_arguments(parser: ArgumentParser) -> None:
    """evaluate PAIRS.csv -o DIR."""
    parser.add_argument(
        "pairs", type=Path, metavar="PAIRS.csv", help="a row a conversion; paths relative to the file or absolute"
    )
    parser.add_argument(
        "-o", "--out", required=True, type=Path, metavar="DIR", help="gets summary.json, pairs.csv and report.html"
    )


def run(args: Namespace) -> int:
    """Writes the same files as the evaluate stage."""
    from autovoice.config import compose
    from autovoice.evaluation.run import evaluate, summary_table

    console = Console(args)
    config = compose()
    with console.progress("measuring") as advance:
        summary = evaluate(args.pairs, args.out, config.evaluate, config.seed, advance)
    console.show(summary_table(summary))
    console.result(summary)
    return 0
