"""Configuration: what composes, and what a wrong key, type or value is told."""

import pytest

from autovoice.config import Config, compose, load, to_params
from autovoice.config_plain import overridden
from autovoice.errors import ConfigError


def test_compose_gives_dataclasses_with_the_three_presets():
    config = compose()
    assert isinstance(config, Config)
    assert set(config.presets) == {"fast", "balanced", "quality"}


def test_overrides_reach_the_dataclass():
    config = compose(["optim.lr=1e-4", "model=small", "dataset.adapt=[ada]"])
    assert (config.optim.lr, config.model.name, config.dataset.adapt) == (1e-4, "small", ["ada"])


def test_a_preset_can_take_anothers_place():
    config = compose(["preset@presets.fast=quality"])
    assert config.presets["fast"] == config.presets["quality"]


def test_load_without_overrides_reads_params_of_the_working_folder(tmp_path, monkeypatch):
    (tmp_path / "params.yaml").write_text(to_params(["seed=7"]), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert load([]).seed == 7
    assert load(["seed=9"]).seed == 9


def test_load_without_params_says_where_it_looked(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=r"params\.yaml"):
        load([])


@pytest.mark.parametrize("text", ["seed: [", "seed: 0\nwrong: 1\n", "seed: many\n"])
def test_a_broken_params_file_is_one_sentence(tmp_path, monkeypatch, text):
    (tmp_path / "params.yaml").write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError) as caught:
        load([])
    assert "\n" not in caught.value.sentence


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("optim.lrr=1", "optim.lr"),
        ("optm.lr=1", "did you mean optim"),
        ("lr=1", "optim.lr"),
        ("optim.lr.x=1", "optim.lr"),
        ("+trainer.new=1", "trainer.new"),
        ("optim.lr=fast", "optim.lr"),
        ("seed=1.5", "seed"),
        ("optim.lr=-1", "more than 0"),
        ("optim.lr=nan", "more than 0"),
        ("optim.lr=inf", "out of range"),
        ("presets.fast.retrieval=2", "from 0 to 1"),
        ("trainer.accelerator=cp", "did you mean cpu"),
        ("model=smal", "did you mean small"),
        ("model=5", "choose from"),
        ("experiment=none", "choose from"),
        ("dataset=folder", "dataset.path"),
        ("~optim", "cannot be removed"),
        ("nonsense", "KEY=VALUE"),
        ("audio.output_n_fft=767", "even, and 480 or more"),
        ("audio.output_n_fft=478", "even, and 480 or more"),
        ("pretrain.n_conversions=13", "from 0 to pretrain.batch_size"),
        ("pretrain.n_conversions=-1", "from 0 to pretrain.batch_size"),
        ("presets.slow.retrieval=0.1", "presets.slow"),
    ],
)
def test_a_wrong_key_type_or_value_is_one_clear_sentence(override, words):
    with pytest.raises(ConfigError) as caught:
        compose([override])
    assert words in caught.value.sentence
    assert "\n" not in caught.value.sentence


def test_overrides_without_hydra_take_numbers_as_hydra_does() -> None:
    changed = overridden(compose(), ["serve.audio_s_per_day=1e9", "serve.sync_s=5"])
    assert (changed.serve.audio_s_per_day, changed.serve.sync_s) == (1e9, 5.0)
    for wrong in ("serve.sync_s=soon", "serve.sync_s=true", "serve.queue=1.5"):
        with pytest.raises(ConfigError, match="give a value of that type"):
            overridden(compose(), [wrong])
