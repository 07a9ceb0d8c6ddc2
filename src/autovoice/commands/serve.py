"""Serve voices over HTTP, as a stream, and on a page of their own.

examples:
  autovoice serve
  autovoice serve --host 0.0.0.0 --data /srv/autovoice --no-browser serve.queue=200
"""

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from autovoice.commands.console import Console
from autovoice.commands.convert import device
from autovoice.commands.listen import open_browser, whole
from autovoice.errors import DataError

EXTRA = (
    "fastapi",
    "uvicorn",
    "starlette",
    "pydantic",
    "multipart",
    "prometheus_client",
    "sqlalchemy",
    "psutil",
    "websockets",
)


def add_arguments(parser: ArgumentParser) -> None:
    """serve [KEY=VALUE...] [--host NAME] [--port N] [--no-browser] [--data DIR] [--voices DIR] [--bundle DIR] [--device D]."""
    parser.add_argument(
        "overrides", nargs="*", metavar="KEY=VALUE", help="of the configuration, such as serve.queue=200"
    )
    parser.add_argument(
        "--host", metavar="NAME", help="where to listen; other than this computer needs keys (default: 127.0.0.1)"
    )
    parser.add_argument("--port", type=whole(0, 65535), metavar="N", help="0 takes a free one (default: 8000)")
    parser.add_argument("--no-browser", action="store_true", help="print the address and open nothing")
    parser.add_argument("--data", metavar="DIR", help="what the server keeps: jobs, voices, keys (default: ./serve)")
    parser.add_argument("--voices", metavar="DIR", help="built-in voices, by autovoice clone (default: ./voices)")
    add_bundle(parser, "answer from a bundle of `autovoice export`, without torch")
    parser.add_argument("--device", type=device, metavar="cpu|cuda|cuda:N|auto", help="default: auto, CUDA if any")
    parser.set_defaults(collects=("overrides", str))


def add_bundle(parser: ArgumentParser, what: str) -> None:
    """--bundle DIR, as configured reads it."""
    parser.add_argument("--bundle", type=Path, metavar="DIR", help=what)


def run(args: Namespace) -> int:
    """Serves until it is interrupted, or told to end."""
    require_extra()
    config = configured(args)
    from autovoice.serving.app import open_socket, serve
    from autovoice.serving.logs import start_logging
    from autovoice.serving.memory import share_arenas
    from autovoice.serving.server import Server

    share_arenas()
    console, settings = Console(args), config.serve
    server = Server(config)
    if server.needs_key and not server.keys.all():
        raise DataError("needs a key first", "autovoice serve", f"autovoice keys add NAME --data {settings.data}")
    start_logging()
    listening = open_socket(settings.host, settings.port)
    name = f"[{settings.host}]" if ":" in settings.host else settings.host
    address = f"http://{name}:{listening.getsockname()[1]}/"
    console.say(f"{address}: Ctrl-C ends it; what waits is kept and continues.")
    console.result({"address": address, "data": str(Path(settings.data).resolve()), "keys": server.needs_key})
    sys.stdout.flush()
    if not args.no_browser:
        open_browser(address)
    serve(server, listening)
    return 0


def configured(args: Namespace) -> Any:
    """The configuration with what the command line names."""
    if args.bundle is not None:
        from autovoice.bundle import bundle_config
        from autovoice.config_plain import overridden

        config = overridden(bundle_config(args.bundle), args.overrides)
        config.serve.bundle = str(args.bundle)
        config.serve.voices = str(args.bundle / "voices")
    else:
        from autovoice.config import compose

        config = compose(args.overrides)
    for name in ("host", "port", "data", "voices", "device"):
        if getattr(args, name, None) is not None:
            setattr(config.serve, name, getattr(args, name))
    return config


def require_extra() -> None:
    """Raises DataError unless the extra `serve` is installed."""
    from importlib.util import find_spec

    if missing := [name for name in EXTRA if find_spec(name) is None]:
        raise DataError(f"the package {missing[0]} is missing", "", "pip install 'autovoice[serve]'")
