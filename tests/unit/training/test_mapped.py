"""Content as mapping moves it: the map is inference's, goes by way of another voice, and reaches conversions and their loss."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from autovoice.config import AudioConfig
from autovoice.errors import ConfigError
from autovoice.mapping import content_map
from autovoice.training.conversion import ConversionLoss, with_conversions
from autovoice.training.flat import Item
from autovoice.training.mapped import LEAST_ALONG, MAPPED, add_mapped, map_step, there_and_back
from autovoice.training.pretrain import pretrain
from tests.tiny_pretraining import RECORDINGS, configuration, write_features

DIM = 12


def item(n: int, seed: int, voiced: bool = True) -> Item:
    generator = torch.Generator().manual_seed(seed)
    content = torch.randn(n, DIM, generator=generator).half()
    return {"content": content, "f0": torch.full((2 * n,), 120.0 if voiced else 0.0)}


@pytest.mark.parametrize("n", [5, 60])
def test_a_step_of_training_is_inferences_map(n: int) -> None:
    content, reference = item(n, 0)["content"].float(), item(40, 1)["content"].float()
    voiced = torch.arange(n) % 3 > 0
    wanted = content.numpy() @ content_map(content.numpy(), reference.numpy(), voiced.numpy())
    np.testing.assert_allclose(map_step(content, reference, voiced).numpy(), wanted, atol=1e-4)


def test_there_and_back_goes_by_way_of_the_other_voice() -> None:
    own, rng = item(51, 0), np.random.default_rng
    back = there_and_back(own, item(40, 1), rng(0))
    assert (back.shape, back.dtype) == ((51, DIM), torch.float16)
    assert torch.equal(back, there_and_back(own, item(40, 1), rng(0)))
    for other in (there_and_back(own, item(40, 2), rng(0)), there_and_back(own, item(40, 1), rng(1)), own["content"]):
        assert not torch.equal(back, other)


def test_a_half_comes_back_to_the_other_half_alone() -> None:
    own, other = item(40, 0), item(30, 1)
    changed = own | {"content": torch.cat([own["content"][:20], own["content"][20:] + 3])}
    before, after = (there_and_back(x, other, np.random.default_rng(0))[:20].float() for x in (own, changed))
    assert (after - before).mean() > 0.02  # towards a second half that has moved up


def test_each_item_goes_to_a_voice_that_is_not_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    groups, seen = [[item(10, 0), item(12, 1)], [item(9, 2)], [item(11, 3)]], []
    monkeypatch.setattr("autovoice.training.mapped.there_and_back", lambda one, other, rng: seen.append((one, other)))
    add_mapped(groups, 0)
    of = {id(one["content"]): number for number, group in enumerate(groups) for one in group}
    assert len(seen) == 4
    assert all(of[id(one["content"])] != of[id(other["content"])] for one, other in seen)
    assert all(MAPPED in one for group in groups for one in group)


def batch() -> dict[str, Tensor]:
    torch.manual_seed(0)
    frames = {"f0": torch.full((3, 40), 120.0), "f0_filled": torch.full((3, 40), 120.0), "loudness": torch.zeros(3, 40)}
    said, voice = torch.randn(3, 20, DIM), {"spk_emb": torch.eye(3), "ref_mel": torch.zeros(3, 30, 4)}
    return {"content": said + 1, "said": said, "ref_content": torch.randn(3, 30, DIM)} | frames | voice


def test_conversions_hear_what_was_said_on_its_way_to_the_neighbour() -> None:
    given = batch()
    made = with_conversions(given, 2, mapping=True)
    assert torch.equal(made["content"][:3], given["content"])
    assert torch.equal(made["said"][3:], given["said"][:2])
    for i in (0, 1):
        whole = map_step(given["said"][i], given["ref_content"][i + 1], torch.ones(20, dtype=torch.bool))
        gone = made["content"][3 + i] - given["said"][i]
        amount = float((gone * whole).sum() / whole.square().sum())
        assert LEAST_ALONG <= amount <= 1
        torch.testing.assert_close(gone, amount * whole, atol=1e-4, rtol=1e-3)
    torch.manual_seed(1)
    whole = with_conversions(given, 2, mapping=True)["content"]
    torch.manual_seed(1)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(with_conversions(given, 2, mapping=True)["content"], whole)
    plain = with_conversions(given, 2)
    assert torch.equal(plain["content"][3:], given["content"][:2])


class Says(nn.Module):
    """A content encoder that hears the same whatever is spoken."""

    def __init__(self, content: Tensor) -> None:
        super().__init__()
        self.content = content

    def forward(self, wav: Tensor) -> Tensor:
        return self.content


def test_words_are_those_that_were_said_not_those_that_the_generator_heard() -> None:
    given, wav = batch(), torch.randn(3, 24000) * 0.1
    inputs = {name: given[name] for name in ("content", "said", "f0")} | {"spk_emb": torch.randn(3, 256)}
    _, heard_all = ConversionLoss(Says(given["said"]), AudioConfig(), 1.0)(wav, inputs)
    _, heard_none = ConversionLoss(Says(given["said"].flip(1)), AudioConfig(), 1.0)(wav, inputs)
    assert float(heard_all["content"]) == pytest.approx(0, abs=1e-5)
    assert float(heard_none["content"]) > 0.5


def test_pretraining_hears_mapped_content_in_mixed_precision_too(tmp_path: Path) -> None:
    write_features(tmp_path)
    settings = ("pretrain.perturb=1", "pretrain.n_conversions=1", "pretrain.precision=bf16-mixed")
    weights = []
    for mapping in ("true", "false"):
        cfg = configuration(tmp_path, *settings, f"pretrain.mapping={mapping}")
        weights.append(load_file(pretrain(cfg, RECORDINGS)))
        (tmp_path / "checkpoints" / "last.ckpt").unlink()
    mapped, plain = weights
    assert all(torch.isfinite(value).all() for value in mapped.values())
    assert any(not torch.equal(mapped[name], plain[name]) for name in mapped)


def test_a_single_voice_has_nowhere_to_map_to(tmp_path: Path) -> None:
    write_features(tmp_path)
    with pytest.raises(ConfigError, match="one voice alone"):
        pretrain(configuration(tmp_path, "pretrain.mapping=true"), [r for r in RECORDINGS if r.speaker == "voice 0"])
