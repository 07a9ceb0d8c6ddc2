"""Facts of audio, measured once: kept by the content of the files, the metric's definition and the packages behind it."""

import hashlib
import json
from collections.abc import Iterable
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from autovoice.assets import cache_dir
from autovoice.files import replacing, sha256_file

DEFINITIONS = {  # a measure's number goes up when what it computes changes: results are comparable only within one
    "secs": (1, ("resemblyzer", "torch")),
    "campp": (1, ("torch", "torchaudio")),
    "f0": (1, ("numpy",)),
    "asr": (1, ("faster-whisper", "ctranslate2")),
    "dnsmos": (1, ("speechmos", "torch")),
    "dmos": (1, ("distillmos", "torch")),
    "asr_b": (1, ("faster-whisper", "ctranslate2")),
    "signal": (2, ("pyloudnorm",)),
    "duration": (1, ()),
    "pesq": (1, ("pesq",)),
    "stoi": (1, ("pystoi",)),
    "mrstft": (1, ("librosa",)),
    "mcd": (1, ("librosa",)),
    "chroma": (1, ("librosa",)),
    "leakage_db": (1, ("numpy",)),
    "si_sdr_db": (1, ("numpy",)),
    "world": (1, ("pyworld",)),  # the anchor's audio, of a source and its references
}


def definitions() -> dict[str, int]:
    """measure -> the number of its definition, for provenance."""
    return {name: number for name, (number, _) in DEFINITIONS.items()}


@cache
def _behind(measure: str) -> str:
    number, packages = DEFINITIONS[measure]
    found = []
    for package in packages:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            found.append(f"{package} -")
    return f"{measure} {number} {' '.join(found)}"


@cache
def _digest(path: Path, size: int, mtime_ns: int) -> str:
    return sha256_file(path)


def digest(path: Path) -> str:
    """SHA-256 of a file, read once a process as long as the file does not change."""
    status = path.stat()
    return _digest(path, status.st_size, status.st_mtime_ns)


class MeasureCache:
    """A folder of small JSON files; a broken one is measured again. folder None: nothing is kept."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder

    @classmethod
    def default(cls, enabled: bool) -> "MeasureCache":
        """In the user's cache folder ($AUTOVOICE_CACHE)."""
        return cls(cache_dir() / "metrics" if enabled else None)

    def path(self, paths: Iterable[Path], measure: str) -> Path | None:
        """Where the fact of these files, in this order, is kept; None where nothing is."""
        if self.folder is None or measure not in DEFINITIONS:
            return None
        key = hashlib.sha256("\n".join([_behind(measure), *map(digest, paths)]).encode()).hexdigest()
        return self.folder / key[:2] / f"{key}.json"

    def get(self, paths: Iterable[Path], measure: str) -> Any:
        """What was measured, or None."""
        path = self.path(paths, measure)
        if path is None or not path.is_file():
            return None
        try:
            return _decoded(json.loads(path.read_text(encoding="utf-8")))
        except (ValueError, KeyError, TypeError):
            return None

    def put(self, paths: Iterable[Path], measure: str, value: Any) -> None:
        """Keeps what was measured."""
        path = self.path(paths, measure)
        if path is not None:
            with replacing(path) as temporary:
                temporary.write_text(json.dumps(_encoded(value)), encoding="utf-8")


def _encoded(value: Any) -> dict[str, Any]:
    if isinstance(value, np.ndarray):
        return {"kind": "array", "dtype": str(value.dtype), "value": value.tolist()}
    return {"kind": "tuple" if isinstance(value, tuple) else "plain", "value": value}


def _decoded(stored: dict[str, Any]) -> Any:
    if stored["kind"] == "array":
        return np.array(stored["value"], stored["dtype"])
    return tuple(stored["value"]) if stored["kind"] == "tuple" else stored["value"]
