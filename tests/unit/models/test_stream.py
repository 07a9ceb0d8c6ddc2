"""The stream is the whole: frame by frame gives what all at once gives, later by the lag."""

import pytest
import torch

from autovoice.config import AudioConfig, ContentConfig, ModelConfig
from autovoice.models.excitation import harmonic_excitation
from autovoice.models.generator import Generator
from autovoice.models.stream import GeneratorStream, StudentStream, pulse
from autovoice.models.student import AFTER, BEFORE, StudentEncoder

AUDIO = AudioConfig(output_rate=24000)
TINY = ModelConfig("tiny", dim=32, n_content_blocks=2, n_blocks=2, bottleneck=8, n_heads=2, causal=True)


def voice(seed: int = 0) -> tuple[torch.Tensor, ...]:
    random = torch.Generator().manual_seed(seed)
    shapes = ((256,), (40, 512), (40, 80))
    return tuple(torch.randn(*shape, generator=random) for shape in shapes)


def generator() -> Generator:
    torch.manual_seed(0)
    made = Generator(TINY, AUDIO, ContentConfig()).eval()
    torch.nn.init.normal_(made.head.phase.weight, std=0.02)
    torch.nn.init.constant_(made.head.envelopes.bias, -3.0)  # about as loud as speech
    torch.nn.init.normal_(made.reference.merge.weight, std=0.1)
    return made


def test_a_steady_tone_streamed_is_the_tone_made_at_once() -> None:
    made, (spk_emb, ref_content, ref_mel) = generator(), voice()
    n = 60
    content, loudness = torch.randn(n // 2, 512), torch.zeros(n)
    f0 = torch.full((n,), 240.0)
    stream = GeneratorStream(made, AUDIO.output_rate, spk_emb, ref_content, ref_mel)
    stream._more_noise = lambda count: torch.zeros(count)  # type: ignore[method-assign]
    stream.noise.zero_()
    parts = [
        stream.step(content[i : i + 1], *(x[2 * i : 2 * i + 2] for x in (f0, f0, loudness))) for i in range(n // 2)
    ]
    streamed = torch.cat(parts)
    excitation = harmonic_excitation(f0[None], torch.ones(1, n, dtype=torch.bool), AUDIO.output_hop, AUDIO.output_rate)
    with torch.no_grad():
        whole = made(
            content[None], f0[None], loudness[None], excitation, torch.zeros_like(excitation), spk_emb[None],
            ref_content[None], ref_mel[None],
        )[0]  # fmt: skip
    offset = AUDIO.output_n_fft // 2  # the window of frame 0 reaches so far before its centre
    inner = slice(4 * AUDIO.output_hop, len(streamed) - offset - 4 * AUDIO.output_hop)
    difference = streamed[offset:][inner] - whole[inner]
    assert difference.square().mean() < 1e-6 * whole[inner].square().mean()


def test_a_step_of_many_frames_is_many_steps_of_one() -> None:
    made, reference = generator(), voice()
    content, f0, loudness = torch.randn(8, 512), torch.linspace(150, 300, 16), torch.zeros(16)
    at_once = GeneratorStream(made, AUDIO.output_rate, *reference).step(content, f0, f0, loudness)
    stream = GeneratorStream(made, AUDIO.output_rate, *reference)
    parts = [stream.step(content[i : i + 1], *(x[2 * i : 2 * i + 2] for x in (f0, f0, loudness))) for i in range(8)]
    assert torch.allclose(at_once, torch.cat(parts), atol=1e-5)


def test_only_a_causal_generator_streams() -> None:
    other = Generator(ModelConfig("t", 32, 1, 1, 8, 2, causal=False), AUDIO, ContentConfig())
    with pytest.raises(ValueError, match="causal"):
        GeneratorStream(other, AUDIO.output_rate, *voice())


def test_a_pulse_is_the_excitation_of_the_whole() -> None:
    f0 = torch.full((1, 20), 200.0)
    whole = harmonic_excitation(f0, f0 > 0, AUDIO.output_hop, AUDIO.output_rate)[0]
    cycles = (torch.arange(len(whole), dtype=torch.float64) * 200 / AUDIO.output_rate) % 1
    assert torch.allclose(pulse(cycles.float(), torch.full_like(whole, 200.0), AUDIO.output_rate), whole, atol=1e-3)


def test_the_student_frame_by_frame_is_the_student_at_once() -> None:
    torch.manual_seed(0)
    student = StudentEncoder(dim=16, n_blocks=3, out_dim=8).eval()
    wav = torch.randn(320 * 30 + 160) * 0.05
    with torch.no_grad():
        whole = student(wav[None])[0]
    padded, stream = torch.nn.functional.pad(wav, (BEFORE, AFTER)), StudentStream(student)
    parts = [stream.step(padded[320 * i : 320 * i + BEFORE + AFTER]) for i in range(30)]
    assert torch.allclose(torch.cat(parts), whole, atol=1e-4)
