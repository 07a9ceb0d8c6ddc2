"""Make, list and remove the API keys of a server.

examples:
  autovoice keys add studio --scope convert --scope voices
  autovoice keys list
  autovoice keys remove studio
"""

from argparse import ArgumentParser, Namespace
from datetime import UTC, datetime

from autovoice.commands.console import Console
from autovoice.commands.serve import add_bundle, configured, require_extra
from autovoice.errors import DataError

SCOPES = ("convert", "voices", "admin")


def add_arguments(parser: ArgumentParser) -> None:
    """keys add NAME [--scope SCOPE]... | list | remove NAME, of the server in --data; --bundle where it has one."""
    parser.add_argument("action", choices=("add", "list", "remove"), help="what to do")
    parser.add_argument("name", nargs="?", metavar="NAME", help="what the key is called")
    parser.add_argument(
        "--scope",
        action="append",
        default=[],
        choices=SCOPES,
        help="what it may do; may be given again (default: convert and voices)",
    )
    parser.add_argument("--data", metavar="DIR", help="what the server keeps (default: ./serve)")
    add_bundle(parser, "the bundle that the server answers from, if it does")
    parser.add_argument(
        "--set", dest="overrides", action="append", default=[], metavar="KEY=VALUE", help="such as serve.database=URL"
    )


def run(args: Namespace) -> int:
    """A new key is printed once; only its hash is kept."""
    require_extra()
    from pathlib import Path

    from autovoice.serving.database import open_database
    from autovoice.serving.keys import Keys

    console, settings = Console(args), configured(args).serve
    if (args.name is None) != (args.action == "list"):
        raise DataError("takes a name, and list takes none", f"keys {args.action}", "autovoice keys add NAME")
    keys = Keys(open_database(settings.database, Path(settings.data)))
    if args.action == "add":
        key = keys.add(args.name, args.scope or ["convert", "voices"])
        console.say(key)
        console.result({"name": args.name, "key": key})
    elif args.action == "remove":
        keys.remove(args.name)
        console.say(f"{args.name}: removed")
        console.result({"removed": args.name})
    else:
        rows = [[k["name"], k["id"], ", ".join(k["scopes"]), _utc(k["created"])] for k in keys.all()]
        console.table("keys", ["name", "id", "scopes", "made (UTC)"], rows)
        console.result({"keys": [dict(zip(("name", "id", "scopes", "created"), row, strict=True)) for row in rows]})
    return 0


def _utc(time_s: float) -> str:
    return datetime.fromtimestamp(time_s, UTC).isoformat(timespec="seconds")
