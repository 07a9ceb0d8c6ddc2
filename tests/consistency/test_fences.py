"""No command of the documentation hides from the tests: each stands in a block that `doc_blocks` takes."""

import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from doc_blocks import PAGES, ROOT, blocks

PROGRAMS = (
    "python3?|dvc|docker|kubectl|pip3?|make|curl|wget|git|autovoice|npx|npm|mlflow|sbatch|srun|source|pytest|mkdocs|ray|"
    r"torchrun|psql|apt(?:-get)?|\.venv/\S+|(?:\./)?(?:scripts|deploy)/\S+"
)
COMMAND = re.compile(rf"\s*(?:[$#>] )?(?:sudo |[A-Z_]+=\S* )*(?:{PROGRAMS}) +[\w.'\"$/<{{\[~-]")
FENCE = re.compile(r"(?P<indent>[ >]*)(?P<ticks>`{3,}|~{3,}) *(?P<language>\S*)(?P<more>.*)")
SYNOPSIS = re.compile(r"autovoice [^#]*\b[A-Z]{3,}\b")  # names what is to be filled in
TAKEN = ("bash", "python", "console")
ALL_PAGES = sorted(
    path for path in ROOT.rglob("*.md") if not re.search(r"^(\.|site/)|/\.", path.relative_to(ROOT).as_posix())
)


@dataclass
class Fence:
    """As Markdown has it, however it is indented: doc_blocks knows those alone that begin a line."""

    line: int
    opening: str
    language: str
    lines: list[str]


def fences(text: str) -> list[Fence]:
    """All of a page."""
    found: list[Fence] = []
    ticks = ""
    for number, line in enumerate(text.splitlines(), 1):
        match = FENCE.fullmatch(line)
        if match and not ticks:
            ticks = match["ticks"]
            found.append(Fence(number, line, match["language"], []))
        elif match and match["ticks"].startswith(ticks) and not match["language"]:
            ticks = ""
        elif ticks:
            found[-1].lines.append(line)
    return found


def hidden(text: str, synopses: bool = False) -> list[str]:
    """Commands in fences of a language that no test takes, and openings of others that doc_blocks cannot read."""
    found = []
    for fence in fences(text):
        if fence.language in TAKEN:
            found += [] if fence.opening == f"```{fence.language}" else [fence.opening]
        else:
            found += [line for line in fence.lines if COMMAND.match(line) and not (synopses and SYNOPSIS.match(line))]
    return found


@pytest.mark.parametrize("page", ALL_PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_no_fence_hides_a_command(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert hidden(text, synopses=page == ROOT / "docs/cli.md") == []
    if page not in PAGES:
        assert not {fence.language for fence in fences(text)} & set(TAKEN), (
            "tests/doc_blocks.py does not read this page"
        )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_the_tests_see_every_block_and_run_every_transcript(page: Path) -> None:
    seen = blocks(page, *TAKEN)
    assert len(seen) == len([fence for fence in fences(page.read_text(encoding="utf-8")) if fence.language in TAKEN])
    assert [block.place for block in seen if block.language == "console" and not block.by] == []


@pytest.mark.parametrize(
    "text",
    [
        "```text\ndvc push\n```",
        "```\n$ dvc exp show --md\n```",
        "~~~\npip install 'autovoice[slurm]'\n~~~",
        "```sh\nsudo apt-get install slurm-wlm\n```",
        "```shell\nOMP_NUM_THREADS=1 python -m pipelines.train\n```",
        "````text\n```\nmake repro\n```\n````",
        "```text\ngate green\n$ scripts/with_postgres.sh pytest\n```",
        "1. First\n\n   ```bash\n   make repro\n   ```",
        "> ```bash\n> make repro\n> ```",
        '```bash title="once"\nmake repro\n```',
    ],
)
def test_a_hidden_command_is_found(text: str) -> None:
    assert len(hidden(text)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "```bash\nmake repro\n```",
        "```text\ntrain: optim.lrr: no such configuration key\n```",
        "```text\ndvc\n```\n\nmake repro",
        "```diff\n+make repro\n```",
        "```ini\nExecStart=/opt/autovoice/bin/autovoice serve --host 127.0.0.1\n```",
    ],
)
def test_what_is_no_command_is_left_alone(text: str) -> None:
    assert hidden(text) == []


def test_a_synopsis_names_what_is_to_be_filled_in() -> None:
    assert hidden("```text\nautovoice clone NAME PATH...\n```", synopses=True) == []
    assert len(hidden("```text\nautovoice clone ada ada.wav\n```", synopses=True)) == 1
