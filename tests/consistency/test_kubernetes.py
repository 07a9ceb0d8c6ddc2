"""The manifests render, fit the schemas of Kubernetes, and keep the rules that they are for."""

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
OVERLAYS = ("cpu", "gpu", "staging", "loadbalancer")
SCHEMA_VERSION = "1.32"


@pytest.fixture(scope="module")
def rendered():
    """overlay -> its objects, by kubectl's kustomize."""
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed: it renders the manifests")
    return {name: render(name) for name in OVERLAYS}


def render(overlay):
    command = ["kubectl", "kustomize", f"deploy/k8s/overlays/{overlay}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


def one(objects, kind, name="autovoice"):
    found = [o for o in objects if o["kind"] == kind and o["metadata"]["name"] == name]
    assert len(found) == 1, (kind, name)
    return found[0]


def pod_of(job):
    """What a CronJob runs."""
    return job["spec"]["jobTemplate"]["spec"]["template"]["spec"]


def database_of(pod):
    """The setting of a pod's command, none for SQLite in --data."""
    words = pod["containers"][0]["args"]
    return [word.removeprefix("--data=") for word in words if "serve.database=" in word or word.endswith("/data/serve")]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_objects_fit_their_schemas(rendered, overlay):
    validate = pytest.importorskip("kubernetes_validate", reason="kubernetes-validate has the schemas").validate
    for thing in rendered[overlay]:
        if thing["kind"] != "ServiceMonitor":  # the Prometheus operator's own kind
            validate(thing, SCHEMA_VERSION, strict=True)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_pods_run_without_rights_within_limits(rendered, overlay):
    deployment = one(rendered[overlay], "Deployment")["spec"]["template"]["spec"]
    jobs = [pod_of(one(rendered[overlay], "CronJob", name)) for name in ("quality-regression", "first-key")]
    for pod in (deployment, *jobs):
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["automountServiceAccountToken"] is False
        for container in pod["containers"]:
            security = container["securityContext"]
            assert (security["readOnlyRootFilesystem"], security["allowPrivilegeEscalation"]) == (True, False)
            assert security["capabilities"] == {"drop": ["ALL"]}
            assert {"cpu", "memory"} <= set(container["resources"]["limits"])
            assert container["image"].startswith("ghcr.io/")
            assert ":" in container["image"].rsplit("/", 1)[1]
    assert {"startupProbe", "readinessProbe", "livenessProbe"} <= set(deployment["containers"][0])


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_first_key_is_made_where_the_server_looks_for_it_and_not_by_itself(rendered, overlay):
    job, deployment = one(rendered[overlay], "CronJob", "first-key"), one(rendered[overlay], "Deployment")
    server, keys = deployment["spec"]["template"]["spec"], pod_of(job)
    assert job["spec"]["suspend"] is True
    assert database_of(keys) == database_of(server)
    assert [v for v in keys["volumes"] if "emptyDir" not in v] == [v for v in server["volumes"] if "emptyDir" not in v]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_more_than_one_replica_shares_its_stores(rendered, overlay):
    objects = rendered[overlay]
    scaler = one(objects, "HorizontalPodAutoscaler")["spec"]
    pod = one(objects, "Deployment")["spec"]["template"]["spec"]
    words = " ".join(pod["containers"][0]["args"])
    shares = "serve.database='postgresql+psycopg:" in words and "serve.storage=s3:" in words
    assert shares == (scaler["maxReplicas"] > 1)
    assert shares == ("persistentVolumeClaim" not in pod["volumes"][0])
    assert [m["type"] for m in scaler["metrics"]] == ["Resource", "External"]


def test_each_worker_of_the_gpu_overlay_has_one_gpu(rendered):
    container = one(rendered["gpu"], "Deployment")["spec"]["template"]["spec"]["containers"][0]
    assert container["resources"]["limits"]["nvidia.com/gpu"] == "1"
    assert container["image"].endswith("-gpu")


def test_streams_stay_with_their_replica_behind_the_load_balancer(rendered):
    service = one(rendered["loadbalancer"], "Service")["spec"]
    assert (service["type"], service["sessionAffinity"]) == ("LoadBalancer", "ClientIP")
    assert not [o for o in rendered["loadbalancer"] if o["kind"] == "Ingress"]
