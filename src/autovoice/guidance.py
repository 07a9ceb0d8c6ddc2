"""Guidance: the result is led away from the source's own voice, along what parts it from the target's.

Content keeps some of the voice that said it. The same content, spoken in the source's own voice, shows what of the result is
owed to that and what to the target; the difference is exaggerated, as classifier-free guidance does with a condition and its
absence (Ho & Salimans 2022; by a weaker model in place of none, Karras et al. 2024).
"""

from dataclasses import dataclass, replace

import numpy as np

from autovoice.audio.mel import log_mel
from autovoice.config import PresetConfig
from autovoice.features import ref_mel_of
from autovoice.networks import LOWEST, Filters, Networks, Target
from autovoice.spans import stage

MIN_VOICED = 80  # frames of 10 ms in the source, without which nobody can be recognised
MAX_LOG_RATIO = 3.0  # 26 dB: where one of the two says silence, the difference says nothing of a voice
CONSTANT_FRAMES = 400  # of 10 ms: all of them are in the first chunk, however short chunks become
AMPLITUDES = ("harmonic", "breath")


@stage("guidance")
def source_voice(
    networks: Networks, wav: np.ndarray, content: np.ndarray, f0: np.ndarray, seconds: float
) -> Target | None:
    """The voice that speaks in the first `seconds` of wav, as the base generator hears it; None with too little of it.

    wav: mono 16 kHz (n,) at -26 dBFS, content: its (n // 320, D), f0: its (n // 160,) in Hz, 0 = unvoiced.
    """
    n = min(len(content), max(1, int(seconds * 50)))
    if (f0[: 2 * n] > 0).sum() < MIN_VOICED:
        return None
    audio = networks.audio
    heard = wav[: n * 2 * audio.hop_length]
    mel = log_mel(heard, audio.sample_rate, audio.n_fft, audio.hop_length, audio.n_mels)[: 2 * n]
    return Target(networks.embed_speaker(heard), content[:n], ref_mel_of({"content": content[:n], "mel": mel}))


def for_pieces(preset: PresetConfig) -> PresetConfig:
    """The preset for a source that comes in pieces, without guidance and mapping: each would be led by a voice of its own, and a
    piece with too little voice by none, which is heard from one to the next."""
    return replace(preset, guidance=0.0, mapping=0.0)


@dataclass
class Guidance:
    """Leads one source's filters away from its own voice; keeps what the two voices always differ by.

    That constant, over the source's first seconds, is left as it is: a voice's long-term spectrum comes out right without
    help, and more of it would overshoot.
    """

    own: Target
    share: float
    constant: tuple[np.ndarray, np.ndarray] | None = None

    @stage("guidance")
    def lead(self, target: Filters, source: Filters, voiced: np.ndarray) -> Filters:
        """Filters in the target's voice and of the same content in the source's own -> those with `share` more of the difference.

        voiced: (B, T). The first call must be of the source's first CONSTANT_FRAMES frames or more. Amplitudes alone, in the
        logarithm: phases have no direction that more of it would follow. A frame stays as loud as it was: that is the words', not
        the voice's.
        """
        ratios = [log_ratio(getattr(target, name), getattr(source, name)) for name in AMPLITUDES]
        if self.constant is None:
            weights = (voiced[:, :CONSTANT_FRAMES], np.ones_like(voiced[:, :CONSTANT_FRAMES]))
            means = [
                mean_over(ratio[:, :CONSTANT_FRAMES], weight) for ratio, weight in zip(ratios, weights, strict=True)
            ]
            self.constant = (means[0], means[1])
        further = [np.exp(np.float32(self.share) * (r - c)) for r, c in zip(ratios, self.constant, strict=True)]
        harmonic, breath = (getattr(target, name) * more for name, more in zip(AMPLITUDES, further, strict=True))
        return target.reshaped(harmonic, breath, voiced)


def log_ratio(led: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Of amplitudes, natural, within MAX_LOG_RATIO."""
    ratio = np.log(np.maximum(led, LOWEST) / np.maximum(other, LOWEST))
    return np.clip(ratio, -MAX_LOG_RATIO, MAX_LOG_RATIO)


def mean_over(values: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """values (B, T, bins) and weight (B, T) -> their weighted mean over time (B, 1, bins), 0 where nothing has weight."""
    total = np.maximum(weight.sum(1), 1).astype(np.float32)[:, None, None]
    return (values * weight[..., None]).sum(1, keepdims=True) / total
