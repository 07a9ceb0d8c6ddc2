"""The pages about the pipeline, its experiments and its tests: their commands as they stand, in a tiny copy of the project.

The first `make repro` runs the whole pipeline; every page starts from what it left. A command must end well, say what SAYS
has of it and leave what MADE has of it. Pytest is told to take one file of tests, coverage to count what that file is of, the
benchmark to measure little; `make venv` finds its stamp missing, and every package there. A transcript must be what is
printed, line by line, but for figures.
"""

import re
import shutil
from collections.abc import Iterator
from math import prod
from pathlib import Path

import pytest
from doc_blocks import ROOT, Block, of, pages_taken_by, taken_by, words
from tiny_project import in_project, make_project, wait_for_queue

SAYS = {
    "make repro": "Gate: green",
    "make test": "passed",
    "make coverage": "coverage: 100.0 % of the branches",
    "dvc status": "Data and pipelines are up to date.",
    "dvc dag": "evaluate",
    "dvc repro": "Data and pipelines are up to date.",
    "dvc metrics show": "data/metrics/summary.json",
    "dvc plots": "index.html",
    "dvc exp run -S": "Experiment results have been applied to your workspace.",
    "dvc exp run --queue": "Queued experiment",
    "dvc queue status": "Worker status",
    "dvc exp show": "workspace",
    "dvc exp apply": "Changes for experiment",
    "python -m autovoice.config model": "name: small",
}
BEFORE = {
    "make notebooks": f"cp {ROOT / 'metrics/baseline.json'} metrics; ",  # of the project as it is, which a notebook reads
    "make venv": "rm .venv/stamp-cpu; ",
    "make test": "PYTEST_ADDOPTS=tests/unit/test_engines.py ",
    "make coverage": "printf '[report]\\ninclude = src/autovoice/live.py' > .coveragerc; PYTEST_ADDOPTS=tests/unit/test_live.py ",
    "make bench": "BENCH='--systems fast world --threads 1 --rtf-length 2 --lengths 1 --batches 1' ",
}
MADE = {
    "make repro": "data/bundle/manifest.json",
    "python -m pipelines.train": "data/adapted/choice.json",
    "dvc plots diff HEAD NAME": "dvc_plots/index.html",
    "dvc plots diff": "plots/index.html",
    "make bench": "data/bench.json",
    "make venv": ".venv/stamp-cpu",
    ".venv/bin/pre-commit": ".git/hooks/pre-commit",
}
ON_A_GPU = [block for block in taken_by(__file__) if "DEVICE=gpu" in block.text]
PAGES = {page: [block for block in own if block not in ON_A_GPU] for page, own in pages_taken_by(__file__).items()}


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A tiny project after its first run, with the run's lock committed."""
    project = make_project(tmp_path_factory.mktemp("project"))
    assert SAYS["make repro"] in in_project(project, "make repro")
    in_project(project, "git commit --quiet --all --message 'A first run'")
    yield project
    in_project(project, "dvc queue stop --kill")


@pytest.fixture
def project(ran: Path) -> Path:
    """The same as it was after its first run."""
    in_project(ran, "git checkout --quiet . && git clean --quiet --force -d && dvc checkout --quiet --force dvc.yaml")
    return ran


def n_queued(command: str) -> int:
    """How many experiments the settings of `dvc exp run --queue` make: each alternative with each."""
    return prod(len(word.split(",")) for word in words(command) if "=" in word)


def experiments(project: Path) -> list[str]:
    """Their names."""
    return in_project(project, "dvc exp list --name-only").split()


def run(block: Block, project: Path) -> None:
    """Each command ends well, says what it must, and leaves what it must; what was queued was made."""
    queued: list[str] = []
    for command in block.commands():
        if command == "make notebooks":
            pytest.importorskip("nbmake", reason="needs nbmake and ipykernel: make notebooks")
        name = experiments(project)[0] if "NAME" in command else ""
        said = in_project(project, of(BEFORE, command) + command.replace("NAME", name))
        assert of(SAYS, command) in said, f"{command}\n{said}"
        assert (project / of(MADE, command)).exists(), command
        if command.startswith("dvc exp run --queue"):
            new = re.findall(r"^Queued experiment '(\S+)'", said, re.MULTILINE)
            assert len(new) == n_queued(command), said
            queued += new
        if command.startswith("dvc queue start"):
            wait_for_queue(project)
            assert queued
            assert set(queued) <= set(experiments(project))


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_the_commands_of_a_page_work(page: str, project: Path) -> None:
    for block in PAGES[page]:
        if block.language == "python":
            (project / "block.py").write_text(block.text, encoding="utf-8")
            in_project(project, "python block.py; rm block.py")
        else:
            run(block, project)


def shape(line: str) -> str:
    """A printed line without its figures: numbers, hashes, times, and the widths of columns."""
    line = re.sub(r"\b[0-9a-f]{7}\b", "HASH", line)
    line = re.sub(r"\d\d:\d\d [AP]M", "TIME", line)
    return re.sub(r"[ -]+", " ", re.sub(r"\d[\d.]*", "N", line)).strip()


@pytest.mark.slow
@pytest.mark.parametrize("block", taken_by(__file__, "console"), ids=lambda block: block.place)
def test_a_transcript_is_what_is_printed(block: Block, project: Path) -> None:
    in_project(project, "dvc exp remove --all-commits; dvc queue remove --all")
    for command, lines in block.dialogue():
        said = iter([shape(line) for line in in_project(project, command).splitlines()])
        missing = [line for line in lines if line != "..." and shape(line) not in said]
        assert missing == [], command
    in_project(project, "dvc queue remove --all")


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("nvidia-smi"), reason="needs a GPU: nvidia-smi is not there")
@pytest.mark.parametrize("block", ON_A_GPU, ids=lambda block: block.place)
def test_the_pipeline_runs_on_a_gpu(block: Block, project: Path) -> None:
    run(block, project)
    assert "bf16-mixed" in (project / "params.yaml").read_text(encoding="utf-8")
