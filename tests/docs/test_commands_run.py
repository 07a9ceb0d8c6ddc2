"""Every block of the documentation without a reason not to is run, page by page, in a folder that holds what the page assumes.

The commands of autovoice run in this process, whose models are loaded once; the rest of a block is given to bash as it is. Two
commands are told to do less: a training takes two steps, an evaluation measures what needs no judge.
"""

import csv
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import nullcontext, redirect_stdout
from io import StringIO
from itertools import groupby, pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from audio_files import RATE, speech
from doc_blocks import PAGES, ROOT, Block, blocks, words
from doc_servers import serve_and_stop
from serving import configured, listening

from autovoice.assets import asset_path
from autovoice.audio.resample import resample
from autovoice.cli import main
from autovoice.errors import AssetError
from autovoice.evaluation.listening_cases import read_cases
from autovoice.evaluation.listening_results import append_rating, rating_of, start_results
from autovoice.evaluation.listening_trials import design, make_plan
from autovoice.serving.server import Server

LESS = {
    "adapt": ["trainer.max_steps=1", "trainer.val_every_steps=1", "trainer.batch_size=1", "trainer.segment_s=0.32"],
    "evaluate": ["--metrics", "duration,signal"],
}
READERS = {"ada": "allison", "june": "june", "carlo": "carlo"}
ADDRESS, SRV = "http://127.0.0.1:8000", "/srv/"
COMPILER = ["npx", "--yes", "--package", "typescript@5", "tsc", "--version"]  # what the one block with npx fetches
N_PAIRS = 12  # what the gate calls enough
RUN = [page for page in PAGES if any(not block.reason and not block.by for block in blocks(page, "bash", "python"))]


def write(path: Path, reader: str, seconds: float, skip_s: float = 0.0) -> Path:
    """A reader's speech as a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    sf.write(path, speech(reader, seconds, skip_s), RATE)
    return path


def write_recordings() -> None:
    """What the pages call talk.wav and the like."""
    for name, reader in READERS.items():
        write(Path(f"recordings/{name}/1.wav"), reader, 6.0)
    for name in ("talk.wav", "talks/one.wav", "vocal.wav", "talks/1.wav", "lecture.mp3"):
        write(Path(name), "nikolay", 1.0)
    write(Path("someone.flac"), "carlo", 4.0)
    for name in ("ada.wav", "mia.wav"):
        write(Path(name), "allison", 4.0)
    write(Path("band.wav"), "narrator", 1.0, 5.0)
    turns = [speech(reader, 4.0) for reader in ("narrator", "allison", "nikolay")]
    sf.write("interview.wav", [sample for turn in turns for sample in turn], RATE)
    write(Path("other_people/june/1.wav"), "june", 4.0)
    write_songs()
    Path("chapter.txt").write_text("It rained.", encoding="utf-8")
    Path("agreement.pdf").write_bytes(b"%PDF-1.4 a signed page")
    Path("jobs.csv").write_text("source\ntalk.wav\n", encoding="utf-8")


def write_songs() -> None:
    """song.mp3 and song.flac: somebody's words over a chord."""
    wav = resample(speech("june", 3.0), RATE, 44100)
    t = np.arange(len(wav)) / 44100
    chord = 0.05 * np.sum([np.sin(2 * np.pi * f * t) for f in (220.0, 277.2, 329.6)], 0)
    for name in ("song.mp3", "song.flac"):
        sf.write(name, np.stack([wav + chord] * 2, 1), 44100)


def write_pairs() -> None:
    """pairs.csv and next.csv: conversions of one system."""
    with Path("pairs.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["source", "target_refs", "converted", "system"])
        for i in range(N_PAIRS):
            source, made = (write(Path(f"out/{kind}{i}.wav"), kind, 0.6, i) for kind in ("carlo", "june"))
            table.writerow([source, "recordings/june/1.wav", made, "mine"])
    shutil.copy("pairs.csv", "next.csv")
    header, *rows = Path("pairs.csv").read_text(encoding="utf-8").splitlines()
    copies = [shutil.copy(f"out/june{i}.wav", f"out/theirs{i}.wav") for i in range(N_PAIRS)]
    theirs = [f"out/carlo{i}.wav,recordings/june/1.wav,{made},theirs" for i, made in enumerate(copies)]
    Path("two_systems.csv").write_text("\n".join([header, *rows, *theirs]), encoding="utf-8")


def write_runs() -> None:
    """runs/a, runs/b and others, measured and rated, and what gates them."""
    assert main(["evaluate", "pairs.csv", "-o", "runs/a", *LESS["evaluate"]]) == 0
    cases = read_cases(Path("runs/a"))
    start_results(Path("runs/a/listening.csv"))
    for trial in design(cases, make_plan(cases, "mos", [], [], 24, 0), "ada"):
        append_rating(Path("runs/a/listening.csv"), rating_of(trial, "ada", "4", 1.0))
    shutil.copytree("runs/a", "runs/b")
    assert main(["evaluate", "two_systems.csv", "-o", "DIR", *LESS["evaluate"]]) == 0
    shutil.copytree("runs/a", "runs/both")
    assert main(["gate", "runs/a", "--baseline", "base.json", "--update", "first"]) == 0


@pytest.fixture(scope="module")
def assumed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all that the pages assume: recordings, three voices, a conversion, evaluations."""
    folder = tmp_path_factory.mktemp("assumed")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        write_recordings()
        for name in READERS:
            assert main(["clone", name, f"recordings/{name}", "--consent", "by the licence"]) == 0
        assert main(["convert", "talk.wav", "--voice", "ada", "-o", "talk_as_ada.wav"]) == 0
        write_pairs()
        write_runs()
    shutil.copytree(ROOT / "deploy", folder / "deploy", ignore=shutil.ignore_patterns("secrets"))
    for name in ("scripts", "src", "data", "conf", "Makefile", "requirements", "pyproject.toml"):
        (folder / name).symlink_to(ROOT / name)
    (folder / ".venv").symlink_to(sys.prefix)
    return folder


@pytest.fixture(scope="module")
def server(assumed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server that the pages about the API talk to."""
    with listening(Server(configured(tmp_path_factory.mktemp("serve"), assumed / "voices"))) as (address, _):
        yield address


@pytest.fixture
def folder(assumed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of what is assumed, in which a page is run."""
    shutil.copytree(assumed, tmp_path / "here", symlinks=True)
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


def shell(commands: list[str], address: str) -> None:
    """Lines as they are, in one bash."""
    text = "\n".join(commands).replace(ADDRESS, address)
    paths = {"PATH": f"{Path(sys.prefix) / 'bin'}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", text], env=os.environ | paths, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def autovoice(command: str) -> None:
    """One command in this process."""
    name, *parts = words(command)[1:]
    if name == "clone" and "--replace" not in parts:
        shutil.rmtree(f"voices/{parts[0]}", ignore_errors=True)  # the page makes it
    output = parts[parts.index(">") + 1] if ">" in parts else None
    parts = parts[: parts.index(">")] if output else parts
    printed = StringIO()
    with redirect_stdout(printed) if output else nullcontext():
        assert main([name, *parts, *LESS.get(name, [])]) == 0, command
    if output:
        Path(output).write_text(printed.getvalue(), encoding="utf-8")


def results_of(block: Block) -> list[Path]:
    """What the block's commands were told to write."""
    parts = [words(command) for command in block.commands()]
    return [Path(after) for line in parts for word, after in pairwise(line) if word in ("-o", ">")]


def kind_of(block: Block, command: str) -> str:
    """serves, autovoice (one that ends) or shell."""
    parts = words(command)
    if block.serves and parts[:2] in (["autovoice", "serve"], ["autovoice", "listen"], ["make", "ui"]):
        return "serves"
    return "autovoice" if parts[0] == "autovoice" else "shell"


def fetched(block: Block) -> bool:
    """Whether what the block needs is here, or could be had from a package registry."""
    if block.needs:
        return bool(shutil.which(block.needs)) and (block.needs != "npx" or subprocess.run(COMPILER).returncode == 0)
    try:
        return not block.fetches or bool(asset_path(block.fetches))
    except AssetError:
        return False


def run(block: Block, address: str) -> None:
    """Each command ends well, and what it was to write is there."""
    for kind, commands in groupby(block.commands(), lambda command: kind_of(block, command)):
        if kind == "serves":
            for command in commands:
                serve_and_stop(command.replace(SRV, "srv/"), Path("served.log"))
        elif kind == "shell":
            shell(list(commands), address)
        else:
            for command in commands:
                autovoice(command.replace(SRV, "srv/"))
    for path in results_of(block):
        assert path.exists(), path
        assert path.suffix not in (".wav", ".flac") or sf.info(path).duration > 0.5, path


MARKED = [pytest.param(page, marks=[] if page == ROOT / "README.md" else pytest.mark.slow) for page in RUN]


@pytest.mark.parametrize("page", MARKED, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_the_commands_of_a_page_work(page: Path, folder: Path, request: pytest.FixtureRequest) -> None:
    names: dict[str, object] = {}
    for block in blocks(page, "bash", "python"):
        if block.reason or block.by or not fetched(block):
            continue
        address = request.getfixturevalue("server") if ADDRESS in block.text else ""
        if block.language == "python":
            exec(compile(block.text.replace(ADDRESS, address), block.place, "exec"), names)
        else:
            run(block, address)
