"""The guide's stack: built, keyed, started and listed as the page does it, in a copy of the project under a name of its own.

All services must get healthy, Prometheus must read the server's metrics with the key that was made for it, and a conversion must
go through PostgreSQL and S3. What COMPOSE_FILE names beside docker-compose.yml may stand for images that cannot be pulled.
"""

import json
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from containers import need_engine, shell, works
from doc_blocks import Block, taken_by
from serving import heard, wav_bytes
from tiny_project import copy_project

from autovoice.client import Client
from scripts.own_server import until

DATABASE = "--set \"serve.database='postgresql+psycopg:///?service=autovoice'\""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The copy with its secrets; its containers and volumes are gone afterwards."""
    need_engine()
    monkeypatch.setenv("COMPOSE_PROJECT_NAME", f"autovoice-test-{uuid.uuid4().hex[:8]}")
    copy_project(tmp_path)
    if not works("docker", "compose", "--profile", "cpu", "config", "--quiet", folder=tmp_path):
        pytest.skip("needs docker compose, of version 2")
    if not works("docker", "compose", "--profile", "cpu", "pull", "--quiet", "--ignore-buildable", folder=tmp_path):
        pytest.skip("the stack's images cannot be pulled; COMPOSE_FILE may name a file with others")
    shell("deploy/make_secrets.sh", tmp_path)
    yield tmp_path
    shell("docker compose --profile cpu down --volumes --timeout 5", tmp_path)


def services(project: Path) -> dict[str, str]:
    """Service -> its health, "running" without a check of it, or "exited 0" and the like."""
    lines = shell("docker compose --profile cpu ps --all --format json", project).splitlines()
    found = [json.loads(line) for line in lines]
    return {
        one["Service"]: f"exited {one['ExitCode']}" if one["State"] == "exited" else one["Health"] or one["State"]
        for one in found
    }


def address_of(service: str, port: int, project: Path) -> str:
    """Where a port of a service is published."""
    return "http://" + shell(f"docker compose --profile cpu port {service} {port}", project).strip()


def answer_of(address: str) -> dict:
    with urllib.request.urlopen(address, timeout=10) as answer:
        return json.load(answer)


def check_start(project: Path) -> None:
    """Until each service is healthy, or runs without a health check; the buckets' has ended well."""
    wanted = {"": "healthy", "buckets": "exited 0", "otel": "running"}

    def settled() -> bool:
        found = services(project)
        return "api-cpu" in found and all(state == wanted.get(name, wanted[""]) for name, state in found.items())

    try:
        until(settled, 180)
    except AssertionError:
        pytest.fail(f"{services(project)}\n{shell('docker compose --profile cpu logs --no-color --tail 5', project)}")


def check_metrics(project: Path) -> None:
    """Prometheus has read the server's, which takes the key."""
    asked = address_of("prometheus", 9090, project) + "/api/v1/targets"

    def up() -> bool:
        return [target["health"] for target in answer_of(asked)["data"]["activeTargets"]] == ["up"]

    until(up, 60)


def check_service(project: Path) -> None:
    """A voice is cloned, speaks and is still known after a restart; MLflow answers."""
    key = shell(f"docker compose --profile cpu exec -T api-cpu autovoice keys add studio {DATABASE}", project).strip()
    client = Client(address_of("api-cpu", 8000, project), key)
    (project / "carlo.wav").write_bytes(wav_bytes(5.0, reader="carlo"))
    voice = client.clone("carlo", [project / "carlo.wav"], "by its licence")["id"]
    assert len(heard(client.convert(project / "carlo.wav", voice))[0]) == 5 * 24000
    assert answer_of(address_of("mlflow", 5000, project) + "/api/2.0/mlflow/experiments/get?experiment_id=0")
    shell("docker compose --profile cpu restart --timeout 40 api-cpu", project)
    until(lambda: services(project)["api-cpu"] == "healthy", 120)
    assert voice in {known["id"] for known in client.voices()}


@pytest.mark.slow
@pytest.mark.parametrize("block", taken_by(__file__), ids=lambda block: block.place)
def test_the_stack_starts_as_the_page_says(block: Block, project: Path) -> None:
    for command in block.commands():
        said = shell(command, project)
        if command.endswith("up -d"):
            check_start(project)
        if command == "docker compose ps":
            assert "api-cpu" in said
    assert (project / "deploy/secrets/metrics_key").read_text(encoding="utf-8").startswith("av_")
    check_metrics(project)
    check_service(project)
