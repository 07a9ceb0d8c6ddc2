"""Graphs of this installation's own weights: made once, kept in the cache, so that a server answers and streams without torch.

They are made by a process of its own, which ends: torch takes twice the memory of all the graphs.
"""

import hashlib
import json
import logging
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path

from autovoice import __version__
from autovoice.assets import SUMS, WEIGHTS, cache_dir
from autovoice.bundle import verify_bundle
from autovoice.config import AudioConfig, ContentConfig
from autovoice.errors import DataError
from autovoice.files import sha256_file
from autovoice.weights import check_output

CODE = ("export", "models", "graphs.py", "weights")  # below the package: what graphs are made by, and of
TIMEOUT_S = 300.0
LOGGER = logging.getLogger(__name__)


def own_bundle(audio: AudioConfig, content: ContentConfig) -> Path | None:
    """A verified bundle of the shipped weights; None where none can be made: without torch and onnx, or of a hub's encoder."""
    if not all(find_spec(name) for name in ("torch", "onnx", "filelock")) or content.name != ContentConfig.name:
        return None
    made = _kept("base", {"audio": asdict(audio), "content": asdict(content)})
    if made is None:
        LOGGER.warning("going on in torch")
    return made


def own_graphs(weights: Path, audio: AudioConfig, content: ContentConfig) -> Path | None:
    """A folder with the graphs of an adapted generator, None where none could be made; raises AssetError as check_output."""
    check_output(weights, audio)
    asked = {"audio": asdict(audio), "content": asdict(content), "weights": str(weights.resolve())}
    return _kept(sha256_file(weights)[:16], asked)


def _kept(name: str, asked: Mapping[str, object]) -> Path | None:
    """cache/graphs/NAME-KEY, written if it is not there or was changed; None, and a line in the log, where that fails."""
    from filelock import FileLock

    key = {**asked, "weights": name, "code": _code_sha256(), "version": __version__}
    digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:16]
    out = cache_dir() / "graphs" / f"{name}-{digest}"
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(out.with_suffix(".lock")):
            if not _sound(out):
                LOGGER.warning("making graphs of %s: once, some ten seconds", name)
                _make(out, asked)
    except (OSError, subprocess.SubprocessError) as error:
        LOGGER.warning("no graphs could be made in %s (%s)", out.parent, error)
        return None
    return out


def _sound(out: Path) -> bool:
    try:
        verify_bundle(out)
    except DataError:
        return False
    return True


def _make(out: Path, asked: Mapping[str, object]) -> None:
    with tempfile.TemporaryDirectory(prefix=".making-", dir=out.parent) as folder:
        made = Path(folder) / "made"
        command = [sys.executable, "-m", "autovoice.export.own_process", str(made)]
        subprocess.run(command, input=json.dumps(asked), text=True, timeout=TIMEOUT_S, check=True)
        shutil.rmtree(out, ignore_errors=True)
        made.rename(out)


def _code_sha256() -> str:
    """Of all that the graphs depend on: another version of it makes others."""
    package, digest = Path(__file__).parents[1], hashlib.sha256()
    for name in CODE:
        for path in sorted((package / name).rglob("*.py")) or [package / name]:
            digest.update(path.read_bytes())
    digest.update((WEIGHTS / SUMS).read_bytes())
    return digest.hexdigest()
