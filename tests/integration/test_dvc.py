"""DVC itself, on a copy of the project with stand-in results: a change reruns what it must, and nothing else."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
DVC = str(Path(sys.executable).with_name("dvc"))


def dvc(project, *args):
    """Runs dvc in a project and returns what it printed."""
    environment = os.environ | {"DVC_NO_ANALYTICS": "1", "DVC_SITE_CACHE_DIR": str(project / ".site")}
    done = subprocess.run([DVC, *args], cwd=project, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Code, configuration and a lock as after a run; outs and data are one small file each."""
    folder = tmp_path_factory.mktemp("project")
    ignore = shutil.ignore_patterns("__pycache__", "*.safetensors")
    for name in ("src", "pipelines", "conf"):
        shutil.copytree(ROOT / name, folder / name, ignore=ignore)
    for name in ("dvc.yaml", "params.yaml", ".dvcignore"):
        shutil.copyfile(ROOT / name, folder / name)
    names = [dep for stage in STAGES.values() for dep in stage["deps"] if not dep.startswith("$")] + ["data/raw/demo"]
    outs = [
        name for stage in STAGES.values() for out in stage["outs"] for name in ([out] if isinstance(out, str) else out)
    ]
    for name in [*outs, *names]:
        path = folder / name
        if not path.exists() and path.suffix:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(name, encoding="utf-8")
        elif not path.exists():
            path.mkdir(parents=True)
            (path / "file.txt").write_text(name, encoding="utf-8")
    dvc(folder, "init", "--no-scm", "-q")
    dvc(folder, "commit", "-f", "-q")
    assert changed(folder) == set()
    return folder


def changed(project):
    """Stages whose own parameters or files differ from the lock."""
    return set(json.loads(dvc(project, "status", "--json")))


@pytest.fixture
def edited(project):
    """A function that edits a file of the project; the edit is undone after the test."""
    saved = {}

    def edit(name, old, new):
        path = project / name
        saved[path] = path.read_text(encoding="utf-8")
        assert old in saved[path]
        path.write_text(saved[path].replace(old, new, 1), encoding="utf-8")
        return changed(project)

    yield edit
    for path, text in saved.items():
        path.write_text(text, encoding="utf-8")


def test_a_changed_preset_reruns_convert_onward_and_never_features(edited):
    stages = edited(
        "params.yaml",
        "  balanced:\n    encoder: large\n    reference_s: ",
        "  balanced:\n    encoder: large\n    reference_s: 1",
    )
    assert "convert" in stages
    assert not stages & {"prepare", "features", "clone", "train"}


def test_a_changed_evaluation_file_never_reruns_training(edited):
    assert edited("src/autovoice/evaluation/report.py", '"""', '"""Edited. ') == {"evaluate"}


def test_a_changed_bound_reruns_the_gate_alone(edited):
    assert edited("params.yaml", "  tolerances:\n    secs: ", "  tolerances:\n    secs: 1") == {"gate"}


def test_a_changed_learning_rate_reruns_training_alone(edited):
    assert edited("params.yaml", "optim:\n  lr: ", "optim:\n  lr: 1") == {"train"}


def test_settings_of_tracking_rerun_nothing(edited):
    assert edited("params.yaml", "  experiment: autovoice", "  experiment: other") == set()


def test_caches_of_python_change_nothing(project):
    folder = project / "conf" / "assets" / "__pycache__"
    folder.mkdir()
    (folder / "x.pyc").write_bytes(b"x")
    try:
        assert changed(project) == set()
    finally:
        shutil.rmtree(folder)
