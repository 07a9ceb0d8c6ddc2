"""What conversion asks of the neural networks, whoever computes them: torch, or onnxruntime with exported graphs."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np

from autovoice.audio.excitation import HARMONICS, NOISE
from autovoice.audio.mel import FRAME_LENGTH, MAX_FRAMES
from autovoice.config import AudioConfig, ContentConfig

Encoder = Literal["large", "student"]
LOWEST = np.float32(1e-7)  # amplitude: -140 dB
N_HEARD = 8  # voices that are kept as the generator hears them: four, and as many sources' own


class OutOfMemory(Exception):
    """The device cannot hold what was asked; smaller parts may fit."""


class Filters(NamedTuple):
    """What the generator says of each 10 ms frame, (B, T, output_n_fft // 2 + 1) float32 each.

    harmonic: amplitude at which the excitation passes; phase: radians by which it is turned; breath: amplitude of the noise.
    """

    harmonic: np.ndarray
    phase: np.ndarray
    breath: np.ndarray

    def power(self, voiced: np.ndarray) -> np.ndarray:
        """Of what is passed of the excitation, which has none where voiced (B, T) is False, and of the noise: (B, T, 1)."""
        passed = (np.square(part).sum(-1, keepdims=True) for part in (self.harmonic, self.breath))
        shares = (np.float32(HARMONICS**2) * voiced[..., None], np.float32(NOISE**2))
        return sum(share * part for share, part in zip(shares, passed, strict=True)) + np.float32(LOWEST**2)

    def reshaped(self, harmonic: np.ndarray, breath: np.ndarray, voiced: np.ndarray) -> "Filters":
        """Other amplitudes, each frame as loud as it was."""
        level = np.sqrt(self.power(voiced) / Filters(harmonic, self.phase, breath).power(voiced))
        return Filters(harmonic * level, self.phase, breath * level)


@dataclass(frozen=True, eq=False)
class Target:
    """A voice as the generator hears it: spk_emb (256,), ref_content (R, D), ref_mel (R, n_mels) float32.

    weights: of the voice's own generator, None for the base. Targets with equal arrays and weights are equal.
    """

    spk_emb: np.ndarray
    ref_content: np.ndarray
    ref_mel: np.ndarray
    weights: Path | None = None

    @cached_property
    def _key(self) -> tuple[Any, ...]:
        arrays = (self.spk_emb, self.ref_content, self.ref_mel)
        digest = hashlib.sha256(b"".join(np.ascontiguousarray(array).data for array in arrays)).digest()
        return digest, len(self.ref_content), self.weights, self.weights.stat().st_mtime_ns if self.weights else 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Target) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)


class Steps(Protocol):
    """Both networks of a live stream into one voice, on the CPU; what they remember of the past is theirs."""

    def content(self, wav: np.ndarray) -> np.ndarray:
        """wav: (560,) at 16 kHz, from 200 samples before the next frame's start -> its content (1, D)."""

    def filters(self, content: np.ndarray, f0: np.ndarray, loudness: np.ndarray) -> Filters:
        """content (1, D), f0 in Hz and loudness (2,) -> Filters of a batch of one, (1, 2, ...)."""


class Networks(Protocol):
    """Content encoders, speaker encoder, generators and pitch. Methods raise OutOfMemory, pitch does not."""

    audio: AudioConfig
    config: ContentConfig
    weights: Path

    @property
    def device(self) -> str:
        """cpu, cuda or cuda:N: what computes now."""

    def pitch(self, wav: np.ndarray, f0_min_hz: float, f0_max_hz: float) -> tuple[np.ndarray, np.ndarray]:
        """As autovoice.audio.f0.detect, which is what answers on the CPU; elsewhere alike but for rounding."""

    def content(self, wav: np.ndarray, encoder: Encoder = "large") -> np.ndarray:
        """wav (B, n) float32 at 16 kHz and -26 dBFS, n of any length from 1280 -> content (B, n // 320, D) float32."""

    def embed_speaker(self, wav: np.ndarray) -> np.ndarray:
        """wav: mono 16 kHz (T,) at -26 dBFS -> unit vector (256,) float32; the mean over 1.6 s windows."""

    def generate(self, content: np.ndarray, f0: np.ndarray, loudness: np.ndarray, targets: Sequence[Target]) -> Filters:
        """content (B, T, D), f0 in Hz, 0 = unvoiced, and loudness (B, 2 T) -> Filters (B, 2 T, ...), one target a row.

        The targets of a batch have the same weights and as many reference frames.
        """

    def steps(self, target: Target) -> Steps:
        """A live stream into target; raises AssetError for a generator that is not causal."""

    def forget(self) -> None:
        """Lets go of all that is kept of voices, to be made anew when it is asked for."""

    def leave_device(self) -> None:
        """Goes on on the CPU."""


def encoder_windows(n_samples: int) -> list[slice]:
    """Whole content frames of n_samples in equal stretches of at most 30 s, which is all that the large encoder hears."""
    n_frames = n_samples // FRAME_LENGTH
    size = -(-n_frames // max(1, -(-n_frames // MAX_FRAMES))) * FRAME_LENGTH
    return [slice(i, min(i + size, n_frames * FRAME_LENGTH)) for i in range(0, n_frames * FRAME_LENGTH, max(1, size))]
