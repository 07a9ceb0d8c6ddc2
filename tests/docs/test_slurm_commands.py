"""A SLURM cluster trains as the page says: the lines are submitted as they stand, of a tiny model, to the cluster that answers.

Each needs a cluster of as many nodes, with as many GPUs, as it asks for; ranks whose node has the GPUs in name only compute on
its CPUs. The nodes must share pytest's folder (--basetemp).
"""

import re
import sqlite3
import subprocess
from pathlib import Path

import pytest
from containers import works
from doc_blocks import Block, taken_by
from tiny_corpus import SETTINGS, write_corpus
from tiny_project import in_project, make_project

from autovoice.training.callbacks import read_history

CORPUS = "pretrain.manifest=corpus/manifest.csv pretrain.root=corpus"
BEFORE = [f"python -m pipelines.pretraining.{stage} {CORPUS}" for stage in ("gather", "recipe", "features")]
LESS = "n_conversions: 1"  # of a batch of two
ON_CPUS = f"{LESS}, accelerator: cpu, precision: 32-true, num_workers: 0"


def asked(command: str, option: str) -> int:
    """A number of the command's, 0 without the option."""
    found = re.search(rf"--{option} (\d+)", command)
    return int(found[1]) if found else 0


def need_cluster(nodes: int, gpus: int) -> None:
    """Skips where no such cluster answers."""
    if not works("sinfo"):
        pytest.skip("needs a SLURM cluster: sinfo fails")
    lines = subprocess.run(["sinfo", "--noheader", "--Node", "--format", "%T %G"], capture_output=True, text=True)
    idle = [line for line in lines.stdout.splitlines() if line.startswith("idle")]
    n_gpus = [sum(map(int, re.findall(r"gpu:(?:\w+:)?(\d+)", line))) for line in idle]
    if len([n for n in n_gpus if n >= gpus]) < nodes:
        pytest.skip(f"needs a SLURM cluster with {nodes} idle nodes of {gpus} GPUs")


def check_one_training(project: Path) -> None:
    """All ranks together have trained once: one file of weights, one history, one tracked run."""
    assert (project / ".pretrain/base.safetensors").is_file()
    assert [row["step"] for row in read_history(project / ".pretrain/history.csv")] == [1, 2]
    with sqlite3.connect(project / "mlflow.db") as store:
        assert store.execute("SELECT status FROM runs WHERE name = 'pretrain'").fetchall() == [("FINISHED",)]


@pytest.mark.slow
@pytest.mark.parametrize("block", taken_by(__file__), ids=lambda block: block.place)
def test_a_training_on_the_cluster_ends_well(block: Block, tmp_path: Path) -> None:
    *before, submitted = block.commands()
    nodes, gpus = asked(submitted, "nodes"), asked(submitted, "gpus")
    need_cluster(nodes, gpus)
    has_gpus = gpus and works("srun", f"--gpus={gpus}", "nvidia-smi")
    project = make_project(
        tmp_path, SETTINGS.replace("pretrain:\n  {", f"pretrain:\n  {{{LESS if has_gpus else ON_CPUS}, ")
    )
    write_corpus(project / "corpus")
    for command in [*BEFORE, *before]:
        in_project(project, command)
    in_project(project, submitted)
    ranks = {path.name.split("_")[1] for path in (project / "outputs/slurm").glob("*_log.out")}
    assert ranks == {str(rank) for rank in range(nodes * max(gpus, 1))}
    check_one_training(project)
