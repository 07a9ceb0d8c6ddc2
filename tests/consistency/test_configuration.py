"""conf/, the dataclasses and params.yaml say the same."""

import dataclasses
import re
from pathlib import Path

import pytest
from dvc.utils.hydra import compose_and_dump
from omegaconf import OmegaConf

from autovoice.config import Config, PresetConfig, compose, conf_dir, load, to_params

ROOT = Path(__file__).resolve().parents[2]
FORBIDDEN = re.compile(r"\$\{\s*(hydra|oc\.env|env|now)\b")


def keys_of(value, prefix=""):
    """Dotted leaf keys of nested mappings."""
    if isinstance(value, dict) and value:
        return {key for name, item in value.items() for key in keys_of(item, f"{prefix}{name}.")}
    return {prefix.rstrip(".")}


def test_committed_params_are_the_composed_ones():
    committed = (ROOT / "params.yaml").read_text(encoding="utf-8")
    assert committed == to_params(), "run make params"


def test_dvc_composes_the_same_bytes(tmp_path):
    compose_and_dump(str(tmp_path / "params.yaml"), str(conf_dir()), None, "config", str(ROOT), [])
    assert (tmp_path / "params.yaml").read_text(encoding="utf-8") == to_params()


def test_loading_params_and_composing_give_the_same_dataclasses(monkeypatch):
    monkeypatch.chdir(ROOT)
    assert load([]) == compose()


def test_groups_name_every_field_of_their_dataclass():
    composed = OmegaConf.to_container(OmegaConf.create(to_params()))
    schema = dataclasses.asdict(Config(presets={name: PresetConfig() for name in ("fast", "balanced", "quality")}))
    free = (
        "gate.floors",
        "gate.sanity",
        "gate.tolerances",
        "gate.item_factors",
        "study.variants",
    )  # dictionaries with names of their own
    expected, found = ({k for k in keys_of(d) if not k.startswith(free)} for d in (schema, composed))
    assert found == expected


@pytest.mark.parametrize("path", sorted((ROOT / "conf").rglob("*.yaml")), ids=lambda p: p.stem)
def test_no_resolver_that_would_poison_params(path):
    assert not FORBIDDEN.search(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", sorted(p.stem for p in (ROOT / "conf" / "experiment").glob("*.yaml")))
def test_every_experiment_composes(name):
    assert isinstance(compose([f"experiment={name}"]), Config)


@pytest.mark.parametrize("group", ["dataset", "model", "trainer"])
def test_every_choice_of_a_group_composes(group):
    for path in (ROOT / "conf" / group).glob("[!_]*.yaml"):
        extra = ["dataset.path=somewhere"] if group == "dataset" else []
        assert isinstance(compose([f"{group}={path.stem}", *extra]), Config)
