"""House rules: files and functions stay short, rooms know their neighbours, docs name what exists."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from autovoice.cli import COMMANDS
from autovoice.files import sha256_file
from autovoice.weights import BASE_GENERATOR

ROOT = Path(__file__).resolve().parents[2]
CODE = sorted(p for folder in ("src", "pipelines", "scripts") for p in (ROOT / folder).rglob("*.py"))
DOCS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
MAX_FILE_LINES, MAX_FUNCTION_LINES = 300, 40


@pytest.mark.parametrize("path", CODE, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_files_and_functions_are_short(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) < MAX_FILE_LINES
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            assert node.end_lineno - node.lineno + 1 < MAX_FUNCTION_LINES, node.name


@pytest.mark.parametrize("path", CODE, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_every_file_says_what_it_is_for(path):
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))


def test_layers():
    script = "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def fenced_lines(path):
    """Lines of the shell blocks of a Markdown file, without output."""
    for block in re.findall(r"```(?:bash|sh|console)\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL):
        yield from (line.removeprefix("$ ").strip() for line in block.splitlines())


def make_targets():
    return set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


@pytest.mark.parametrize("path", DOCS, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_docs_mention_only_commands_that_exist(path):
    targets = make_targets()
    text = path.read_text(encoding="utf-8")
    for line in fenced_lines(path):
        words = line.split("#")[0].split()
        if words[:1] == ["make"]:
            names = [w for w in words[1:] if "=" not in w]
            assert set(names) <= targets, line
        if words[:1] == ["autovoice"] and len(words) > 1 and not words[1].startswith("-"):
            assert words[1] in COMMANDS, line
        if words[:2] == ["python", "-m"] and words[2].startswith(("pipelines.", "autovoice.")):
            module = words[2].replace(".", "/")
            assert any((ROOT / base / f"{module}.py").is_file() for base in (".", "src")), line
    for name in re.findall(r"`autovoice ([a-z]+)", text):
        assert name in COMMANDS, name
    for name in re.findall(r"`make ([a-z]+)", text):
        assert name in targets, name


@pytest.mark.parametrize("path", DOCS, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_links_in_docs_lead_somewhere(path):
    for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", path.read_text(encoding="utf-8")):
        if not target.startswith(("http://", "https://")):
            assert (path.parent / target).exists(), target


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.name)
def test_notebooks_are_kept_without_outputs(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert code
    assert not [cell["id"] for cell in code if cell["outputs"] or cell["execution_count"] is not None]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.name)
def test_links_in_notebooks_lead_somewhere(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    text = "".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    assert all((path.parent / target).exists() for target in re.findall(r"\]\(([^)#]+)\)", text))


def test_the_examples_were_made_by_the_model_that_is_shipped():
    said = re.search(
        r"base model with SHA-256 `([0-9a-f]{16})`", (ROOT / "docs/examples.md").read_text(encoding="utf-8")
    )
    assert said is not None
    assert sha256_file(BASE_GENERATOR).startswith(said[1])
