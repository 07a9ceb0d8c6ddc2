"""The guide's image: built, and run as the page runs it, with a volume, a name and a port of the test's own.

The server must get healthy, keep to its user and its read-only root, convert for who has the key, and let what runs end.
"""

import json
import os
import subprocess
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from containers import BUILD, need_engine, shell, state_of
from doc_blocks import Block, taken_by
from doc_servers import free_port
from serving import heard, wav_bytes

from autovoice.client import Client, ServerError
from scripts.own_server import until

COMPILERS = ("gcc", "g++", "cc", "c++", "clang", "as", "ld")


@pytest.fixture
def name() -> Iterator[str]:
    """Of a container and of a volume, which are gone afterwards."""
    need_engine()
    name = f"autovoice-test-{uuid.uuid4().hex[:8]}"
    yield name
    for what in (["rm", "--force", "--volumes"], ["volume", "rm", "--force"]):
        subprocess.run(["docker", *what, name], capture_output=True)


def as_here(command: str, name: str, port: int) -> str:
    """The page's command with what is the test's own."""
    build, run = f"docker build {os.environ.get(BUILD, '')} ", f"docker run --name {name} "
    for theirs, ours in (
        ("docker build ", build),
        ("docker run ", run),
        ("autovoice:/data", f"{name}:/data"),
        ("8000:8000", f"127.0.0.1:{port}:8000"),
    ):
        command = command.replace(theirs, ours)
    return command


def check_image(image: str) -> None:
    """Its user has no rights, its list of contents is there, and no compiler is."""
    (facts,) = json.loads(shell(f"docker image inspect {image}"))
    assert facts["Config"]["User"] == "10001:10001"
    assert ("NVIDIA_VISIBLE_DEVICES=all" in facts["Config"]["Env"]) == image.endswith(":gpu")
    inside = f"docker run --rm --network none --entrypoint sh {image} -euc"
    contents = json.loads(shell(f"{inside} 'cat {facts['Config']['Labels']['autovoice.sbom']}'"))
    assert "torch" in {component["name"] for component in contents["components"]}
    assert shell(f"{inside} 'for name in {' '.join(COMPILERS)}; do command -v $name || true; done'") == ""


@contextmanager
def serving(command: str, name: str, log: Path) -> Iterator[subprocess.Popen]:
    """The page's server as a process, once its container is healthy."""
    with log.open("w") as said:
        process = subprocess.Popen(
            ["bash", "-c", f"exec {command}"], stdin=subprocess.DEVNULL, stdout=said, stderr=said
        )
    try:
        until(lambda: process.poll() is not None or state_of(name) == "healthy", 150)
        assert process.poll() is None, log.read_text(encoding="utf-8")
        yield process
    finally:
        if process.poll() is None:
            process.kill()


def check_service(client: Client, recordings: Path) -> str:
    """Converts for who has the key alone. The voice that was cloned for it."""
    with pytest.raises(ServerError) as refused:
        Client(client.url).voices()
    assert refused.value.status == 401
    (recordings / "carlo.wav").write_bytes(wav_bytes(5.0, reader="carlo"))
    (recordings / "talk.wav").write_bytes(wav_bytes(2.0))
    voice = client.clone("carlo", [recordings / "carlo.wav"], "by its licence")["id"]
    wav, rate = heard(client.convert(recordings / "talk.wav", voice))
    assert len(wav) == 2 * rate
    return voice


def check_end(client: Client, recordings: Path, voice: str, name: str, process: subprocess.Popen) -> None:
    """Told to stop, it first ends what it converts, and is not killed."""
    (recordings / "long.wav").write_bytes(wav_bytes(15.0))
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(client.convert, recordings / "long.wav", voice, "quality")
        until(lambda: any(job["status"] == "running" for job in json.loads(client._ask("GET", "/v1/jobs"))["jobs"]))
        shell(f"docker stop {name}")
        assert len(heard(asked.result())[0]) == 15 * 24000
    assert process.wait(10) in (0, 143)  # SIGTERM's; 137 is SIGKILL's


@pytest.mark.slow
@pytest.mark.parametrize("block", taken_by(__file__), ids=lambda block: block.place)
def test_the_image_is_built_and_serves_as_the_page_says(block: Block, name: str, tmp_path: Path) -> None:
    port, key = free_port(), ""
    *before, serve = (as_here(command, name, port) for command in block.commands())
    for command in before:
        said = shell(command)
        key = said.strip() if "keys add" in command else key
    for image in ("autovoice", "autovoice:gpu"):
        check_image(image)
    client = Client(f"http://127.0.0.1:{port}", key)
    with serving(serve, name, tmp_path / "log") as process:
        assert shell(f"docker exec {name} id -u").strip() == "10001"
        assert "Read-only file system" in shell(f"docker exec {name} sh -c 'touch /opt/autovoice/new 2>&1 || true'")
        voice = check_service(client, tmp_path)
        check_end(client, tmp_path, voice, name, process)
