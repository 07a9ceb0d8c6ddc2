"""The networks: shapes, pitch by construction, identity at the start, and real encoders of tiny size."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from autovoice.audio.excitation import fill_unvoiced, frame_phase
from autovoice.audio.f0 import extract_f0
from autovoice.audio.resample import resample
from autovoice.config import AudioConfig, ContentConfig, ModelConfig
from autovoice.errors import AssetError, ConfigError
from autovoice.models.content import HubEncoder, encode, instance_norm, load_content_encoder
from autovoice.models.discriminator import Discriminators
from autovoice.models.excitation import harmonic_excitation
from autovoice.models.generator import Generator
from autovoice.models.torch_networks import load_generator
from autovoice.models.whisper import WhisperEncoder
from autovoice.torchaudio_compat import torchaudio
from autovoice.training.module import load_weights
from autovoice.weights import BASE_GENERATOR, model_metadata

HOP, RATE = AudioConfig().output_hop, AudioConfig().output_rate
TINY = ModelConfig("tiny", dim=32, n_content_blocks=1, n_blocks=1, bottleneck=8, n_heads=2)


def inputs(batch: int, n_frames: int, f0_hz: float = 200.0) -> tuple[Tensor, ...]:
    f0 = torch.full((batch, n_frames), f0_hz)
    excitation = harmonic_excitation(f0, f0 > 0, HOP, RATE)
    noise = 0.1 * torch.randn(batch, n_frames * HOP)
    content, reference = torch.randn(batch, n_frames // 2, 512), torch.randn(batch, 50, 512)
    voice = (torch.randn(batch, 256), reference, torch.randn(batch, 50, 80))
    return (content, f0, torch.zeros(batch, n_frames), excitation, noise, *voice)


@pytest.mark.parametrize("n_frames", [8, 10, 128])
def test_generator_makes_a_hop_of_samples_a_frame(n_frames: int) -> None:
    wav = Generator(TINY, AudioConfig(), ContentConfig()).eval()(*inputs(2, n_frames))
    assert wav.shape == (2, n_frames * HOP)
    assert torch.isfinite(wav).all()


def test_generated_pitch_is_the_pitch_that_was_asked_for() -> None:
    torch.manual_seed(0)
    generator = Generator(TINY, AudioConfig(), ContentConfig()).eval()
    wav = resample(generator(*inputs(1, 200, 330.0))[0].detach().numpy(), RATE, 16000)
    f0 = extract_f0(wav, 160, 200)[20:180]
    assert np.median(np.abs(f0 / 330.0 - 1)) < 0.02


def test_every_input_reaches_the_output() -> None:
    torch.manual_seed(0)
    generator = Generator(TINY, AudioConfig(), ContentConfig()).eval()
    for parameter in generator.parameters():  # zero-initialised layers would hide an input
        torch.nn.init.normal_(parameter, std=0.1)
    args = [x.clone().requires_grad_() if i != 1 else x for i, x in enumerate(inputs(1, 20))]
    generator(*args).square().sum().backward()
    for i, x in enumerate(args):
        assert i == 1 or (x.grad is not None and x.grad.abs().sum() > 0), i


def test_excitation_cut_anywhere_continues_in_phase() -> None:
    rng = np.random.default_rng(0)
    f0 = (200 + np.cumsum(rng.normal(0, 2, 100))).astype(np.float32)
    phase = frame_phase(f0, HOP, RATE)
    whole = harmonic_excitation(torch.from_numpy(f0)[None], torch.ones(1, 100, dtype=torch.bool), HOP, RATE)
    start = torch.from_numpy(phase[40:41])
    part = harmonic_excitation(torch.from_numpy(f0[40:])[None], torch.ones(1, 60, dtype=torch.bool), HOP, RATE, start)
    assert (whole[:, 40 * HOP :] - part).abs().max() < 1e-3


def test_excitation_is_silent_where_nothing_is_voiced() -> None:
    f0 = torch.full((1, 50), 150.0)
    assert harmonic_excitation(f0, torch.zeros(1, 50, dtype=torch.bool), HOP, RATE).abs().max() == 0


def test_unvoiced_frames_take_the_nearest_pitch() -> None:
    filled = fill_unvoiced(np.array([0, 0, 100, 0, 0, 0, 200, 0], np.float32))
    assert filled.tolist() == [100, 100, 100, 100, 100, 200, 200, 200]
    assert (fill_unvoiced(np.zeros(4, np.float32)) > 0).all()


def test_shipped_content_encoder_gives_fifty_frames_a_second() -> None:
    encoder = load_content_encoder(ContentConfig())
    content = encode(encoder, torch.randn(1, 2 * 16000) * 0.05)
    assert content.shape == (1, 100, 512)
    assert content.mean(1).abs().max() < 1e-4
    assert not any(p.requires_grad for p in encoder.parameters())


def test_content_beyond_thirty_seconds_is_encoded_in_windows() -> None:
    encoder = WhisperEncoder(dim=16, n_heads=2, n_layers=1).eval()
    assert encode(encoder, torch.randn(1, 65 * 16000) * 0.05).shape == (1, 65 * 50, 16)


def test_hub_encoder_of_the_real_architecture_fits_the_interface() -> None:
    model = torchaudio.models.wav2vec2_model(
        "group_norm", [(16, 10, 5), *[(16, 3, 2)] * 4, *[(16, 2, 2)] * 2], False, 32, 0.0, 8, 2, 2, 2, 0.0, 64, 0.0, 0.0,
        False, 0.0, None,
    )  # fmt: skip
    assert encode(HubEncoder(model.eval(), 1), torch.randn(2, 16000)).shape == (2, 50, 32)


@pytest.mark.parametrize(
    ("cfg", "message"), [(ContentConfig("nothing"), "nothing"), (ContentConfig(layer=9), "layer 3")]
)
def test_an_unknown_encoder_or_layer_is_named(cfg: ContentConfig, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_content_encoder(cfg)


def test_a_generator_of_content_of_another_width_is_refused() -> None:
    with pytest.raises(AssetError, match=r"content\.dim=768"):
        load_generator(BASE_GENERATOR, AudioConfig(), ContentConfig(dim=768))


@pytest.mark.parametrize(
    ("made_for", "message"),
    [
        (AudioConfig(output_n_fft=1536), "24000 Hz in frames of 1536 samples, not at 24000 Hz in frames of 768"),
        (AudioConfig(output_rate=16000, output_n_fft=512), "16000 Hz in frames of 512 samples, not at 24000 Hz"),
    ],
)
def test_a_generator_of_other_frames_or_another_rate_is_refused(
    made_for: AudioConfig, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "weights.safetensors"
    save_file({"generator.spk.0.bias": torch.zeros(256)}, path, model_metadata(ModelConfig(), made_for))
    with pytest.raises(AssetError, match=f"{message}.*adapt the voice again"):
        load_generator(path, AudioConfig(), ContentConfig())


def test_instance_norm_removes_mean_and_scale() -> None:
    x = 3 + 5 * torch.randn(1, 400, 8)
    assert instance_norm(x).std(1).sub(1).abs().max() < 0.01


def test_only_discriminators_that_were_trained_are_kept(tmp_path: Path) -> None:
    old = Discriminators((256, 512), 4, ())
    save_file({f"discriminators.{name}": v for name, v in old.state_dict().items()}, tmp_path / "old.safetensors")
    assert len(Discriminators((256, 512), 4, (2, 3)).only_those_in(tmp_path / "old.safetensors").each) == 2


def test_a_base_without_discriminators_or_with_half_of_one_is_refused(tmp_path: Path) -> None:
    judges, path = Discriminators((256,), 4, ()), tmp_path / "w.safetensors"
    whole = {f"discriminators.{name}": v for name, v in judges.state_dict().items()}
    save_file({"generator.x": torch.zeros(1)}, path)
    with pytest.raises(AssetError, match="holds no discriminators"):
        judges.only_those_in(path)
    save_file({name: v for name, v in whole.items() if "layers.1." not in name}, path)
    with pytest.raises(RuntimeError, match=r"layers\.1"):
        load_weights(path, torch.nn.Identity(), judges)  # type: ignore[arg-type]


def test_discriminators_answer_at_each_resolution_and_period() -> None:
    judges = Discriminators((256, 512), 4, (2, 3))
    voices = torch.randn(2, 256)
    answers = judges(torch.randn(2, 8000), voices)
    assert [len(features) for _, features in answers] == [5, 5, 5, 5]
    assert [features[0].shape[-1] for _, features in answers[2:]] == [2, 3]  # one column a phase
    assert all(score.shape[0] == 2 for score, _ in answers)
    for judge in judges.each:
        torch.nn.init.normal_(judge.speaker.weight)
    same, other = judges.scores_as(answers, voices), judges.scores_as(answers, voices.roll(1, 0))
    assert all((a - b).abs().max() > 1e-3 for a, b in zip(same, other, strict=True))
