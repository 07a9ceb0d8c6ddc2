"""Blocks that are not run, or by other tests: what they name exists, and so do the tests that take them."""

import importlib.util
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from doc_blocks import PAGES, ROOT, Block, blocks, words
from dvc.cli import DvcParserError
from dvc.cli.parser import get_main_parser

from autovoice.cli import COMMANDS, build_parser, parse
from autovoice.config import compose
from autovoice.errors import ConfigError

IMAGES = ("autovoice", "api-cpu")  # of docker-compose.yml and the guide: what follows them is a command of autovoice
FOREIGN = ("docker", "kubectl", "npx", "source", "pip")
NOT_RUN = [block for page in PAGES for block in blocks(page, "bash") if block.reason or block.by]
ELSEWHERE = [block for page in PAGES for block in blocks(page, "bash", "python", "console") if block.by]


def make(parts: list[str]) -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    for word in parts:
        name, is_setting, _ = word.partition("=")
        assert re.search(rf"^{name} [?:]=" if is_setting else rf"^{name}:.*##", text, re.MULTILINE), word


def python(parts: list[str]) -> list[str]:
    """python -m MODULE SETTINGS, or python FILE OPTIONS [-- COMMAND] -> the settings."""
    if parts[0] == "-m":
        assert importlib.util.find_spec(parts[1]), parts[1]
        own = parts[2 : parts.index(">")] if ">" in parts else parts[2:]
        return [word for word in own if not word.startswith("-")]
    text = (ROOT / parts[0]).read_text(encoding="utf-8")
    own, _, command = " ".join(parts[1:]).partition(" -- ")
    assert all(f'"{option}"' in text for option in re.findall(r"(?<!\S)--?[a-z-]+", own)), own
    return settings_of(command) if command else []


def dvc(parts: list[str]) -> list[str]:
    """A command of DVC -> the settings of an experiment, of several alternatives the first."""
    args = get_main_parser().parse_args(parts)
    return [text.partition(",")[0] for text in getattr(args, "set_param", None) or []]


def foreign(parts: list[str]) -> None:
    """Another's program; where an image of ours is started, its command is checked, and so are the extras of a pip install."""
    if parts[:2] == ["docker", "run"] or "run" in parts[:5]:
        at = next(i for i, word in enumerate(parts) if word in IMAGES)
        own = [word for word in parts[at + 1 :] if word != "autovoice"]
        assert not own or parse(own[: own.index(">")] if ">" in own else own)
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    assert set(re.findall(r"autovoice\[(\w+)\]", " ".join(parts))) <= extras.keys()


def settings_of(command: str) -> list[str]:
    """The settings of conf/ in a command; fails where it asks for anything else that does not exist."""
    program, *parts = words(command)
    match program:
        case "autovoice":
            return list(getattr(parse(parts), "overrides", []))
        case "make":
            make(parts)
        case "python":
            return python(parts)
        case "dvc":
            return dvc(parts)
        case _ if program in FOREIGN:
            foreign([program, *parts])
        case ".venv/bin/pre-commit":
            assert "pre-commit" in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
        case _:
            assert (ROOT / program).is_file(), f"{program} is no program that the documentation may name"
    return []


def check(*commands: str) -> None:
    """Fails where one of the commands, or their settings together, ask for what does not exist."""
    settings = [setting for command in commands for setting in settings_of(command)]
    if settings:
        compose(list({setting.partition("=")[0]: setting for setting in settings}.values()))


@pytest.mark.parametrize("block", NOT_RUN, ids=lambda block: block.place)
def test_what_is_not_run_exists(block: Block) -> None:
    check(*block.commands())


def test_the_tests_that_are_said_to_run_a_block_take_it() -> None:
    files = sorted({block.by for block in ELSEWHERE})
    command = [sys.executable, "-m", "pytest", "-o", "addopts=", "-q", "-rs", "--collect-only", *files]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    for block in ELSEWHERE:
        if f"] {block.by}:" not in done.stdout:  # else the file is skipped: a package that it needs is not installed
            page = block.page.relative_to(ROOT).as_posix()
            assert re.search(rf"^{block.by}::.*\[({page}|{block.place})\]$", done.stdout, re.MULTILINE), block.place


@pytest.mark.parametrize(
    "command",
    [
        "autovoice adapt ada --fast",
        "autovoice sings song.mp3",
        "make repo",
        "make repro DEVISE=gpu",
        "python -m pipelines.trainer",
        "python -m pipelines.train trainer.steps=5",
        "python scripts/drill.py restore backups/monday --databases x",
        "dvc exp run --cue",
        "dvc exp run -S optim.lrr=1",
        "docker run autovoice autovoice keys adds studio",
        "pip install 'autovoice[slurms]'",
        "frobnicate",
    ],
)
def test_what_does_not_exist_is_noticed(command: str) -> None:
    with pytest.raises((AssertionError, ConfigError, DvcParserError, SystemExit)):
        check(command)


def test_what_a_unit_of_systemd_starts_exists() -> None:
    started = [
        command
        for page in PAGES
        for block in blocks(page, "ini")
        for command in re.findall(r"^ExecStart=\S*/(autovoice .*)$", block.text, re.MULTILINE)
    ]
    check(*started)
    assert started


def synopses(page: Path) -> dict[str, set[str]]:
    """Command -> the options that the page's synopses name."""
    found: dict[str, set[str]] = {}
    for block in blocks(page, "text"):
        for text in re.split(r"^autovoice ", block.text, flags=re.MULTILINE)[1:]:
            found.setdefault(text.split()[0], set()).update(re.findall(r"--[a-z][a-z0-9-]*", text))
    return found


def test_each_synopsis_names_options_of_its_command() -> None:
    named = synopses(ROOT / "docs/cli.md")
    commands = next(action for action in build_parser()._actions if action.dest == "command").choices
    assert commands is not None
    assert named.keys() <= set(COMMANDS)
    for command, options in named.items():
        assert options <= set(commands[command]._option_string_actions), command
