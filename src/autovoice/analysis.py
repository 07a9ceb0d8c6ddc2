"""The first pass over a source: its level, f0 and loudness, and the key shift to the target."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from autovoice.audio.f0 import extract_f0, median_f0_hz
from autovoice.audio.loudness import centred_power, frame_power, gain_from_power, scale_loudness
from autovoice.audio.windows import overlapping_windows
from autovoice.config import AudioConfig
from autovoice.models.excitation import fill_unvoiced, frame_phase
from autovoice.voice import VoiceProfile

BLOCK_S, CONTEXT_S = 20.0, 0.5


@dataclass
class Analysis:
    """Frames (T,) at hop_length over the whole source: f0 in Hz after the shift, loudness at the model's level.

    gain: linear, brings the source to the model's level; phase: of the excitation, in cycles, at each frame.
    """

    n_samples: int
    gain: float
    shift_st: float
    f0: np.ndarray
    f0_filled: np.ndarray
    loudness: np.ndarray
    phase: np.ndarray

    def frames(self, first: int, n_frames: int) -> dict[str, np.ndarray]:
        """n_frames frames from `first`, the last one repeated past the end (f0: unvoiced)."""
        index = np.minimum(np.arange(first, first + n_frames), len(self.f0) - 1)
        inside = np.arange(first, first + n_frames) < len(self.f0)
        cut = {name: getattr(self, name)[index] for name in ("f0_filled", "loudness", "phase")}
        return cut | {"f0": np.where(inside, self.f0[index], 0).astype(np.float32)}


def auto_shift_st(source_f0: np.ndarray, voice: VoiceProfile) -> float:
    """Semitones from the source's median f0 to the voice's; 0 where either has none."""
    median = median_f0_hz(source_f0)
    return float(12 * np.log2(voice.f0_median_hz / median)) if median and voice.f0_median_hz else 0.0


def analyse(
    blocks: Iterator[np.ndarray], voice: VoiceProfile, audio: AudioConfig, pitch: float | Literal["auto"] = "auto"
) -> Analysis:
    """blocks: mono 16 kHz stretches of the source in order. Memory grows by 2 KB a second of audio, no more."""
    hop, rate = audio.hop_length, audio.sample_rate
    core, context = int(BLOCK_S * rate) // hop * hop, int(CONTEXT_S * rate) // hop * hop
    f0s, louds, powers, n_samples = [], [], [], 0
    for window in overlapping_windows(blocks, core, context):
        n_frames, lead = -(-len(window.wav) // hop), window.lead // hop
        part = slice(lead, lead + -(-window.n_core // hop))
        f0s.append(extract_f0(window.wav, hop, n_frames, audio.f0_min_hz, audio.f0_max_hz)[part])
        louds.append(centred_power(window.wav, hop, n_frames)[part])
        powers.append(frame_power(window.wav[window.lead : window.lead + window.n_core], rate))
        n_samples += window.n_core
    if not f0s:
        empty = np.zeros(1, np.float32)
        return Analysis(0, 1.0, 0.0, empty, empty + 100, empty - 2, np.zeros(1))
    f0 = np.concatenate(f0s)
    gain = gain_from_power(np.concatenate(powers), audio.level_dbfs)
    shift_st = auto_shift_st(f0, voice) if pitch == "auto" else float(pitch)
    shifted = np.where(f0 > 0, np.clip(f0 * 2 ** (shift_st / 12), 40.0, 1600.0), 0).astype(np.float32)
    filled = fill_unvoiced(shifted)
    loudness = scale_loudness(np.concatenate(louds), gain)
    return Analysis(
        n_samples, gain, shift_st, shifted, filled, loudness, frame_phase(filled, audio.output_hop, audio.output_rate)
    )
