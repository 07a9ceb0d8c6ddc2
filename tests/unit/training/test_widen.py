"""A base as the start of one at a higher rate or of shorter frames: the old band sounds the same from the first step on."""

from pathlib import Path

import numpy as np
import pytest
import torch
from audio_files import speech

from autovoice.audio.excitation import fill_unvoiced
from autovoice.audio.resample import resample
from autovoice.config import AudioConfig, ContentConfig, ModelConfig
from autovoice.errors import AssetError
from autovoice.models.content import load_content_encoder
from autovoice.models.discriminator import Discriminators
from autovoice.models.excitation import harmonic_excitation
from autovoice.models.generator import Generator
from autovoice.models.speaker import embed_speaker
from autovoice.training.features import extract_features, ref_mel_of
from autovoice.training.module import GeneratorTraining, Schedule, load_weights, save_weights
from autovoice.training.widen import widened
from autovoice.weights import model_metadata, output_of

NARROW, WIDE = AudioConfig(output_rate=16000, output_n_fft=1024), AudioConfig(output_rate=24000, output_n_fft=1536)
SHORT = AudioConfig(output_rate=24000, output_n_fft=768)


SMALL = ModelConfig("small", dim=64, n_content_blocks=1, n_blocks=2, bottleneck=16, n_heads=2)


def voiced_part(audio: AudioConfig, wav: np.ndarray, weights: Path) -> np.ndarray:
    """What the weights make of the harmonics of `wav`, without the noise, which is random."""
    generator = Generator(SMALL, audio, ContentConfig()).eval()
    load_weights(weights, generator, audio=audio)
    features = extract_features(wav, load_content_encoder(ContentConfig()), audio)
    f0 = features["f0"][None]
    filled = torch.from_numpy(fill_unvoiced(f0[0].numpy()))[None]
    excitation = harmonic_excitation(filled, f0 > 0, audio.output_hop, audio.output_rate)
    content, emb = features["content"][None].float(), torch.from_numpy(embed_speaker(wav))[None]
    ref_mel = ref_mel_of(features)[None]
    with torch.inference_mode():
        made = generator(
            content, f0, features["loudness"][None], excitation, torch.zeros_like(excitation), emb, content, ref_mel
        )
    return made[0].numpy()


def test_below_the_old_band_a_widened_base_says_the_same(tmp_path: Path) -> None:
    torch.manual_seed(0)
    module = GeneratorTraining(
        Generator(SMALL, NARROW, ContentConfig()), Discriminators(), Schedule(1, 1, 1, 1, 1), NARROW
    )
    save_weights(module, tmp_path / "narrow.safetensors", model_metadata(SMALL, NARROW))
    assert output_of(tmp_path / "narrow.safetensors") == (16000, 1024)
    wav = speech("june", 2.56)
    narrow, wide = (voiced_part(audio, wav, tmp_path / "narrow.safetensors") for audio in (NARROW, WIDE))
    wide = resample(wide, 24000, 16000)
    spectra = [np.abs(np.fft.rfft(x[: len(narrow)]))[: int(7000 / 8000 * len(narrow) / 2)] for x in (narrow, wide)]
    assert np.corrcoef(*spectra)[0, 1] > 0.98
    assert 20 * np.log10(np.linalg.norm(spectra[1]) / np.linalg.norm(spectra[0])) == pytest.approx(0.0, abs=0.5)


def test_in_shorter_frames_a_base_says_nearly_the_same(tmp_path: Path) -> None:
    torch.manual_seed(0)
    generator = Generator(SMALL, WIDE, ContentConfig())
    module = GeneratorTraining(generator, Discriminators(), Schedule(1, 1, 1, 1, 1), WIDE)
    save_weights(module, tmp_path / "long.safetensors", model_metadata(SMALL, WIDE))
    wav = speech("june", 2.56)
    long, short = (voiced_part(audio, wav, tmp_path / "long.safetensors") for audio in (WIDE, SHORT))
    assert len(short) == len(long)
    spectra = [np.abs(np.fft.rfft(x)) for x in (long, short)]
    assert np.corrcoef(*spectra)[0, 1] > 0.9  # random weights differ from bin to bin; the wrong rows correlate by .79
    assert 20 * np.log10(np.linalg.norm(short) / np.linalg.norm(long)) == pytest.approx(0.0, abs=0.5)


def test_a_lower_rate_is_refused() -> None:
    with pytest.raises(AssetError, match="does not widen"):
        widened({}, (16000, 1024), (8000, 512))
