"""The stream is the whole: frame by frame gives what all at once gives, later by the lag."""

from pathlib import Path

import numpy as np
import pytest
import torch

from autovoice.audio.excitation import harmonic_excitation
from autovoice.audio.mel import AFTER, BEFORE
from autovoice.config import ModelConfig
from autovoice.errors import AssetError
from autovoice.models.stream import GeneratorStep
from autovoice.models.torch_networks import TorchSteps, hear
from autovoice.networks import Filters
from autovoice.synthesis import LiveSynthesis, synthesise
from tests.tiny_networks import AUDIO, CONTENT, random_target, tiny_generator, tiny_networks


def frames(n: int, seed: int = 0) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    content = rng.standard_normal((n, CONTENT.dim), np.float32)
    return content, np.full(2 * n, 240.0, np.float32), np.zeros(2 * n, np.float32)


def test_a_steady_tone_streamed_is_the_tone_made_at_once(tmp_path: Path) -> None:
    networks, target = tiny_networks(tmp_path), random_target()
    content, f0, loudness = frames(30)
    steps, synthesis = networks.steps(target), LiveSynthesis(AUDIO)
    synthesis._more_noise = lambda count: np.zeros(count, np.float32)  # type: ignore[method-assign]
    synthesis.noise[:] = 0
    parts = []
    for i in range(30):
        two = slice(2 * i, 2 * i + 2)
        filters = steps.filters(content[i : i + 1], f0[two], loudness[two])
        parts.append(synthesis.push(filters, f0[two], f0[two]))
    streamed = np.concatenate(parts)
    excitation = harmonic_excitation(f0, f0 > 0, AUDIO.output_hop, AUDIO.output_rate)[None]
    made = networks.generate(content[None], f0[None], loudness[None], [target])
    whole = synthesise(made, excitation, np.zeros_like(excitation), AUDIO)[0]
    offset = AUDIO.output_n_fft // 2  # the window of frame 0 reaches so far before its centre
    inner = slice(4 * AUDIO.output_hop, len(streamed) - offset - 4 * AUDIO.output_hop)
    difference = streamed[offset:][inner] - whole[inner]
    assert np.square(difference).mean() < 1e-6 * np.square(whole[inner]).mean()


@pytest.mark.parametrize(("n_heads", "causal"), [(2, True), (0, True), (2, False)])
def test_filters_and_fft_are_the_generator_that_was_trained(n_heads: int, causal: bool) -> None:
    generator, target = tiny_generator(0, ModelConfig("t", 32, 2, 2, 8, n_heads, causal)), random_target()
    content, f0, loudness = frames(20)
    f0[:12] = np.linspace(100, 300, 12)
    f0[20:25] = 0
    noise = 0.1 * np.random.default_rng(0).standard_normal(40 * AUDIO.output_hop, np.float32)[None]
    excitation = harmonic_excitation(np.maximum(f0, 100), f0 > 0, AUDIO.output_hop, AUDIO.output_rate)[None]
    step = GeneratorStep(generator)
    tensors = [torch.from_numpy(x)[None] for x in (content, f0, loudness)]
    voice = [torch.from_numpy(x)[None] for x in (target.spk_emb, target.ref_content, target.ref_mel)]
    whole = generator(*tensors, *map(torch.from_numpy, (excitation, noise)), *voice).numpy()
    made = step(*tensors, step.no_past(1), *hear(generator, target))[:3]
    wav = synthesise(Filters(*(part.numpy() for part in made)), excitation, noise, AUDIO)
    assert np.abs(wav - whole).max() < 1e-4 * np.abs(whole).max()


def test_a_step_of_many_frames_is_many_steps_of_one(tmp_path: Path) -> None:
    networks = tiny_networks(tmp_path)
    content, f0, loudness = frames(8)
    at_once = networks.steps(random_target()).filters(content, f0, loudness)
    steps, parts = networks.steps(random_target()), []
    for i in range(8):
        parts.append(steps.filters(content[i : i + 1], *(x[2 * i : 2 * i + 2] for x in (f0, loudness))))
    for whole, joined in zip(at_once, zip(*parts, strict=True), strict=True):
        assert np.allclose(whole, np.concatenate(joined, 1), atol=1e-5)


def test_only_a_causal_generator_streams(tmp_path: Path) -> None:
    networks = tiny_networks(tmp_path, ModelConfig("t", 32, 1, 1, 8, 2, causal=False))
    with pytest.raises(AssetError, match="not causal"):
        networks.steps(random_target())


def test_the_student_frame_by_frame_is_the_student_at_once(tmp_path: Path) -> None:
    networks = tiny_networks(tmp_path)
    wav = np.random.default_rng(0).standard_normal(320 * 30, np.float32) * np.float32(0.05)
    whole = networks.content(wav[None], "student")[0]
    padded, steps = np.pad(wav, (BEFORE, AFTER)), networks.steps(random_target())
    assert isinstance(steps, TorchSteps)
    parts = [steps.content(padded[320 * i : 320 * i + BEFORE + AFTER]) for i in range(30)]
    assert np.allclose(np.concatenate(parts), whole, atol=1e-4)
