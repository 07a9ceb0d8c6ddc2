"""Content encoders behind one interface: wav in, 50 Hz features of what is said out, the voice mostly removed."""

from collections.abc import Callable

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from autovoice.config import ContentConfig
from autovoice.errors import AssetError, ConfigError
from autovoice.models.hub import PREFIX, load_hub_encoder, one_per_frame
from autovoice.models.student import StudentEncoder, sizes_of
from autovoice.models.whisper import WhisperEncoder
from autovoice.networks import encoder_windows
from autovoice.torchaudio_compat import torchaudio
from autovoice.weights import CONTENT_ENCODER, CONTENT_STUDENT

HUB_BUNDLES = {  # torchaudio.pipelines: downloaded on first use
    "hubert-base": "HUBERT_BASE",
    "hubert-large": "HUBERT_LARGE",
    "wavlm-base": "WAVLM_BASE",
    "wavlm-base-plus": "WAVLM_BASE_PLUS",
    "wavlm-large": "WAVLM_LARGE",
    "wav2vec2-base": "WAV2VEC2_BASE",
}


class HubEncoder(nn.Module):
    """A torchaudio wav2vec 2.0 / HuBERT / WavLM model read after `layer` transformer layers."""

    def __init__(self, model: nn.Module, layer: int) -> None:
        super().__init__()
        self.model, self.layer = model, layer

    def forward(self, wav: Tensor) -> Tensor:
        """wav: (B, n) at 16 kHz -> (B, n // 320, dim); the last frame is repeated where the convolutions end early."""
        return one_per_frame(self.model.extract_features(wav, num_layers=self.layer)[0][-1], wav)  # type: ignore[operator]


def instance_norm(content: Tensor) -> Tensor:
    """content (B, T, D): per-utterance mean and deviation removed, which removes most of the speaker."""
    return (content - content.mean(1, keepdim=True)) / (content.std(1, keepdim=True, unbiased=False) + 1e-3)


def _load_whisper(cfg: ContentConfig) -> nn.Module:
    state = load_file(CONTENT_ENCODER)
    n_layers = 1 + max(int(name.split(".")[1]) for name in state if name.startswith("layers."))
    if cfg.layer > n_layers:
        raise ConfigError(
            f"the shipped encoder ends after layer {n_layers}", "content.layer", f"choose 1 to {n_layers}"
        )
    encoder = WhisperEncoder(n_layers=cfg.layer)
    wanted = encoder.state_dict().keys()
    encoder.load_state_dict({name: value.float() for name, value in state.items() if name in wanted})
    return encoder


def _load_hub(bundle: str) -> Callable[[ContentConfig], nn.Module]:
    return lambda cfg: HubEncoder(getattr(torchaudio.pipelines, bundle).get_model(), cfg.layer)


ENCODERS: dict[str, Callable[[ContentConfig], nn.Module]] = {
    "whisper-base": _load_whisper,
    **{name: _load_hub(bundle) for name, bundle in HUB_BUNDLES.items()},
}


def load_content_encoder(cfg: ContentConfig) -> nn.Module:
    """The encoder that `cfg.name` says, frozen and in eval mode; raises ConfigError for an unknown name."""
    if cfg.name.startswith(PREFIX):
        return load_hub_encoder(cfg).eval().requires_grad_(False)
    if cfg.name not in ENCODERS:
        remedy = f"choose one of {', '.join(ENCODERS)}, or {PREFIX}OWNER/MODEL of the hub"
        raise ConfigError(f"no content encoder {cfg.name!r}", "content.name", remedy)
    return ENCODERS[cfg.name](cfg).eval().requires_grad_(False)


def load_student(cfg: ContentConfig) -> StudentEncoder:
    """The causal student of the encoder that cfg names, frozen and in eval mode.

    Raises ConfigError for an encoder that the shipped student was not taught by, AssetError without the student.
    """
    taught_by = ContentConfig()
    if (cfg.name, cfg.layer, cfg.instance_norm) != (taught_by.name, taught_by.layer, taught_by.instance_norm):
        what = f"the shipped student was taught by layer {taught_by.layer} of {taught_by.name}"
        raise ConfigError(what, f"content.name={cfg.name}", "use a preset whose encoder is large")
    if not CONTENT_STUDENT.is_file():
        raise AssetError("no such weights", str(CONTENT_STUDENT), "run autovoice doctor")
    state = {name: value.float() for name, value in load_file(CONTENT_STUDENT).items()}
    student = StudentEncoder(*sizes_of(state))
    student.load_state_dict(state)
    return student.eval().requires_grad_(False)


@torch.no_grad()
def encode(encoder: nn.Module, wav: Tensor, normalise: bool = True) -> Tensor:
    """wav (B, n) at 16 kHz of any length -> (B, n // 320, D); beyond 30 s in equal windows of at most 30 s."""
    content = torch.cat([encoder(wav[:, window]) for window in encoder_windows(wav.shape[1])], 1)
    return instance_norm(content) if normalise else content
