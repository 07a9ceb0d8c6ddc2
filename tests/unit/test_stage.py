"""The stage runner: what a stage may touch, and how it ends."""

import sqlite3

import pytest

from autovoice import tracking
from autovoice.config import compose, to_params
from autovoice.errors import DataError
from autovoice.stage import ConfigView, run_stage


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A working folder with a params.yaml and a tracking store of its own."""
    (tmp_path / "params.yaml").write_text(to_params(), encoding="utf-8")
    (tmp_path / "dvc.yaml").write_text("stages: {}\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


OFF = ["tracking.enabled=false"]


def test_a_stage_sees_what_it_uses():
    view = ConfigView(compose(["seed=3"]), ("seed", "trainer.accelerator", "audio"))
    assert view.seed == 3
    assert view.trainer.accelerator == "cpu"
    assert view.audio.sample_rate == 16000


@pytest.mark.parametrize("read", [lambda c: c.model, lambda c: c.trainer.max_steps, lambda c: c.optim.lr])
def test_touching_an_undeclared_group_raises(read):
    view = ConfigView(compose(), ("seed", "trainer.accelerator"))
    with pytest.raises(AttributeError, match=r"dvc\.yaml"):
        read(view)


def test_a_stage_cannot_change_its_configuration():
    with pytest.raises(AttributeError):
        ConfigView(compose(), ("seed",)).seed = 1


def test_overrides_reach_main(project):
    seen = []
    run_stage("x", lambda cfg: seen.append(cfg.seed) or {}, uses=("seed",), argv=["seed=5", *OFF])
    assert seen == [5]


def test_a_known_error_is_one_sentence_and_exit_2(project, capsys):
    def main(cfg):
        raise DataError("too little is left", "ada", "record more")

    with pytest.raises(SystemExit) as stop:
        run_stage("prepare", main, uses=(), argv=OFF)
    assert stop.value.code == 2
    assert capsys.readouterr().err == "prepare: ada: too little is left; record more.\n"


def test_a_wrong_override_is_one_sentence_and_exit_2(project, capsys):
    with pytest.raises(SystemExit) as stop:
        run_stage("train", lambda cfg: {}, uses=(), argv=["optim.lrr=1"])
    assert stop.value.code == 2
    assert "optim.lr" in capsys.readouterr().err


def test_a_red_gate_keeps_its_exit_code(project):
    def main(cfg):
        raise SystemExit(1)

    with pytest.raises(SystemExit) as stop:
        run_stage("gate", main, uses=(), argv=OFF)
    assert stop.value.code == 1


def test_an_unexpected_error_is_not_swallowed(project):
    def main(cfg):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run_stage("train", main, uses=(), argv=OFF)


def test_the_same_seed_gives_the_same_draws(project):
    import random

    import numpy as np
    import torch

    draws = []

    def main(cfg):
        draws.append((random.random(), np.random.rand(), float(torch.rand(()))))  # noqa: NPY002 (what libraries draw from)
        return {}

    for _ in range(2):
        run_stage("x", main, uses=("seed",), argv=OFF)
    assert draws[0] == draws[1]


def test_a_tracked_stage_leaves_its_store_in_the_project(project):
    def main(cfg):
        tracking.log_step_metrics({"loss": 0.5}, 1)
        return {"done": 1.0}

    run_stage("train", main, uses=("seed",), artifacts=("params.yaml",), argv=[])
    with sqlite3.connect(project / "mlflow.db") as store:
        keys = {row[0] for row in store.execute("select key from metrics")}
    assert {"loss", "done", "stage_seconds"} <= keys
