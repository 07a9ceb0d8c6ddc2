"""The guide's cluster: namespace, secret, manifests, first key and rollout as the page has them, in a throw-away cluster.

What the page assumes is made first: PostgreSQL and a bucket in a namespace of their own, the kind ServiceMonitor, and the
image's name in a copy of the project. AUTOVOICE_TEST_CLUSTER is that image, which the current cluster has: who sets it lets
the cluster be filled.
"""

import base64
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from containers import shell, works
from doc_blocks import taken_by
from tiny_project import copy_project

IMAGE = "AUTOVOICE_TEST_CLUSTER"
STORES, PASSWORD = "autovoice-stores", "of-a-test"
COMMANDS = taken_by(__file__)
PG_SERVICE = f"[autovoice]\nhost=postgres.{STORES}\ndbname=autovoice\nuser=autovoice\npassword={PASSWORD}\n"
S3 = f"[default]\naws_access_key_id=autovoice\naws_secret_access_key={PASSWORD}\nendpoint_url=http://minio.{STORES}:9000\n"


def server(name: str, image: str, port: int, variables: dict[str, str], command: list[str]) -> list[dict]:
    """A store in a pod, and the name that it is found by."""
    labels = {"app": name}
    container = {
        "name": name,
        "image": image,
        "env": [{"name": key, "value": value} for key, value in variables.items()],
        "readinessProbe": {"tcpSocket": {"port": port}},
    } | ({"command": command} if command else {})
    metadata = {"name": name, "namespace": STORES, "labels": labels}
    return [
        {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": [container]}},
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": metadata,
            "spec": {"selector": labels, "ports": [{"port": port}]},
        },
    ]


def monitor_kind() -> dict:
    """The Prometheus operator's ServiceMonitor, of any content."""
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "servicemonitors.monitoring.coreos.com"},
        "spec": {
            "group": "monitoring.coreos.com",
            "scope": "Namespaced",
            "names": {"plural": "servicemonitors", "singular": "servicemonitor", "kind": "ServiceMonitor"},
            "versions": [version],
        },
    }


def assumed(compose: dict) -> list[dict]:
    """What the page wants to be there, of the images that docker-compose.yml pins."""
    images = {name: compose["services"][name]["image"] for name in ("postgres", "minio")}
    postgres = {"POSTGRES_USER": "autovoice", "POSTGRES_DB": "autovoice", "POSTGRES_PASSWORD": PASSWORD}
    minio = {"MINIO_ROOT_USER": "autovoice", "MINIO_ROOT_PASSWORD": PASSWORD}
    bucket = ["sh", "-c", "mkdir -p /data/autovoice && exec minio server /data"]
    return [
        monitor_kind(),
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": STORES}},
        *server("postgres", images["postgres"], 5432, postgres, []),
        *server("minio", images["minio"], 9000, minio, bucket),
    ]


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    """The copy, with the secret's files; both namespaces are gone afterwards."""
    if IMAGE not in os.environ or not works("kubectl", "cluster-info"):
        pytest.skip(f"needs a throw-away cluster, whose image of autovoice {IMAGE} names")
    yaml = pytest.importorskip("yaml")
    copy_project(tmp_path)
    base = tmp_path / "deploy/k8s/base/kustomization.yaml"
    settings = yaml.safe_load(base.read_text(encoding="utf-8"))
    name, _, tag = os.environ[IMAGE].rpartition(":")
    settings["images"][0] |= {"newName": name, "newTag": tag}
    base.write_text(yaml.safe_dump(settings), encoding="utf-8")
    (tmp_path / "pg_service.conf").write_text(PG_SERVICE, encoding="utf-8")
    (tmp_path / "s3_credentials").write_text(S3, encoding="utf-8")
    objects = assumed(yaml.safe_load((tmp_path / "docker-compose.yml").read_text(encoding="utf-8")))
    (tmp_path / "assumed.json").write_text(
        json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}), encoding="utf-8"
    )
    shell("kubectl apply -f assumed.json", tmp_path)
    shell(f"kubectl -n {STORES} wait --for=condition=ready --timeout=5m pod --all", tmp_path)
    yield tmp_path
    shell(f"kubectl delete namespace --ignore-not-found autovoice {STORES}", tmp_path)


def rolled_out(project: Path) -> str:
    """What the rollout's command said; what its pods said where it fails."""
    try:
        return shell("kubectl -n autovoice rollout status deployment/autovoice", project, 900)
    except AssertionError:
        pods = shell(
            "kubectl -n autovoice get pods; kubectl -n autovoice logs -l app=autovoice --tail 20 || true", project
        )
        pytest.fail(pods)


@pytest.mark.slow
@pytest.mark.parametrize("page", sorted({block.place.rpartition(":")[0] for block in COMMANDS}))
def test_the_server_comes_up_in_a_cluster_as_the_page_says(page: str, project: Path) -> None:
    commands = [command for block in COMMANDS if block.place.startswith(page) for command in block.commands()]
    *before, rollout = commands
    for command in before:
        shell(command, project)
    assert rollout == "kubectl -n autovoice rollout status deployment/autovoice"
    assert "successfully rolled out" in rolled_out(project)
    key = shell("kubectl -n autovoice get secret autovoice -o 'jsonpath={.data.metrics_key}'", project)
    assert base64.b64decode(key).startswith(b"av_")
