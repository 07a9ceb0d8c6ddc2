"""Workers that die: their task is tried again, and nobody else's is lost."""

import os
import signal
import sys
from pathlib import Path

import pytest

from autovoice.engines import ATTEMPTS, run_local, run_ray
from autovoice.errors import AutovoiceError


def counted(task: tuple[Path, int]) -> int:
    """Notes the attempt in a file, and dies in the first ones, as a process does that is out of memory."""
    path, n_deaths = task
    with path.open("a", encoding="utf-8") as stream:
        stream.write("x")
    if path.stat().st_size <= n_deaths:
        os.kill(os.getpid(), signal.SIGKILL)
    return n_deaths


def test_a_task_whose_worker_dies_is_tried_again_and_others_are_not(tmp_path: Path) -> None:
    deaths = [0, 1, 0, ATTEMPTS, 0]
    tasks = [(tmp_path / str(i), n) for i, n in enumerate(deaths)]
    results = dict(run_local(counted, tasks, 2))
    assert [results[task] for task in tasks] == [0, 1, 0, None, 0]
    assert [path.stat().st_size for path, _ in tasks] == [1, 2, 1, ATTEMPTS, 1]


def test_without_ray_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(AutovoiceError, match=r"needs the package ray; pip install 'autovoice\[ray\]'"):
        next(run_ray(len, ["task"], 1))


def test_a_cluster_that_is_not_there_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ray", reason="needs ray: pip install -e .[ray]")
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    with pytest.raises(AutovoiceError, match="the cluster cannot be reached"):
        next(run_ray(len, ["task"], 1))
