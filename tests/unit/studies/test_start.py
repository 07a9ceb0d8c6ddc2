"""Where variants of a study begin: what a generator that differs in a part takes over from the weights of another."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from autovoice.config import AudioConfig, Config, ContentConfig, ModelConfig, compose, varied
from autovoice.models.discriminator import Discriminators
from autovoice.models.generator import Generator
from autovoice.studies.start import begin, fitted, narrowed, places
from autovoice.training.module import GeneratorTraining, save_weights
from autovoice.training.pretrain import build_module, schedule_of
from autovoice.weights import model_metadata

AUDIO, CONTENT = AudioConfig(), ContentConfig(dim=24)
MODEL = ModelConfig("tiny", dim=16, n_content_blocks=2, n_blocks=3, bottleneck=8, n_heads=2)
N = 20  # frames of 10 ms


def generator(seed: int, model: ModelConfig = MODEL) -> Generator:
    """Random weights everywhere, those that begin as nothing among them."""
    torch.manual_seed(seed)
    made = Generator(model, AUDIO, CONTENT).eval()
    with torch.no_grad():
        for weight in made.parameters():
            weight.add_(0.05 * torch.randn_like(weight))
    return made


def contents(rank: int = 24) -> Tensor:
    """Features (300, 24) that vary along `rank` directions alone, about a mean that is not nothing."""
    torch.manual_seed(7)
    return torch.randn(300, rank) @ torch.randn(rank, 24) + 0.5


def begun(model: ModelConfig, hears: Tensor) -> tuple[Generator, Generator]:
    """(the old generator, that of `model` which begins with its weights)."""
    old, new = generator(0), generator(1, model)
    new.load_state_dict(fitted(old.state_dict(), new.state_dict(), lambda: hears).state)
    return old, new


@torch.no_grad()
def spoken(speaker: Generator, hears: Tensor) -> Tensor:
    """What it says of the first frames, with the last ones as its reference."""
    torch.manual_seed(3)
    excitation, noise = torch.randn(2, 1, N * AUDIO.output_hop)
    f0, loudness = torch.full((1, N), 150.0), torch.zeros(1, N)
    voice = (torch.randn(1, 256), hears[None, -6:], torch.randn(1, 6, 80))
    return speaker(hears[None, : N // 2], f0, loudness, excitation, noise, *voice)


def test_blocks_that_stay_are_spread_over_the_stack() -> None:
    assert [places(8, n) for n in (1, 3, 8, 9)] == [[4], [1, 4, 6], list(range(8)), list(range(8))]
    old, new = begun(replace(MODEL, n_content_blocks=1, n_blocks=2), contents())
    for kept, of in ((new.blocks[0], old.blocks[0]), (new.blocks[1], old.blocks[2])):
        assert torch.equal(kept.up.weight, of.up.weight)
    assert torch.equal(new.content_blocks[0].ada.bias, old.content_blocks[1].ada.bias)


def test_a_broader_bottleneck_says_at_first_what_the_old_one_said() -> None:
    old, new = begun(replace(MODEL, bottleneck=12), contents())
    assert torch.allclose(spoken(old, contents()), spoken(new, contents()), atol=1e-5)


def test_a_narrower_bottleneck_loses_only_what_it_has_no_room_for() -> None:
    exact, lossy = ((contents(rank), begun(replace(MODEL, bottleneck=5), contents(rank))) for rank in (5, 24))
    error = {}
    for name, (hears, (old, new)) in {"exact": exact, "lossy": lossy}.items():
        said = spoken(old, hears)
        error[name] = float((spoken(new, hears) - said).norm() / said.norm())
    assert error["exact"] < 1e-3 < 1e-2 < error["lossy"]


def test_a_narrower_bottleneck_keeps_more_than_its_first_rows_would() -> None:
    state, hears = generator(0).state_dict(), contents()
    new = narrowed(state, 5, hears)
    read = hears @ state["bottleneck.weight"].T + state["bottleneck.bias"]
    kept = hears @ new["bottleneck.weight"].T + new["bottleneck.bias"]
    assert float(kept.var(0).sum()) > float(read[:, :5].var(0).sum())


def test_what_fits_nothing_begins_anew_and_is_named() -> None:
    old = generator(0).state_dict()
    start = fitted(old, generator(1, replace(MODEL, n_heads=0, n_blocks=2)).state_dict(), contents)
    assert start.sentence == "is left out: reference, blocks.1"
    start = fitted(old, generator(1, replace(MODEL, n_blocks=4)).state_dict(), contents)
    assert start.sentence == "begins anew: blocks.3"
    start = fitted(old, generator(1, replace(MODEL, bottleneck=4)).state_dict(), contents)
    assert start.sentence == "is resized: bottleneck"
    assert fitted(old, generator(1).state_dict(), contents).sentence == "all weights are loaded"


@pytest.fixture
def base(tmp_path: Path) -> Config:
    """A configuration that goes on from weights of MODEL's shape, beside features/ of one recording."""
    (tmp_path / "features").mkdir()
    save_file({"content": torch.randn(100, 512).half()}, tmp_path / "features/a.safetensors")
    sizes = ("dim=16", "n_content_blocks=2", "n_blocks=3", "bottleneck=8", "n_heads=2")
    cfg = varied(compose(), [f"model.{size}" for size in sizes])
    torch.manual_seed(5)
    judges = Discriminators.at_rate(cfg.audio.output_rate)
    module = GeneratorTraining(
        Generator(cfg.model, cfg.audio, cfg.content), judges, schedule_of(cfg.pretrain), cfg.audio
    )
    save_weights(module, tmp_path / "init.safetensors", model_metadata(cfg.model, cfg.audio))
    return varied(cfg, [f"pretrain.init={tmp_path / 'init.safetensors'}"])


@pytest.mark.parametrize("change", ["model.bottleneck=4", "model.n_heads=0", "model.n_blocks=1", "seed=0"])
def test_training_loads_a_start_whole_and_refuses_the_weights_that_it_was_made_of(
    base: Config, tmp_path: Path, change: str
) -> None:
    cfg, said = varied(base, [change]), list[str]()
    begin(cfg, [tmp_path / "features/a.safetensors"], tmp_path / "start.safetensors", said.append)
    module = build_module(varied(cfg, [f"pretrain.init={tmp_path / 'start.safetensors'}"]))
    old = load_file(tmp_path / "init.safetensors")
    for name, value in module.discriminators.state_dict().items():
        assert torch.equal(value, old[f"discriminators.{name}"].float())
    assert torch.equal(module.generator.spk[0].weight, old["generator.spk.0.weight"].float())
    assert said[0].startswith("from init.safetensors: ")
    if change != "seed=0":
        with pytest.raises(RuntimeError, match="load"):
            build_module(cfg)


def test_a_head_of_other_frames_is_named(base: Config, tmp_path: Path) -> None:
    cfg, said = varied(base, ["audio.output_n_fft=512"]), list[str]()
    begin(cfg, [tmp_path / "features/a.safetensors"], tmp_path / "start.safetensors", said.append)
    assert said == [
        "from init.safetensors: all weights are loaded; filters are made of those for 768 points at 24000 Hz"
    ]


@pytest.mark.parametrize(("max_steps", "decay"), [(1, 0.0), (400, 0.975), (5000, 0.998), (36000, 0.998)])
def test_the_running_average_of_a_short_training_lets_go_of_its_start(max_steps: int, decay: float) -> None:
    assert schedule_of(compose([f"pretrain.max_steps={max_steps}"]).pretrain).ema_decay == pytest.approx(decay)
    assert decay ** (max_steps / 2) < 0.01
