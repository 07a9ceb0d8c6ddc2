"""dvc.yaml lists exactly the parameters and the code that each stage uses."""

import ast
import sys
from pathlib import Path

import pytest
import yaml

from autovoice.config import to_params

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
import stage_deps  # noqa: E402

STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]


def run_stage_call(stage):
    """The run_stage(...) call of a pipelines/ file."""
    tree = ast.parse((ROOT / "pipelines" / f"{stage}.py").read_text(encoding="utf-8"))
    calls = [n for n in ast.walk(tree) if isinstance(n, ast.Call) and getattr(n.func, "id", "") == "run_stage"]
    assert len(calls) == 1
    return calls[0]


@pytest.mark.parametrize("stage", STAGES)
def test_params_are_what_the_stage_says_it_uses(stage):
    call = run_stage_call(stage)
    uses = next(ast.literal_eval(k.value) for k in call.keywords if k.arg == "uses")
    assert sorted(uses) == sorted(STAGES[stage].get("params", []))


@pytest.mark.parametrize("stage", STAGES)
def test_params_are_touched_in_the_stage(stage):
    """A param that nothing reads would rerun the stage for nothing. The seed is read by run_stage itself."""
    tree = ast.parse((ROOT / "pipelines" / f"{stage}.py").read_text(encoding="utf-8"))
    read = {ast.unparse(n) for n in ast.walk(tree) if isinstance(n, ast.Attribute)}
    passed_whole = any(isinstance(n, ast.Call) and any(ast.unparse(a) == "cfg" for a in n.args) for n in ast.walk(tree))
    for param in STAGES[stage].get("params", []):
        assert param == "seed" or passed_whole or any(f"cfg.{param}" in text for text in read), param


@pytest.mark.parametrize("stage", STAGES)
def test_params_exist(stage):
    params = yaml.safe_load(to_params())
    for key in STAGES[stage].get("params", []):
        node = params
        for part in key.split("."):
            assert part in node, key
            node = node[part]


@pytest.mark.parametrize("stage", STAGES)
def test_code_dependencies_are_the_imports(stage):
    listed = {d for d in STAGES[stage]["deps"] if stage_deps.is_code(d)}
    assert listed == set(stage_deps.code_deps(stage)), "run make deps"


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_runs_the_file_of_its_name(stage):
    assert STAGES[stage]["cmd"] == f"python -m pipelines.{stage}"
    assert ast.literal_eval(run_stage_call(stage).args[0]) == stage


def closure_of(stage):
    return set(stage_deps.code_deps(stage))


def test_a_changed_evaluation_file_never_reruns_training():
    evaluation = {d for d in closure_of("evaluate") if d.startswith("src/autovoice/evaluation/")}
    assert evaluation
    for stage in ("prepare", "features", "clone", "train", "convert"):
        assert not evaluation & closure_of(stage)


def test_a_changed_preset_reruns_convert_onward_and_nothing_before():
    using = {
        name for name, stage in STAGES.items() if any(p.split(".")[0] == "presets" for p in stage.get("params", []))
    }
    assert "convert" in using
    assert not using & {"prepare", "features", "clone", "train"}


def test_no_stage_depends_on_a_later_ones_output():
    produced: set[str] = set()
    everything = {
        name for stage in STAGES.values() for out in stage["outs"] for name in ([out] if isinstance(out, str) else out)
    }
    for name, stage in STAGES.items():
        for dep in stage["deps"]:
            owner = next((out for out in everything if dep == out or dep.startswith(f"{out}/")), None)
            assert owner is None or owner in produced, f"{name} reads {dep} before it is made"
        produced |= {n for out in stage["outs"] for n in ([out] if isinstance(out, str) else out)}


def test_imports_inside_functions_count():
    """The closure would be blind without them: run_stage's configuration loads lazily."""
    names = set(stage_deps.imports_of(ROOT / "src" / "autovoice" / "doctor.py"))
    assert "autovoice.convert" in names


@pytest.mark.parametrize("name", ["pretraining", "protocols"])
def test_dvc_keeps_nothing_of_the_pipelines_that_are_not_run_by_default(name):
    stages = yaml.safe_load((ROOT / name / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    for stage in (stage.get("do", stage) for stage in stages.values()):
        for out in stage["outs"] + stage.get("metrics", []) + stage.get("plots", []):
            (how,) = out.values()
            assert how["cache"] is False  # else `dvc checkout` and `dvc exp apply` fail where it was never made
