"""Encoders of a model hub: the real architectures with tiny random weights, loaded from folders in the hub's format."""

from pathlib import Path

import pytest
import torch

from autovoice.config import ContentConfig
from autovoice.errors import ConfigError
from autovoice.models.content import encode, load_content_encoder

transformers = pytest.importorskip("transformers")
TINY = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
SPREAD = 0.2  # of random weights: wide enough for layers to differ


def saved(folder: Path, kind: str) -> str:
    """A tiny model of that kind, as content.name has it."""
    torch.manual_seed(0)
    if kind == "whisper":
        config = transformers.WhisperConfig(
            d_model=32, encoder_layers=2, encoder_attention_heads=2, encoder_ffn_dim=64, decoder_layers=1,
            decoder_attention_heads=2, decoder_ffn_dim=64, vocab_size=60, pad_token_id=1, bos_token_id=2, eos_token_id=3,
            decoder_start_token_id=2, max_source_positions=1500, num_mel_bins=128, init_std=SPREAD,
        )  # fmt: skip
        transformers.WhisperModel(config).save_pretrained(folder)
    elif kind == "bert":
        transformers.BertModel(transformers.BertConfig(**TINY, vocab_size=60)).save_pretrained(folder)
    else:
        name = {"hubert": "Hubert", "wavlm": "WavLM", "wav2vec2": "Wav2Vec2"}[kind]
        config = getattr(transformers, f"{name}Config")(
            **TINY, conv_dim=[16] * 7, num_conv_pos_embeddings=16, initializer_range=SPREAD
        )
        getattr(transformers, f"{name}Model")(config).save_pretrained(folder)
    return f"hf:{folder}"


@pytest.mark.parametrize("kind", ["whisper", "hubert", "wavlm", "wav2vec2"])
def test_each_architecture_gives_50_frames_a_second_that_follow_the_audio(tmp_path: Path, kind: str) -> None:
    encoder = load_content_encoder(ContentConfig(saved(tmp_path, kind), layer=2, dim=32))
    wav = 0.1 * torch.randn(2, 16000 + 100, generator=torch.Generator().manual_seed(0))
    content = encode(encoder, wav)
    assert content.shape == (2, 50, 32)
    assert content.isfinite().all()
    assert (content[0] - content[1]).abs().mean() > 0.1
    assert not any(p.requires_grad for p in encoder.parameters())


def test_another_layer_is_another_content(tmp_path: Path) -> None:
    name, wav = saved(tmp_path, "hubert"), 0.1 * torch.randn(1, 16000)
    first, second = (encode(load_content_encoder(ContentConfig(name, layer, 32)), wav) for layer in (1, 2))
    assert (first - second).abs().mean() > 0.01


def test_level_does_not_matter_where_the_model_was_trained_on_normalised_waves(tmp_path: Path) -> None:
    name, wav = saved(tmp_path, "hubert"), 0.1 * torch.randn(1, 16000)
    transformers.Wav2Vec2FeatureExtractor(do_normalize=True).save_pretrained(tmp_path)
    encoder = load_content_encoder(ContentConfig(name, 2, 32))
    assert (encode(encoder, wav) - encode(encoder, 5 * wav)).abs().max() < 1e-2


@pytest.mark.parametrize(
    ("kind", "layer", "dim", "words"),
    [("hubert", 2, 512, "32 dimensions"), ("whisper", 3, 32, "2 layers"), ("bert", 1, 32, "is a bert")],
)
def test_what_does_not_fit_is_one_sentence(tmp_path: Path, kind: str, layer: int, dim: int, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        load_content_encoder(ContentConfig(saved(tmp_path, kind), layer, dim))


def test_a_folder_without_a_model_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be loaded"):
        load_content_encoder(ContentConfig(f"hf:{tmp_path}", 1, 32))
