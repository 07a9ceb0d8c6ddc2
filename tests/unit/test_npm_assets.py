"""Model files out of npm tarballs, from a registry on this machine."""

import hashlib
import io
import tarfile
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from autovoice.assets import Asset, path_of, source_of
from autovoice.errors import AssetError

CONTENT = b"styles of a voice\n" * 100


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def write_tarball(path: Path, content: bytes) -> str:
    """An npm package with the member voices/a.bin; its SHA-256."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as archive:
        member = tarfile.TarInfo("package/voices/a.bin")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return sha256(path.read_bytes())


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of a registry that npm's setting names, and an empty cache."""
    folder = tmp_path / "registry"
    folder.mkdir()
    handler = partial(SimpleHTTPRequestHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("NPM_CONFIG_REGISTRY", f"http://127.0.0.1:{server.server_port}/")
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        monkeypatch.setenv("AUTOVOICE_CACHE", str(tmp_path / "cache"))
        yield folder
        server.shutdown()


def declare(package: str, digest: str, member: str = "package/voices/a.bin") -> Asset:
    part = {"package": package, "tarball_sha256": digest, "members": {member: "a.bin"}}
    files = {"a.bin": {"size": len(CONTENT), "sha256": sha256(CONTENT)}}
    return Asset("styles", "MIT", "nobody", "tests", files, registry=[part])


@pytest.mark.parametrize("name", ["voices", "@someone/voices"])
def test_a_file_of_a_tarball_is_fetched_verified_and_cached(registry: Path, name: str) -> None:
    tarball = registry / name / "-" / "voices-1.2.3.tgz"
    asset = declare(f"{name}@1.2.3", write_tarball(tarball, CONTENT))
    assert path_of(asset).read_bytes() == CONTENT
    assert source_of(asset) == f"registry:{name}@1.2.3"
    tarball.unlink()
    assert path_of(asset).read_bytes() == CONTENT, "a cached file needs no registry"


def test_another_tarball_under_the_same_version_is_refused(registry: Path) -> None:
    tarball = registry / "voices" / "-" / "voices-1.2.3.tgz"
    digest = write_tarball(tarball, CONTENT)
    write_tarball(tarball, CONTENT[::-1])
    with pytest.raises(AssetError, match="not the pinned tarball"):
        path_of(declare("voices@1.2.3", digest))


def test_a_missing_package_or_member_is_one_sentence(registry: Path) -> None:
    with pytest.raises(AssetError, match=r"npm package voices@1.2.3 was not fetched \(HTTP Error 404"):
        path_of(declare("voices@1.2.3", "0" * 64))
    digest = write_tarball(registry / "voices" / "-" / "voices-1.2.3.tgz", CONTENT)
    with pytest.raises(AssetError, match="was not stored"):
        path_of(declare("voices@1.2.3", digest, "package/voices/b.bin"))
