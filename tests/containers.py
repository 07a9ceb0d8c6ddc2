"""A container engine, where one answers, and what tests ask of it.

AUTOVOICE_DOCKER_BUILD is added to each `docker build`, for where the public base cannot be pulled: `--build-arg BASE=IMAGE`.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from doc_blocks import ROOT

BUILD = "AUTOVOICE_DOCKER_BUILD"


def shell(command: str, folder: Path = ROOT, timeout_s: float = 1800) -> str:
    """Runs bash in a folder; must end well. What it printed to stdout."""
    argv = ["bash", "-euo", "pipefail", "-c", command]
    done = subprocess.run(argv, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout_s)
    assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


def works(*argv: str, folder: Path = ROOT) -> bool:
    """Whether a command is there and ends well."""
    return bool(shutil.which(argv[0])) and subprocess.run(argv, cwd=folder, capture_output=True).returncode == 0


def need_engine() -> None:
    """Skips where no engine answers, or the Dockerfile's base cannot be had."""
    if not works("docker", "info"):
        pytest.skip("needs a container engine: docker info fails")
    base = re.search(r"^ARG BASE=(.+)$", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    assert base
    if BUILD not in os.environ and not works("docker", "pull", "--quiet", base[1]):
        pytest.skip(f"{base[1]} cannot be pulled; {BUILD}='--build-arg BASE=IMAGE' names another")


def state_of(container: str) -> str:
    """healthy, unhealthy or starting; "" before it is there."""
    argv = ["docker", "inspect", "--format", "{{.State.Health.Status}}", container]
    return subprocess.run(argv, capture_output=True, text=True).stdout.strip()
