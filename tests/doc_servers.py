"""Commands of the documentation that serve until they are stopped: started at a free port, asked, and stopped."""

import os
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

from doc_blocks import words

from scripts.own_server import until

ADDRESS = re.compile(r"http://[\w.\[\]:]+\d")


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


def answers(address: str) -> bool:
    """Whether a GET there has an answer that is no fault."""
    try:
        return urllib.request.urlopen(address, timeout=10).status < 400
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


def serve_and_stop(command: str, log: Path) -> None:
    """Runs a command that says where it serves; it must answer there, and end well when it is interrupted."""
    port = free_port()
    in_make = [f"PORT={port}", "-o", ".venv/stamp-cpu"]  # -o: the environment that runs this is not made anew
    where = in_make if words(command)[0] == "make" else ["--port", str(port), "--no-browser"]
    paths = {"PATH": f"{Path(sys.prefix) / 'bin'}:{os.environ['PATH']}"}
    with log.open("w") as said:
        argv = [word for word in words(command) if word != "--no-browser"] + where
        process = subprocess.Popen(argv, stdout=said, stderr=said, env=os.environ | paths, start_new_session=True)
    try:
        until(lambda: process.poll() is not None or answers(f"http://127.0.0.1:{port}/"))
        assert process.poll() is None, log.read_text(encoding="utf-8")
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(60) in (0, 2, 130, -signal.SIGINT), log.read_text(encoding="utf-8")
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
