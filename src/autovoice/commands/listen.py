"""Let people listen blindly to an evaluation's conversions, and say what they said.

examples:
  autovoice listen runs/monday
  autovoice listen runs/monday --ask naturalness --ask similarity --n 30 --listener ada
  autovoice listen runs/monday --kind abx --system adapted/balanced --system zero-shot/balanced
  autovoice listen runs/monday --summarise
"""

import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

from autovoice.commands.console import Console
from autovoice.errors import DataError

RESULTS = "listening.csv"
LOOPBACK = ("127.0.0.1", "localhost")
SERVE = ("fastapi", "uvicorn", "starlette", "pydantic")


def add_arguments(parser: ArgumentParser) -> None:
    """listen DIR [--kind mos|abx] [--summarise]."""
    parser.add_argument("folder", type=Path, metavar="DIR", help="a folder that evaluate wrote")
    parser.add_argument("--kind", choices=("mos", "abx"), default="mos", help="rate, or compare (default: mos)")
    parser.add_argument(
        "--ask",
        action="append",
        default=[],
        choices=("naturalness", "similarity"),
        help="with --kind mos; may be given again (default: naturalness)",
    )
    parser.add_argument(
        "--system",
        action="append",
        default=[],
        metavar="NAME",
        help="only this one; may be given again (default: all but anchors)",
    )
    parser.add_argument(
        "--n",
        type=whole(1, 1000),
        default=24,
        metavar="N",
        help="clips or pairs for each listener and question, hidden checks come on top (default: 24)",
    )
    parser.add_argument(
        "--seed", type=whole(0, 2**32 - 1), default=0, metavar="N", help="of order and sides (default: 0)"
    )
    parser.add_argument(
        "--listener",
        action="append",
        default=[],
        metavar="NAME",
        help="who may take part; may be given again (default: everybody, the page asks for a name)",
    )
    parser.add_argument("--summarise", action="store_true", help="print what was said so far, and serve nothing")
    _add_serving(parser)


def _add_serving(parser: ArgumentParser) -> None:
    parser.add_argument("--results", type=Path, metavar="FILE.csv", help=f"gets the ratings (default: DIR/{RESULTS})")
    parser.add_argument("--host", default=LOOPBACK[0], help="this computer only: 127.0.0.1 or localhost")
    parser.add_argument(
        "--port", type=whole(0, 65535), default=8765, metavar="N", help="0 takes a free one (default: 8765)"
    )
    parser.add_argument("--no-browser", action="store_true", help="print the address and open nothing")


def whole(low: int, high: int) -> Callable[[str], int]:
    """A type of whole numbers from low to high."""

    def number(text: str) -> int:
        if not (text.isascii() and text.isdigit() and low <= int(text) <= high):
            raise ArgumentTypeError(f"'{text}' is not a whole number from {low} to {high}")
        return int(text)

    return number


def run(args: Namespace) -> int:
    """Serves the page until interrupted, or prints the summary."""
    if not args.folder.is_dir():
        raise DataError("no such folder", str(args.folder), "name a folder that autovoice evaluate wrote")
    results = args.results or args.folder / RESULTS
    return _summarise(args, results) if args.summarise else _serve(args, results)


def _serve(args: Namespace, results: Path) -> int:
    from autovoice.evaluation.listening_cases import read_cases
    from autovoice.evaluation.listening_results import start_results
    from autovoice.evaluation.listening_trials import check_name, make_plan

    if args.host not in LOOPBACK:
        raise DataError(f"{args.host} is not this computer", "--host", f"take {' or '.join(LOOPBACK)}")
    server = _server()
    listeners, cases = [check_name(name) for name in args.listener], read_cases(args.folder)
    plan = make_plan(cases, args.kind, args.ask, args.system, args.n, args.seed)
    rated = start_results(results)
    listening = server.open_socket(args.host, args.port)
    address = f"http://{args.host}:{listening.getsockname()[1]}/"
    console = Console(args)
    console.say(f"{address}: {len(plan.systems)} systems, {len(cases)} sources; {len(rated)} ratings in {results}")
    console.say("Ctrl-C ends it; everything rated so far is kept.")
    console.result({"address": address, "systems": list(plan.systems), "results": str(results)})
    sys.stdout.flush()
    if not args.no_browser:
        open_browser(address)
    server.serve(server.create_app(cases, plan, results, listeners), listening)
    return 0


def _server() -> Any:
    try:
        from autovoice.evaluation import listening_server
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in SERVE:
            raise
        raise DataError(f"the package {error.name} is missing", "", "pip install 'autovoice[serve]'") from error
    return listening_server


def open_browser(address: str) -> None:
    import threading
    import webbrowser

    # Some browsers hold the call until they are closed.
    threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()


def _summarise(args: Namespace, results: Path) -> int:
    from autovoice.evaluation.listening_results import read_ratings
    from autovoice.evaluation.listening_summary import summarise_ratings
    from autovoice.evaluation.listening_tables import show

    console = Console(args)
    summary = summarise_ratings(read_ratings(results), seed=args.seed)
    show(summary, console.table)
    console.result(summary)
    return 0
