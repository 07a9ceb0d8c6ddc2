"""A server of one's own for tests and trials: `autovoice serve` as a process at a free port."""

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

Found = TypeVar("Found")


def until(true: Callable[[], Found], seconds: float = 120.0) -> Found:
    """What `true` returns once it is something; raises AssertionError where it stays nothing."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := true():
            return found
        time.sleep(0.02)
    raise AssertionError("it did not come")


def started(
    folder: Path, *overrides: str, data: str = "data", port: int = 0, answering: str = "/readyz"
) -> tuple[subprocess.Popen, str]:
    """(process, address) once `answering` is answered; folder: of `data`, voices, and log, where it writes."""
    command = [
        sys.executable,
        "-m",
        "autovoice.cli",
        "serve",
        *overrides,
        "--no-browser",
        "--port",
        str(port),
        "--json",
    ]
    command += ["--data", str(folder / data), "--voices", str(folder / "voices")]
    with (folder / "log").open("a") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
    assert process.stdout is not None
    address = json.loads(process.stdout.readline())["address"].rstrip("/")

    def ready() -> bool:
        try:
            return urllib.request.urlopen(address + answering).status == 200
        except OSError:
            return False

    until(ready)
    return process, address
