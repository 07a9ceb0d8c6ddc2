"""Networks of the real architectures, small and with random weights: quick to run, and to export."""

from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn

from autovoice.config import AudioConfig, ContentConfig, ModelConfig
from autovoice.models.generator import Generator
from autovoice.models.student import StudentEncoder
from autovoice.models.torch_networks import TorchNetworks
from autovoice.models.whisper import WhisperEncoder
from autovoice.networks import Target
from autovoice.voice import VoiceProfile
from autovoice.weights import model_metadata

AUDIO, CONTENT = AudioConfig(), ContentConfig(dim=32)
SIZES = ModelConfig("tiny", dim=32, n_content_blocks=2, n_blocks=2, bottleneck=8, n_heads=2, causal=True)


def tiny_generator(seed: int = 0, sizes: ModelConfig = SIZES) -> Generator:
    """About as loud as speech, with a phase and an attention of its own."""
    torch.manual_seed(seed)
    made = Generator(sizes, AUDIO, CONTENT).eval().requires_grad_(False)
    torch.nn.init.normal_(made.head.phase.weight, std=0.02)
    torch.nn.init.constant_(made.head.envelopes.bias, -3.0)
    for block in (*made.content_blocks, *made.blocks):
        torch.nn.init.normal_(block.ada.weight, std=0.05)
    if sizes.n_heads:
        torch.nn.init.normal_(made.reference.merge.weight, std=0.1)
    return made


class TinyNetworks(TorchNetworks):
    """Both encoders random; generators are read from files, as always."""

    def load_encoder(self) -> nn.Module:
        torch.manual_seed(1)
        encoder = WhisperEncoder(dim=32, n_heads=2, n_layers=2)
        torch.nn.init.normal_(encoder.position, std=0.1)
        return encoder.eval().requires_grad_(False)

    def load_student(self) -> StudentEncoder:
        torch.manual_seed(2)
        return StudentEncoder(dim=16, n_blocks=2, out_dim=32).eval().requires_grad_(False)


def write_generator(path: Path, seed: int = 0, sizes: ModelConfig = SIZES) -> Path:
    """A tiny generator's file, as training writes it."""
    state = tiny_generator(seed, sizes).state_dict()
    halves = {f"generator.{name}": value.half().contiguous() for name, value in state.items()}
    save_file(halves, path, model_metadata(sizes, AUDIO))
    return path


def tiny_networks(folder: Path, sizes: ModelConfig = SIZES) -> TinyNetworks:
    """Their base generator is folder/base.safetensors."""
    return TinyNetworks("cpu", write_generator(folder / "base.safetensors", sizes=sizes), None, AUDIO, CONTENT)


def random_target(seed: int = 0, n_reference: int = 40, weights: Path | None = None) -> Target:
    """A voice of noise."""
    rng = np.random.default_rng(seed)
    spk_emb = np.abs(rng.standard_normal(256, np.float32))
    reference = (rng.standard_normal((n_reference, n), np.float32) for n in (CONTENT.dim, AUDIO.n_mels))
    return Target(spk_emb / np.linalg.norm(spk_emb), *reference, weights)


def random_voice(seed: int = 0) -> VoiceProfile:
    """The profile of a random target."""
    target = random_target(seed, 100)
    frames = {"ref_content": target.ref_content.astype(np.float16), "ref_mel": target.ref_mel.astype(np.float16)}
    pitch = {"f0_median_hz": 200.0, "f0_low_hz": 150.0, "f0_high_hz": 260.0}
    facts = {"speech_s": 9.0, "spread": 1.0, "snr_db": 40.0, "verdict": "good"}
    return VoiceProfile(name="v", spk_emb=target.spk_emb, **frames, **pitch, **facts)  # type: ignore[arg-type]


def deviation_db(made: np.ndarray, wanted: np.ndarray) -> float:
    """Energy of the difference re what is wanted, in dB."""
    assert made.shape == wanted.shape
    return float(10 * np.log10(np.square(made - wanted).sum() / np.square(wanted).sum()))


def error_db(made: np.ndarray, wanted: np.ndarray) -> float:
    """The largest deviation re the root mean square of what is wanted, in dB; -inf where there is none."""
    scale = np.sqrt(np.mean(np.square(wanted, dtype=np.float64)))
    with np.errstate(divide="ignore"):
        return float(20 * np.log10(np.abs(made - wanted).max() / scale))
