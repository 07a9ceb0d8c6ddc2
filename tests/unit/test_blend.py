"""Blends: what is between two voices, and what is refused."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from autovoice.blend import blend, mean_weights, parse_blend, reference_plan
from autovoice.config import AudioConfig
from autovoice.errors import DataError
from autovoice.provenance import provenance_of, provenance_of_several
from autovoice.voice import VoiceProfile
from autovoice.weights import BASE_GENERATOR, load_generator_state, model_metadata


def voice_of(name: str, f0_hz: float, n_frames: int = 400, consent: str = "yes", seed: int = 0) -> VoiceProfile:
    """A voice whose reference frames all hold its own number."""
    emb = np.abs(np.random.default_rng(seed).standard_normal(256)).astype(np.float32)
    content, mel = (np.full((n_frames, n), float(seed), np.float32) for n in (4, 3))
    facts = (f0_hz, 0.8 * f0_hz, 1.5 * f0_hz, 20.0, 0.9, 40.0, "good")
    voice = VoiceProfile(name, emb / np.linalg.norm(emb), content, mel, *facts, consent=consent)
    return replace(voice, band_hz=8000.0 + 1000 * seed)


@pytest.mark.parametrize(
    ("text", "weights"),
    [
        ("ada", {"ada": 1.0}),
        ("ada:0.7,june:0.3", {"ada": 0.7, "june": 0.3}),
        (" ada : 3 , Zoë O'Neil : 1 ", {"ada": 0.75, "Zoë O'Neil": 0.25}),
        ("ada:1,june:0", {"ada": 1.0}),
    ],
)
def test_a_blend_names_voices_with_weights_of_sum_1(text: str, weights: dict[str, float]) -> None:
    assert parse_blend(text) == pytest.approx(weights)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ada:x,june:1", "'x' is not a weight"),
        ("ada,june", "'' is not a weight"),
        ("ada:nan,june:1", "not a number from 0"),
        ("ada:-1,june:2", "not a number from 0"),
        ("ada:0,june:0", "sum to 0"),
        ("ada:1,ada:1", "names the voice ada twice"),
        (",".join(f"v{i}:1" for i in range(9)), "blends 9 voices"),
    ],
)
def test_what_is_no_blend_is_one_sentence(text: str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        parse_blend(text)


def test_a_blend_lies_between_its_voices() -> None:
    low, high = voice_of("low", 100.0, seed=1), voice_of("high", 200.0, seed=2)
    both = blend([low, high], [0.5, 0.5])
    assert np.linalg.norm(both.spk_emb) == pytest.approx(1, abs=1e-5)
    assert both.spk_emb @ low.spk_emb == pytest.approx(both.spk_emb @ high.spk_emb, abs=1e-5)
    assert both.f0_median_hz == pytest.approx(np.sqrt(100.0 * 200.0))
    assert (both.band_hz, both.adapted) == (9000.0, None)
    nearer = blend([low, high], [0.8, 0.2])
    assert nearer.spk_emb @ low.spk_emb > nearer.spk_emb @ high.spk_emb
    assert nearer.f0_median_hz == pytest.approx(100 * 2**0.2)
    assert nearer.name == "low:0.8,high:0.2"


def test_any_beginning_of_the_reference_is_in_proportion() -> None:
    voice = blend([voice_of("a", 100, 5000, seed=1), voice_of("b", 100, 5000, seed=2)], [0.7, 0.3])
    assert np.array_equal(voice.ref_content[:, 0], voice.ref_mel[:, 0])
    assert len(voice.ref_content) == 6000
    for n in (200, 600, 6000):  # 4, 12 and 120 s
        share = float((voice.ref_content[:n, 0] == 1).mean())
        assert share == pytest.approx(0.7, abs=50 / n)


def test_the_reference_ends_with_the_voice_that_is_due_and_takes_each_frame_once() -> None:
    plan = reference_plan([120, 1000], [0.5, 0.5])
    own = [(a, b) for i, a, b in plan if i == 0]
    assert own == [(0, 50), (50, 100), (100, 120)]
    assert sum(b - a for i, a, b in plan if i == 1) == pytest.approx(120, abs=50)


def test_a_blend_stands_on_the_consent_of_all() -> None:
    a, b, silent = voice_of("a", 100, seed=1), voice_of("b", 100, seed=2), voice_of("c", 100, consent="", seed=3)
    both = blend([a, b], [0.5, 0.5])
    assert both.parts == {"a": a.consent_id, "b": b.consent_id}
    assert both.consent_id
    assert both.consent_id == blend([b, a], [0.1, 0.9]).consent_id
    assert both.consent_id != blend([a, replace(b, consent="no longer")], [0.5, 0.5]).consent_id
    assert blend([a, silent], [0.5, 0.5]).consent_id == ""
    record = provenance_of(both, BASE_GENERATOR, "balanced", True)
    assert (record.facts()["parts"], record.consent_id) == (both.parts, both.consent_id)
    assert "parts" not in provenance_of(a, BASE_GENERATOR, "balanced", True).facts()


def test_several_voices_in_one_result_are_all_on_record() -> None:
    a, b = voice_of("a", 100, seed=1), voice_of("b", 100, seed=2)
    one = provenance_of_several({"S2": a}, BASE_GENERATOR, "balanced", True)
    assert (one.voice, one.consent_id) == ("S2=a", a.consent_id)
    both = provenance_of_several({"S1": a, "S2": b}, BASE_GENERATOR, "balanced", True)
    assert both.voice == "S1=a S2=b"
    assert both.parts == {"a": a.consent_id, "b": b.consent_id}
    assert both.consent_id == blend([a, b], [0.5, 0.5]).consent_id


def adapted(path: Path, noise: float, seed: int) -> Path:
    """The base with each weight a little elsewhere, as after an adaptation; noise: relative."""
    model, state = load_generator_state(BASE_GENERATOR, AudioConfig())
    rng = torch.Generator().manual_seed(seed)
    moved = {k: v + noise * v.std().nan_to_num() * torch.randn(v.shape, generator=rng) for k, v in state.items()}
    save_file({f"generator.{k}": v.half() for k, v in moved.items()}, path, model_metadata(model, AudioConfig()))
    return path


def test_adapted_weights_are_averaged(tmp_path: Path) -> None:
    files = [adapted(tmp_path / f"{seed}.safetensors", 0.05, seed) for seed in (1, 2)]
    path = mean_weights(files, [0.75, 0.25])
    assert path is not None
    assert path == mean_weights(files, [0.75, 0.25])
    (model, state), one, two = (load_generator_state(file, AudioConfig()) for file in (path, *files))
    assert model == one[0]
    for name, value in state.items():
        torch.testing.assert_close(value, 0.75 * one[1][name] + 0.25 * two[1][name], atol=2e-3, rtol=1e-3)
    before = path.read_bytes()
    path.unlink()
    again = mean_weights(files, [0.75, 0.25])
    assert again is not None
    assert again.read_bytes() == before


def test_without_common_ground_the_base_speaks(tmp_path: Path) -> None:
    near, far = adapted(tmp_path / "near.safetensors", 0.05, 1), adapted(tmp_path / "far.safetensors", 2.0, 2)
    assert mean_weights([near, None], [0.5, 0.5]) is None
    assert mean_weights([near, far], [0.5, 0.5]) is None
