"""Write the page of an evaluation anew, or one that compares two evaluations item by item.

examples:
  autovoice report runs/monday
  autovoice report runs/monday --verdict data/gate/verdict.json -o monday.html
  autovoice report runs/monday runs/tuesday -o changes.html
  autovoice report runs/ours runs/theirs --match adapted/balanced=rvc -o against.html
"""

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autovoice.commands.console import Console
from autovoice.errors import DataError

if TYPE_CHECKING:
    from autovoice.evaluation.items import Item


def add_arguments(parser: ArgumentParser) -> None:
    """report RUN [RUN_B] [-o FILE]."""
    parser.add_argument("run_a", type=Path, metavar="RUN", help="a folder that evaluate wrote")
    parser.add_argument("run_b", type=Path, nargs="?", metavar="RUN_B", help="another one: compare it with the first")
    parser.add_argument("-o", "--out", type=Path, metavar="FILE", help="default for one run: RUN/report.html")
    parser.add_argument(
        "--verdict",
        type=Path,
        metavar="FILE",
        help="of the gate, shown in the page (default: RUN/verdict.json where there is one); one run only",
    )
    parser.add_argument(
        "--match",
        action="append",
        default=[],
        metavar="FIRST=SECOND",
        help="compare these systems although they are called otherwise; may be given again",
    )


def run(args: Namespace) -> int:
    """One page; for a comparison also a table of what changed."""
    if args.run_b is None:
        return _one(args)
    return _two(args)


def _one(args: Namespace) -> int:
    from autovoice.config import compose
    from autovoice.evaluation.cache import MeasureCache
    from autovoice.evaluation.report import write_report
    from autovoice.evaluation.report_data import read_verdict

    if args.match:
        raise DataError("has a meaning with two runs only", "--match", "name a second run")
    summary, items = _read(args.run_a)
    given = args.verdict or args.run_a / "verdict.json"
    verdict = read_verdict(given) if args.verdict or given.is_file() else None
    out, config = args.out or args.run_a / "report.html", compose().evaluate
    write_report(out, items, summary, verdict, MeasureCache.default(config.cache), config.num_workers)
    console = Console(args)
    console.say(f"{out}: {len(items)} pairs")
    console.result({"report": str(out), "pairs": len(items)})
    return 0


def _read(folder: Path) -> tuple[dict[str, Any], list["Item"]]:
    from autovoice.evaluation.baseline import read_summary
    from autovoice.evaluation.items import read_items

    return read_summary(folder / "summary.json"), read_items(folder / "pairs.csv")


def _two(args: Namespace) -> int:
    from autovoice.config import compose
    from autovoice.evaluation.cache import MeasureCache
    from autovoice.evaluation.report import write_comparison
    from autovoice.evaluation.report_compare import as_json, changes_table

    if args.out is None:
        raise DataError("a comparison belongs to neither run", "-o", "name the file that it goes to")
    if args.verdict is not None:
        raise DataError("has a meaning with one run only", "--verdict", "leave it out")
    match = {}
    for text in args.match:
        first, equals, second = text.partition("=")
        if not (first and equals and second):
            raise DataError(f"{text!r} is not FIRST=SECOND", "--match", "name a system of each run")
        match[first] = second
    config = compose()
    runs = tuple((str(folder), *reversed(_read(folder))) for folder in (args.run_a, args.run_b))
    kept, min_items = MeasureCache.default(config.evaluate.cache), config.gate.min_items
    found = write_comparison(args.out, runs, match, min_items, kept, config.evaluate.num_workers)  # type: ignore[arg-type]
    console = Console(args)
    console.show(changes_table(found))
    console.say(f"{args.out}: {len({change.system for change in found})} systems compared")
    console.result({"report": str(args.out), "changes": [as_json(change) for change in found]})
    return 0
