"""Measure conversions of any system that a table of pairs names.

example:
  autovoice evaluate pairs.csv -o report/
  (columns: source, target_refs separated by |, converted; optionally system, text, lang, source_speaker,
  target_speaker, sex, preset, pitch_st, kind)
"""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from autovoice.commands.console import Console
from autovoice.engines import ENGINES


def add_arguments(parser: ArgumentParser) -> None:
    """evaluate PAIRS.csv -o DIR."""
    parser.add_argument(
        "pairs", type=Path, metavar="PAIRS.csv", help="a row a conversion; paths relative to the file or absolute"
    )
    parser.add_argument(
        "-o", "--out", required=True, type=Path, metavar="DIR", help="gets summary.json, pairs.csv and report.html"
    )
    parser.add_argument(
        "--training",
        type=Path,
        metavar="LIST.csv",
        help="what the systems were trained on (columns speaker and path or sha): refused where it is in PAIRS.csv too",
    )
    parser.add_argument(
        "--metrics",
        metavar="NAME,...",
        help="measure only these (secs, campp, f0, asr, ...); default: evaluate.metrics",
    )
    parser.add_argument(
        "--from", dest="style", metavar="STYLE", help="PAIRS is a list of: seed-tts-eval (a file), versa (a folder)"
    )
    parser.add_argument(
        "--converted", type=Path, metavar="DIR", help="with --from seed-tts-eval: the folder of results"
    )
    parser.add_argument("--system", default="system", metavar="NAME", help="with --from: what the system is called")

    parser.add_argument(
        "--engine",
        choices=ENGINES,
        default="local",
        help="who measures: this computer (default), or the cluster of RAY_ADDRESS",
    )


def run(args: Namespace) -> int:
    """Writes the same files as the evaluate stage."""
    from autovoice.config import compose
    from autovoice.errors import DataError
    from autovoice.evaluation.importers import import_pairs
    from autovoice.evaluation.overlap import read_training_list
    from autovoice.evaluation.run import evaluate, summary_table

    console = Console(args)
    config = compose()
    config.evaluate.engine = args.engine
    if args.metrics is not None:
        config.evaluate.metrics = [name.strip() for name in args.metrics.split(",") if name.strip()]
    if args.style is None and args.converted is not None:
        raise DataError("--converted belongs to --from seed-tts-eval", str(args.converted), "give both or none")
    pairs = args.pairs
    if args.style is not None:
        pairs = import_pairs(args.style, args.pairs, args.converted, args.system, args.out)
    trained = read_training_list(args.training) if args.training else []
    with console.progress("measuring") as advance:
        summary = evaluate(pairs, args.out, config.evaluate, config.seed, advance, trained)
    console.show(summary_table(summary))
    console.result(summary)
    return 0
