"""Content encoders of a model hub, or of a folder in its format: Whisper of any size, HuBERT, ContentVec, WavLM, wav2vec 2.0.

Needs the package transformers (the extra `hub`); nothing here is used unless content.name begins with "hf:".
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from autovoice.audio.mel import FRAME_LENGTH
from autovoice.config import ContentConfig
from autovoice.errors import ConfigError
from autovoice.models.whisper import log_mel, mel_filters

PREFIX = "hf:"
WAVE_MODELS = ("hubert", "wavlm", "wav2vec2", "unispeech-sat", "data2vec-audio")


class HubWhisper(nn.Module):
    """A transformers Whisper encoder read after `layer` layers; what is short is padded to the 30 s that it wants."""

    filters: Tensor

    def __init__(self, encoder: nn.Module, layer: int) -> None:
        super().__init__()
        self.encoder, self.layer = encoder, layer
        self.register_buffer("filters", mel_filters(encoder.config.num_mel_bins), persistent=False)  # type: ignore[union-attr, arg-type]

    def forward(self, wav: Tensor) -> Tensor:
        """wav: (B, n) at 16 kHz, n <= 480,000 -> (B, n // 320, dim)."""
        wanted = int(self.encoder.config.max_source_positions) * FRAME_LENGTH  # type: ignore[union-attr, arg-type]
        mel = log_mel(F.pad(wav, (0, wanted - wav.shape[1])), self.filters)
        states = self.encoder(mel, output_hidden_states=True).hidden_states
        return states[self.layer][:, : wav.shape[1] // FRAME_LENGTH]


def one_per_frame(features: Tensor, wav: Tensor) -> Tensor:
    """features (B, T, D) of wav (B, n) at 16 kHz -> (B, n // 320, D): the last repeated where convolutions end early."""
    index = torch.arange(wav.shape[1] // FRAME_LENGTH, device=wav.device).clamp(max=features.shape[1] - 1)
    return features[:, index]


class HubWave(nn.Module):
    """A transformers model that hears the wave (HuBERT and its kin), read after `layer` transformer layers."""

    def __init__(self, model: nn.Module, layer: int, normalise: bool) -> None:
        super().__init__()
        self.model, self.layer, self.normalise = model, layer, normalise

    def forward(self, wav: Tensor) -> Tensor:
        """wav: (B, n) at 16 kHz -> (B, n // 320, dim); the last frame is repeated where the convolutions end early."""
        if self.normalise:
            wav = F.layer_norm(wav, wav.shape[-1:])
        features = self.model(wav, output_hidden_states=True).hidden_states[self.layer]
        return one_per_frame(features, wav)


def load_hub_encoder(cfg: ContentConfig) -> nn.Module:
    """content.name = hf:OWNER/MODEL or hf:FOLDER. Raises ConfigError for what cannot be loaded or has other sizes."""
    name = cfg.name.removeprefix(PREFIX)
    try:
        from transformers import AutoConfig, AutoModel
    except ImportError as error:
        raise ConfigError(
            "needs the package transformers", f"content.name={cfg.name}", "pip install autovoice[hub]"
        ) from error
    try:
        kind = AutoConfig.from_pretrained(name).model_type
        if kind != "whisper" and kind not in WAVE_MODELS:
            raise ConfigError(f"is a {kind}", f"content.name={cfg.name}", f"name a whisper or {', '.join(WAVE_MODELS)}")
        model = AutoModel.from_pretrained(name, use_safetensors=True)
    except (OSError, ValueError) as error:
        what = f"cannot be loaded ({' '.join(str(error).split())[:200]})"
        raise ConfigError(what, f"content.name={cfg.name}", "name a model of the hub or a folder with one") from error
    _check_sizes(model.config, cfg)
    if kind == "whisper":
        return HubWhisper(model.encoder, cfg.layer)
    return HubWave(model, cfg.layer, _normalises(name))


def _normalises(name: str) -> bool:
    """Whether the model was trained on waves of unit deviation; those without a preprocessor (ContentVec) were not."""
    from transformers import AutoFeatureExtractor

    try:
        return bool(AutoFeatureExtractor.from_pretrained(name).do_normalize)
    except OSError:
        return False


def _check_sizes(config: object, cfg: ContentConfig) -> None:
    dim = getattr(config, "d_model", 0) or getattr(config, "hidden_size", 0)
    n_layers = getattr(config, "encoder_layers", 0) or getattr(config, "num_hidden_layers", 0)
    if dim != cfg.dim:
        raise ConfigError(f"has {dim} dimensions", f"content.dim={cfg.dim}", f"set content.dim={dim}")
    if not 0 < cfg.layer <= n_layers:
        raise ConfigError(f"has {n_layers} layers", f"content.layer={cfg.layer}", f"choose 1 to {n_layers}")
