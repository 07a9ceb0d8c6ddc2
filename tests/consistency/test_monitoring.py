"""Alerts, dashboards, metrics and the runbook name the same things; promtool runs the alerts' own tests."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from prometheus_client import generate_latest

from autovoice.serving.telemetry import Telemetry

ROOT = Path(__file__).resolve().parents[2]
PROMETHEUS = ROOT / "deploy" / "prometheus"
DASHBOARDS = sorted((ROOT / "deploy" / "grafana" / "dashboards").glob("*.json"))
RULES = yaml.safe_load((PROMETHEUS / "rules.yml").read_text(encoding="utf-8"))["groups"][0]["rules"]
CASES = yaml.safe_load((PROMETHEUS / "rules_test.yml").read_text(encoding="utf-8"))["tests"]


def expressions():
    """Every query of the alerts and the dashboards."""
    yield from (rule["expr"] for rule in RULES)
    for path in DASHBOARDS:
        for panel in json.loads(path.read_text(encoding="utf-8"))["panels"]:
            yield from (target["expr"] for target in panel["targets"])


def test_every_metric_of_an_alert_or_a_dashboard_is_measured(tmp_path):
    telemetry = Telemetry()
    telemetry.watch_disk(tmp_path)
    telemetry.watch_device("cuda")
    known = set(telemetry.registry._names_to_collectors)
    named = {name for text in expressions() for name in re.findall(r"\bautovoice_\w+", text)}
    assert len(named) > 10
    assert named <= known


def test_the_disk_is_measured_where_jobs_are_written(tmp_path):
    telemetry = Telemetry()
    telemetry.watch_disk(tmp_path)
    free, total = (
        float(re.search(rf"^autovoice_disk_{name}_bytes (.+)$", generate_latest(telemetry.registry).decode(), re.M)[1])
        for name in ("free", "total")
    )
    assert 0 < free < total == shutil.disk_usage(tmp_path).total


def test_every_alert_has_a_case_that_fires_one_that_is_silent_and_an_entry_in_the_runbook():
    entries = re.findall(r"^## (\w+)$", (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8"), re.M)
    assert entries == [rule["alert"] for rule in RULES]
    for rule in RULES:
        tests = [t for case in CASES for t in case["alert_rule_test"] if t["alertname"] == rule["alert"]]
        assert {bool(test["exp_alerts"]) for test in tests} == {True, False}
        assert rule["annotations"]["runbook"] == f"docs/runbook.md#{rule['alert'].lower()}"


def test_every_kind_of_dashboard_is_there():
    assert {path.stem for path in DASHBOARDS} == {"service", "gpu", "voice-quality", "pipeline"}


@pytest.mark.parametrize(
    "command",
    [
        ("promtool", "check", "rules", "rules.yml"),
        ("promtool", "test", "rules", "rules_test.yml"),
        ("promtool", "check", "config", "--syntax-only", "prometheus.yml"),
    ],
    ids=" ".join,
)
def test_prometheus_accepts_its_files_and_the_alerts_pass_their_tests(command):
    succeeds(command, PROMETHEUS)


def test_alertmanager_accepts_its_routes(tmp_path):
    text = (ROOT / "deploy" / "alertmanager" / "alertmanager.yml").read_text(encoding="utf-8")
    # Debian 12's amtool is older than `url_file`: an address stands in for the file that holds one
    (tmp_path / "routes.yml").write_text(
        re.sub(r"url_file: [^}]+", 'url: "http://127.0.0.1:9/"', text), encoding="utf-8"
    )
    succeeds(("amtool", "check-config", "routes.yml"), tmp_path)


def succeeds(command, folder):
    """Runs it there; skipped where the tool is not installed."""
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed: Debian's packages prometheus and prometheus-alertmanager have it")
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
