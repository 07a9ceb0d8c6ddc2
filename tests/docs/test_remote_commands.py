"""DVC's remotes as the page sets them up: what is pushed and lost comes back with every hash the same.

The project's pipeline has its first stage alone. The folder and the host are the test's own, S3 is moto's server or
AUTOVOICE_TEST_S3, ssh a server of this machine.
"""

import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from doc_blocks import Block, taken_by
from doc_servers import free_port
from stores import s3
from tiny_project import in_project, make_project

from autovoice.files import sha256_file
from scripts.own_server import until

SSHD = "/usr/sbin/sshd"
SSHD_SETTINGS = """ListenAddress 127.0.0.1
Port {port}
HostKey {keys}/host
AuthorizedKeysFile {keys}/own.pub
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
Subsystem sftp internal-sftp
"""
SSH_SETTINGS = """Host host
  HostName 127.0.0.1
  Port {port}
  IdentityFile {keys}/own
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The tiny project after stage prepare; the person's home is the test's own."""
    (tmp_path / "home/.aws").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    project = make_project(tmp_path / "project")
    pipeline = yaml.safe_load((project / "dvc.yaml").read_text(encoding="utf-8"))
    only = {"stages": {"prepare": pipeline["stages"]["prepare"]}}
    (project / "dvc.yaml").write_text(yaml.safe_dump(only), encoding="utf-8")
    (project / "dvc.lock").unlink()
    in_project(project, "dvc repro")
    return project


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, str]]:
    """A bucket and its endpoint, whose key ~/.aws/credentials has under the name autovoice and nothing else has."""
    with s3() as make_bucket:
        name, endpoint = make_bucket(), os.environ["AWS_ENDPOINT_URL"]
        names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
        lines = ["[autovoice]", *(f"{name.lower()} = {os.environ[name]}" for name in names)]
        (tmp_path / "home/.aws/credentials").write_text("\n".join(lines), encoding="utf-8")
        for variable in ("AWS_ENDPOINT_URL", *names):
            monkeypatch.delenv(variable)
        yield name, endpoint


def answers(port: int) -> bool:
    """Whether something listens there."""
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine that ~/.ssh/config calls host."""
    if not Path(SSHD).exists() or not (os.getuid() or Path("/run/sshd").is_dir()):
        pytest.skip("needs an ssh server: openssh-server, and as root its folder /run/sshd")
    keys, port = tmp_path / "keys", free_port()
    keys.mkdir()
    for name in ("host", "own"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", keys / name], check=True)
    (tmp_path / "sshd_config").write_text(SSHD_SETTINGS.format(port=port, keys=keys), encoding="utf-8")
    (tmp_path / "home/.ssh").mkdir()
    (tmp_path / "home/.ssh/config").write_text(SSH_SETTINGS.format(port=port, keys=keys), encoding="utf-8")
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    server = subprocess.Popen([SSHD, "-D", "-e", "-f", tmp_path / "sshd_config"])
    try:
        until(lambda: answers(port), 10)
        yield
    finally:
        server.terminate()
        server.wait()


def as_here(block: Block, folder: Path, request: pytest.FixtureRequest) -> list[str]:
    """The block's commands with this test's folder, bucket and endpoint."""
    text = "\n".join(block.commands())
    if "pip install dvc-s3" in text:
        pytest.importorskip("dvc_s3", reason="needs dvc-s3: pip install dvc-s3")
        name, endpoint = request.getfixturevalue("bucket")
        text = text.replace("s3://bucket/", f"s3://{name}/").replace("https://minio.example", endpoint)
    if "pip install dvc-ssh" in text:
        pytest.importorskip("dvc_ssh", reason="needs dvc-ssh: pip install dvc-ssh")
        request.getfixturevalue("host")
    return re.sub(r"(?<=[ t])/(mnt|srv)/", f"{folder}/", text).splitlines()


def hashes(folder: Path) -> dict[str, str]:
    """Of all files below a folder."""
    return {path.relative_to(folder).as_posix(): sha256_file(path) for path in folder.rglob("*") if path.is_file()}


@pytest.mark.slow
@pytest.mark.parametrize("block", taken_by(__file__), ids=lambda block: block.place)
def test_what_is_pushed_and_lost_comes_back(
    block: Block, project: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    before = hashes(project / "data/prepared")
    *commands, pull = as_here(block, tmp_path / "there", request)
    for command in commands:
        in_project(project, command)
    for lost in (".dvc/cache", ".dvc/tmp", "data/prepared"):
        shutil.rmtree(project / lost)
    in_project(project, pull)
    assert len(before) > 10
    assert hashes(project / "data/prepared") == before
