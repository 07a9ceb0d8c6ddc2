"""Conversions while training: a neighbour's voice says what a segment says. There is no recording of that to compare with,
so that it is judged by whose voice it is (speaker consistency, Casanova et al. 2022), by whether the words were kept
(content consistency), and by the discriminators.
"""

import torch
from torch import Tensor, nn

from autovoice.config import AudioConfig
from autovoice.models.content import instance_norm
from autovoice.models.speaker import SpeakerEmbedder
from autovoice.torchaudio_compat import torchaudio
from autovoice.training.mapped import moved_along

VOICE = ("spk_emb", "ref_content", "ref_mel")
F0_RANGE_HZ = (50.0, 1100.0)
MIN_VOICED = 0.3  # of a segment, for its voice to be told
SPEAKER_WEIGHT = 2.0


def median_f0(f0: Tensor) -> Tensor:
    """f0 (B, T) Hz, 0 = unvoiced -> median of the voiced frames (B,), 0 where there are none."""
    return torch.where(f0 > 0, f0, torch.nan).nanmedian(1).values.nan_to_num(0.0)


def with_conversions(batch: dict[str, Tensor], n: int, mapping: bool = False) -> dict[str, Tensor]:
    """The batch and, after it, its first n segments in the voice and at the pitch of their neighbours; n < B.

    mapping: their content is what they said, moved towards the neighbours' (autovoice.mapping); else what the batch has.
    """
    median = median_f0(batch["f0"])
    ratio = torch.where((median[:n] > 0) & (median[1 : n + 1] > 0), median[1 : n + 1] / median[:n].clamp(min=1), 1.0)
    f0 = batch["f0"][:n] * ratio[:, None]
    said = batch["said"][:n]
    added = {
        "content": moved_along(said, batch["ref_content"][1 : n + 1], batch["f0"][:n])
        if mapping
        else batch["content"][:n],
        "said": said,
        "loudness": batch["loudness"][:n],
        "f0": torch.where(f0 > 0, f0.clamp(*F0_RANGE_HZ), 0.0),
        "f0_filled": (batch["f0_filled"][:n] * ratio[:, None]).clamp(*F0_RANGE_HZ),
        **{name: batch[name][1 : n + 1] for name in VOICE},
    }
    return {name: torch.cat([batch[name], more]) for name, more in added.items()}


class ConversionLoss(nn.Module):
    """Frozen encoders that hear a conversion: the conditioning speaker encoder and the content encoder, never a judge."""

    def __init__(self, encoder: nn.Module, audio: AudioConfig, content_weight: float) -> None:
        super().__init__()
        self.encoder, self.speaker, self.audio, self.content_weight = encoder, SpeakerEmbedder(), audio, content_weight
        self.requires_grad_(False).train()

    def train(self, mode: bool = True) -> "ConversionLoss":
        """Always in eval mode, but for the recurrent layers, which have no dropout: on a GPU they learn in no other."""
        super().train(False)
        self.speaker.encoder.lstm.train()
        return self

    def forward(self, wav: Tensor, inputs: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        """wav: (n, T * output_hop) as made from `inputs` (n, ...) of with_conversions -> loss (), its parts."""
        heard = torchaudio.functional.resample(wav, self.audio.output_rate, self.audio.sample_rate)
        voiced = (inputs["f0"] > 0).float().mean(1)
        weight = (voiced >= MIN_VOICED).float()
        near = torch.cosine_similarity(self.speaker(heard), inputs["spk_emb"], dim=-1)
        speaker = ((1 - near) * weight).sum() / weight.sum().clamp(min=1)
        kept, said = instance_norm(self.encoder(heard)), instance_norm(inputs["said"])
        content = 1 - torch.cosine_similarity(kept, said, dim=-1).mean()
        return SPEAKER_WEIGHT * speaker + self.content_weight * content, {"speaker": speaker, "content": content}
