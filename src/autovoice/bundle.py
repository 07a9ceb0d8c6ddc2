"""An exported bundle, read without torch: its files verified, its configuration, and its graphs as networks."""

from dataclasses import fields
from pathlib import Path
from typing import Any

from autovoice.config import AudioConfig, Config, ContentConfig, ModelConfig, PresetConfig
from autovoice.errors import DataError
from autovoice.files import read_json, sha256_file
from autovoice.graphs import Graphs

MANIFEST, CONFIG, GRAPHS, WEIGHTS = "manifest.json", "config.json", "graphs", "base.safetensors"
MADE_BY = "autovoice export"


def verify_bundle(folder: Path) -> None:
    """Raises DataError naming the first file that is missing, added or changed since the bundle was written."""
    if not (folder / MANIFEST).is_file():
        raise DataError("is not a bundle", str(folder), f"write one with {MADE_BY}")
    manifest: dict[str, str] = read_json(folder / MANIFEST, MADE_BY)
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} - {MANIFEST}
    for name in sorted(found ^ manifest.keys()):
        raise DataError(
            "is missing" if name in manifest else "does not belong here", str(folder / name), "export the bundle again"
        )
    for name, digest in manifest.items():
        if sha256_file(folder / name) != digest:
            raise DataError("was changed", str(folder / name), "export the bundle again")


def bundle_config(folder: Path) -> Config:
    """The configuration that the bundle was exported with, all else as by default; raises DataError for no bundle."""
    if not (folder / CONFIG).is_file():
        raise DataError("is not a bundle", str(folder), f"write one with {MADE_BY}")
    facts = read_json(folder / CONFIG, MADE_BY)
    try:
        groups = {name: _filled(kind, facts[name]) for name, kind in GROUPS.items()}
        presets = {name: _filled(PresetConfig, preset) for name, preset in facts["presets"].items()}
    except (KeyError, TypeError) as error:
        raise DataError("is of another version", str(folder / CONFIG), "export the bundle again") from error
    return Config(**groups, presets=presets)


GROUPS: dict[str, Any] = {"audio": AudioConfig, "content": ContentConfig, "model": ModelConfig}


def _filled(kind: Any, values: dict[str, Any]) -> Any:
    if {field.name for field in fields(kind)} != values.keys():
        raise TypeError(kind.__name__)
    return kind(**values)


def load_graphs(folder: Path, device: str = "auto") -> Graphs:
    """The networks of a bundle, verified. Raises DataError for a bundle without graphs, or one that was changed."""
    verify_bundle(folder)
    if not (folder / GRAPHS).is_dir():
        raise DataError("holds no graphs", str(folder), f"write one with {MADE_BY}")
    config = bundle_config(folder)
    return Graphs(folder / GRAPHS, config.audio, config.content, folder / WEIGHTS, config.model.causal, device)
