"""The source files that each DVC stage really imports, and dvc.yaml brought in line with them.

python scripts/stage_deps.py           # say what differs (exit 1 if anything does)
python scripts/stage_deps.py --write   # rewrite the code dependencies in dvc.yaml
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "autovoice"
ASSET_TABLE = "conf/assets"  # autovoice.assets reads it as code reads constants


def module_file(module: str) -> Path | None:
    """The file of a dotted module of this project below src/, None if it is no module."""
    base = ROOT / "src" / Path(*module.split("."))
    for path in (base.with_suffix(".py"), base / "__init__.py"):
        if path.is_file():
            return path
    return None


def imports_of(path: Path) -> Iterator[str]:
    """Dotted names that a file imports anywhere, also inside functions, but not those for type checks only."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    skipped = {id(inner) for node in ast.walk(tree) if _is_type_checking(node) for inner in ast.walk(node)}
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if module_file(inner) else node.module


def closure(path: Path) -> set[Path]:
    """All project files that running `path` may import, itself included; an empty __init__.py is none."""
    found, queue = set(), [path]
    while queue:
        current = queue.pop()
        if current in found:
            continue
        found.add(current)
        for module in imports_of(current):
            if module.split(".")[0] == PACKAGE:
                parts = module.split(".")
                files = [module_file(module), *(module_file(".".join(parts[:i])) for i in range(1, len(parts)))]
                queue += [f for i, f in enumerate(files) if f and (i == 0 or _imports_something(f))]
    return {f for f in found if not _is_empty(f)}


def code_deps(stage: str) -> list[str]:
    """The code dependencies that dvc.yaml must list for a stage, sorted."""
    files = closure(ROOT / "pipelines" / f"{stage}.py")
    deps = sorted(f.relative_to(ROOT).as_posix() for f in files)
    return [*deps, ASSET_TABLE] if f"src/{PACKAGE}/assets.py" in deps else deps


def is_code(dep: str) -> bool:
    """Whether a dependency in dvc.yaml is one that this script looks after."""
    return dep.endswith(".py") or dep == ASSET_TABLE


def _is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def _imports_something(path: Path) -> bool:
    return any(module.split(".")[0] == PACKAGE for module in imports_of(path))


def _is_empty(path: Path) -> bool:
    body = ast.parse(path.read_text(encoding="utf-8")).body
    return path.name == "__init__.py" and all(
        isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant) for n in body
    )


def main(write: bool) -> int:
    yaml = YAML()
    yaml.width, yaml.indent_seq = 120, 2
    yaml.indent(mapping=2, sequence=4, offset=2)
    pipeline = yaml.load(ROOT / "dvc.yaml")
    differs = False
    for name, stage in pipeline["stages"].items():
        listed, needed = [d for d in stage["deps"] if is_code(d)], code_deps(name)
        for dep in sorted(set(listed) ^ set(needed)):
            differs = True
            print(f"{name}: {'lacks' if dep in needed else 'does not use'} {dep}")
        stage["deps"] = [d for d in stage["deps"] if not is_code(d)] + needed
    if write:
        with (ROOT / "dvc.yaml").open("w", encoding="utf-8") as stream:
            yaml.dump(pipeline, stream)
    return int(differs and not write)


if __name__ == "__main__":
    sys.exit(main("--write" in sys.argv[1:]))
