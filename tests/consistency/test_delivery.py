"""What is delivered: pinned actions and images, least rights, a wheel that is the same each time it is built."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from scripts.check_coverage import shortfalls
from scripts.release_notes import notes

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda p: p.stem)
def test_actions_are_pinned_and_a_workflow_may_only_read(path):
    text = path.read_text(encoding="utf-8")
    uses = re.findall(r"uses: (.+)", text)
    assert uses
    assert all(re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v[\d.]+", use) for use in uses), uses
    assert yaml.safe_load(text)["permissions"] == {"contents": "read"}
    assert all("timeout-minutes" in job for job in yaml.safe_load(text)["jobs"].values())


def test_images_are_pinned_by_digest():
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    base = re.search(r"^ARG BASE=(.+)$", dockerfile, re.M)[1]
    assert not re.search(
        r"^#\s*syntax\s*=", dockerfile, re.M
    )  # a frontend is an image too, and this file needs no other's
    foreign = [s["image"] for s in COMPOSE["services"].values() if not s["image"].startswith("autovoice:")]
    assert all(re.fullmatch(r"[\w./-]+:[\w.-]+@sha256:[0-9a-f]{64}", image) for image in (base, *foreign))


def test_no_two_services_build_one_name():
    """They are built at once, and the second is refused: "already exists"."""
    built = [service["image"] for service in COMPOSE["services"].values() if "build" in service]
    assert len(built) == len(set(built)) > 1


def test_services_know_their_secrets_from_files_and_start_in_order():
    declared, services = set(COMPOSE["secrets"]), COMPOSE["services"]
    made = (ROOT / "deploy" / "make_secrets.sh").read_text(encoding="utf-8")
    for service in services.values():
        assert set(service.get("secrets", [])) <= declared
        assert not [
            k for k in service.get("environment", {}) if re.search("PASSWORD|SECRET|KEY", k) and "FILE" not in k
        ]
        for name, wanted in service.get("depends_on", {}).items():
            assert wanted["condition"] != "service_healthy" or "healthcheck" in services[name], name
    assert all(re.search(rf"\b{re.escape(name)}\b", made) for name in declared)


def build(source: Path, out: Path) -> str:
    """-> the SHA-256 of the wheel of a checkout."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)]
    environment = os.environ | {"SOURCE_DATE_EPOCH": "1700000000"}
    done = subprocess.run(command, cwd=source, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (wheel,) = out.glob("*.whl")
    return hashlib.sha256(wheel.read_bytes()).hexdigest()


def test_the_wheel_is_the_same_from_another_folder_with_other_times(tmp_path):
    copy = tmp_path / "copy"
    for name in ("src", "conf"):
        shutil.copytree(
            ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"), copy_function=shutil.copyfile
        )
    for name in ("pyproject.toml", "README.md", "LICENSE", ".gitignore"):
        shutil.copyfile(ROOT / name, copy / name)
    assert build(ROOT, tmp_path / "here") == build(copy, tmp_path / "there")


def test_a_release_needs_its_section_and_its_version():
    log = "# Changelog\n\n## [Unreleased]\n\n## [1.2.0] - 2026-01-01\n\n- One.\n\n## [1.1.0]\n\n- Two.\n"
    assert notes("1.2.0", log, "1.2.0") == "- One."
    with pytest.raises(SystemExit, match="the tag says"):
        notes("1.2.0", log, "1.1.0")
    with pytest.raises(SystemExit, match="no section"):
        notes("1.3.0", log, "1.3.0")


def test_coverage_is_bounded_by_lines_and_by_branches():
    totals = {"covered_lines": 90, "num_statements": 100, "covered_branches": 80, "num_branches": 100}
    assert shortfalls(totals) == []
    assert len(shortfalls(totals | {"covered_branches": 79})) == 1
    assert len(shortfalls(totals | {"covered_lines": 89, "covered_branches": 79})) == 2
