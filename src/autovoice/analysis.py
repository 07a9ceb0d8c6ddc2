"""The first pass over a source: its level, f0 and loudness, and the key shift to the target."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from autovoice.audio.excitation import fill_unvoiced, frame_phase
from autovoice.audio.f0 import Tracker, detect, extract_f0, median_f0_hz
from autovoice.audio.loudness import centred_power, frame_power, gain_from_power, scale_loudness
from autovoice.audio.windows import overlapping_windows
from autovoice.config import AudioConfig
from autovoice.spans import stage
from autovoice.voice import VoiceProfile

BLOCK_S, CONTEXT_S = 20.0, 0.5
VIBRATO_ROOM = 2 ** (2 / 12)  # a note at the top of the range goes as far over it; speech is heard alike with it
SINGING_ST = (-2.0, 14.0)  # of a song's median over that of the voice's speech


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

    def part(self, start: int, stop: int, n_samples: int) -> "Analysis":
        """Frames from start up to stop, as the analysis of a recording of n_samples of its own."""
        cut = {name: getattr(self, name)[start:stop] for name in ("f0", "f0_filled", "loudness", "phase")}
        return replace(self, n_samples=n_samples, **cut)


def auto_shift_st(source_f0: np.ndarray, voice: VoiceProfile) -> float:
    """Semitones from the source's median f0 to the voice's; 0 where either has none."""
    median = median_f0_hz(source_f0)
    return float(12 * np.log2(voice.f0_median_hz / median)) if median and voice.f0_median_hz else 0.0


def octave_shift_st(source_f0: np.ndarray, voice: VoiceProfile) -> float:
    """The fewest whole octaves, in semitones, that bring a song's median into where the voice sings; 0 where neither is known.

    People sing higher than they speak: from 2 semitones under the median of a voice's speech to 14 above is taken for at ease.
    """
    above_st = -auto_shift_st(source_f0, voice)
    fitting = [12.0 * n for n in range(-4, 5) if SINGING_ST[0] <= above_st + 12 * n <= SINGING_ST[1]]
    return min(fitting, key=abs, default=0.0)


def _shift_st(f0: np.ndarray, voice: VoiceProfile, pitch: float | Literal["auto", "octaves", "semitones"]) -> float:
    match pitch:
        case "auto":
            return auto_shift_st(f0, voice)
        case "octaves":
            return octave_shift_st(f0, voice)
        case "semitones":
            return round(auto_shift_st(f0, voice) + sum(SINGING_ST) / 2)
    return float(pitch)


@stage("analysis")
def analyse(
    blocks: Iterator[np.ndarray],
    voice: VoiceProfile,
    audio: AudioConfig,
    pitch: float | Literal["auto", "octaves", "semitones"] = "auto",
    track: Tracker = detect,
) -> Analysis:
    """blocks: mono 16 kHz stretches of the source in order. Memory grows by 2 KB a second of audio, no more.

    track: what finds f0, of some networks their own (autovoice.networks.Networks.pitch).
    """
    hop, rate = audio.hop_length, audio.sample_rate
    core, context = int(BLOCK_S * rate) // hop * hop, int(CONTEXT_S * rate) // hop * hop
    f0s, louds, powers, n_samples = [], [], [], 0
    for window in overlapping_windows(blocks, core, context):
        n_frames, lead = -(-len(window.wav) // hop), window.lead // hop
        part = slice(lead, lead + -(-window.n_core // hop))
        with stage("f0"):
            range_hz = (audio.f0_min_hz, audio.f0_max_hz * VIBRATO_ROOM)
            f0s.append(extract_f0(window.wav, hop, n_frames, *range_hz, track)[part])
        louds.append(centred_power(window.wav, hop, n_frames)[part])
        powers.append(frame_power(window.wav[window.lead : window.lead + window.n_core], rate))
        n_samples += window.n_core
    if not f0s:
        empty = np.zeros(1, np.float32)
        return Analysis(0, 1.0, 0.0, empty, empty + 100, empty - 2, np.zeros(1))
    f0 = np.concatenate(f0s)
    gain = gain_from_power(np.concatenate(powers), audio.level_dbfs)
    shift_st = _shift_st(f0, voice, pitch)
    shifted = np.where(f0 > 0, np.clip(f0 * 2 ** (shift_st / 12), 40.0, 1600.0), 0).astype(np.float32)
    filled = fill_unvoiced(shifted)
    loudness = scale_loudness(np.concatenate(louds), gain)
    return Analysis(
        n_samples, gain, shift_st, shifted, filled, loudness, frame_phase(filled, audio.output_hop, audio.output_rate)
    )
