"""Pretraining in two processes, on the CPU, is pretraining in one that accumulates as many batches."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tiny_pretraining import main, write_features

from autovoice.training.callbacks import read_history

ROOT = Path(__file__).resolve().parents[2]
LOSSES = ("mel", "convergence", "log_l1", "judge", "matching", "loss")


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """(folder of two ranks, folder of one process that accumulates two batches a step)."""
    two, one = tmp_path_factory.mktemp("two"), tmp_path_factory.mktemp("one")
    for folder in (two, one):
        write_features(folder)
    command = [sys.executable, "-m", "tests.tiny_pretraining", two, "pretrain.devices=2"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    main(one, "pretrain.accumulate=2")
    return two, one


def test_ranks_that_drew_different_batches_have_learnt_the_same(runs):
    first, second = (load_file(runs[0] / f"rank{i}.safetensors") for i in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_two_ranks_learn_what_one_learns_that_accumulates_their_batches(runs):
    two, one = (load_file(folder / "rank0.safetensors") for folder in runs)
    for name in one:
        torch.testing.assert_close(two[name], one[name], rtol=1e-5, atol=1e-6, msg=lambda text, name=name: name + text)


def test_the_history_is_one_and_of_all_ranks(runs):
    two, one = (read_history(folder / "history.csv") for folder in runs)
    assert [row["step"] for row in two] == [1, 2]
    for name in LOSSES:
        assert two[-1][name] == pytest.approx(one[-1][name], rel=1e-4)
    assert (runs[0] / "base.safetensors").is_file()
