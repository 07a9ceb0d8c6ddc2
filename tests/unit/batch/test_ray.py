"""The same job file on a Ray cluster of two workers, one of which is killed in the midst of its task. Needs the extra ray."""

import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

pytest.importorskip("ray", reason="needs ray: pip install -e .[ray]")

from ray.cluster_utils import Cluster

from autovoice.audio.io import save_wav
from autovoice.cli import main
from tests.audio_files import RATE, speech
from tests.doc_blocks import Block, taken_by

N = 6
NODE = {"num_cpus": 1, "include_dashboard": False, "object_store_memory": 80_000_000}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A cloned voice, and a table of recordings."""
    save_wav(tmp_path / "carlo.wav", speech("carlo", 4.0), RATE)
    for i in range(N):
        save_wav(tmp_path / f"{i}.wav", speech("allison", 1.0, 1.0 * i), RATE)
    (tmp_path / "jobs.csv").write_text("source\n" + "".join(f"{i}.wav\n" for i in range(N)), encoding="utf-8")
    assert main(["clone", "carlo", str(tmp_path / "carlo.wav"), "--voices", str(tmp_path / "voices")]) == 0
    return tmp_path


def workers_of(cluster: Cluster, title: str) -> list[int]:
    """Process ids of the cluster's workers whose title says that they are at `title`."""
    raylets = {info.process.pid for node in cluster.list_all_nodes() for info in node.all_processes["raylet"]}
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((path / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1])
            if parent in raylets and (path / "cmdline").read_text(encoding="utf-8").startswith(title):
                found.append(int(path.name))
        except (OSError, UnicodeDecodeError):  # it has ended
            continue
    return found


def started(cluster: Cluster, argv: list[str], **variables: str) -> subprocess.Popen:
    environment = os.environ | {"RAY_ADDRESS": cluster.address} | variables
    return subprocess.Popen(
        [sys.executable, "-m", "autovoice.cli", *argv, "--engine", "ray"], env=environment, stderr=subprocess.PIPE
    )


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch):
    """Two nodes of one CPU each, on this computer."""
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    cluster = Cluster(initialize_head=True, head_node_args=NODE)
    cluster.add_node(**NODE)
    yield cluster
    cluster.shutdown()


def test_a_killed_worker_loses_nothing_and_nothing_is_done_twice(folder: Path, cluster: Cluster) -> None:
    argv = [
        "batch",
        str(folder / "jobs.csv"),
        "--voice",
        "carlo",
        "--voices",
        str(folder / "voices"),
        "--preset",
        "fast",
    ]
    done, seen = folder / "out/.batch/done", {}

    def look() -> int:
        for path in done.glob("[0-9].wav.json"):
            seen.setdefault(path, path.stat().st_mtime_ns)
        return len(seen)

    process = started(cluster, [*argv, "-o", str(folder / "out")])
    killed = 0
    while process.poll() is None:
        if look() and not killed and (at_work := workers_of(cluster, "ray::work")):
            os.kill(killed := at_work[-1], signal.SIGKILL)
        time.sleep(0.02)
    assert killed
    assert (process.returncode, process.stderr.read()) == (0, b"")
    assert look() == N
    assert {path: path.stat().st_mtime_ns for path in seen} == seen, "something was done twice"
    with (folder / "out/summary.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [Path(row["source"]).name for row in rows] == [f"{i}.wav" for i in range(N)]
    assert {row["status"] for row in rows} <= {"done", "kept"}
    names = {path.name for path in (folder / "out").iterdir()} - {"summary.csv", "summary.json", ".batch"}
    assert names == {f"{i}.wav{suffix}" for i in range(N) for suffix in ("", ".json")}
    assert main(["convert", str(folder / "5.wav"), *argv[2:], "-o", str(folder / "alone.wav")]) == 0
    assert np.array_equal(sf.read(folder / "out/5.wav")[0], sf.read(folder / "alone.wav")[0])


@pytest.mark.slow
def test_an_evaluation_on_a_cluster_is_that_of_one_computer(folder: Path, cluster: Cluster) -> None:
    rows = [f"{i}.wav,carlo.wav,{i + 1}.wav" for i in range(3)]
    (folder / "pairs.csv").write_text("source,target_refs,converted\n" + "\n".join(rows), encoding="utf-8")
    asked = ["evaluate", str(folder / "pairs.csv"), "--metrics", "secs,f0,duration,signal"]
    environment = {"AUTOVOICE_CACHE": str(folder / "cache")}  # of its own: nothing was measured before
    here = subprocess.run(
        [sys.executable, "-m", "autovoice.cli", *asked, "-o", str(folder / "here")], env=os.environ | environment
    )
    process = started(cluster, [*asked, "-o", str(folder / "there")], AUTOVOICE_CACHE=str(folder / "other_cache"))
    _, said = process.communicate()
    assert (here.returncode, process.returncode) == (0, 0), said
    assert (folder / "here/pairs.csv").read_bytes() == (folder / "there/pairs.csv").read_bytes()
    assert list((folder / "other_cache").rglob("*")), "the cluster measured nothing"


@pytest.mark.slow
@pytest.mark.parametrize("block", taken_by(__file__), ids=lambda block: block.place)
def test_the_command_of_the_page_works(block: Block, folder: Path, cluster: Cluster) -> None:
    assert main(["clone", "ada", str(folder / "carlo.wav"), "--voices", str(folder / "voices")]) == 0
    text = "\n".join(block.commands())
    assert "head:6379" in text
    assert " /shared/" in text
    text = text.replace("head:6379", cluster.address).replace(" /shared/", f" {folder}/shared/")
    paths = {"PATH": f"{Path(sys.prefix) / 'bin'}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", text], cwd=folder, env=os.environ | paths, capture_output=True
    )
    assert done.returncode == 0, done.stderr
    assert {path.name for path in (folder / "shared/converted").glob("*.wav")} == {f"{i}.wav" for i in range(N)}
