"""Where somebody speaks: the level and the voiced frames of a recording, and the stretches between its pauses."""

from dataclasses import dataclass

import numpy as np

from autovoice.audio.f0 import extract_f0
from autovoice.audio.loudness import centred_power
from autovoice.audio.runs import closed, runs
from autovoice.audio.windows import array_blocks, overlapping_windows
from autovoice.config import AudioConfig

WINDOW_S, CONTEXT_S = 20.0, 0.5
RANGE_DB, NOISE_MARGIN_DB, LEAST_RANGE_DB = 35.0, 6.0, 15.0  # under the loud frames; over the quiet ones
FLOOR_DBFS = -65.0
REACH_FRAMES = 30  # what sounds within 0.3 s of a voiced frame belongs to it
PAUSE_FRAMES = 20  # shorter gaps are within a word
MIN_VOICED_FRAMES = 8


@dataclass(frozen=True)
class Heard:
    """Frames of 10 ms. level_db (T,) dBFS; voiced (T,) bool; stretches: [start, stop) of speech without a pause."""

    level_db: np.ndarray
    voiced: np.ndarray
    stretches: list[tuple[int, int]]


def hear(wav: np.ndarray, audio: AudioConfig) -> Heard:
    """wav: mono (T,) at audio.sample_rate -> its speech, by loudness and pitch; other people's music counts as speech."""
    hop, rate = audio.hop_length, audio.sample_rate
    core, context = int(WINDOW_S * rate), int(CONTEXT_S * rate)
    powers, voiced = [], []
    for window in overlapping_windows(array_blocks(wav, rate)(), core, context):
        n_frames, lead = -(-len(window.wav) // hop), window.lead // hop
        part = slice(lead, lead + -(-window.n_core // hop))
        powers.append(centred_power(window.wav, hop, n_frames)[part])
        voiced.append(extract_f0(window.wav, hop, n_frames, audio.f0_min_hz, audio.f0_max_hz)[part] > 0)
    if not powers:
        return Heard(np.zeros(0), np.zeros(0, bool), [])
    level_db, is_voiced = 10 * np.log10(np.concatenate(powers)), np.concatenate(voiced)
    return Heard(level_db, is_voiced, speech_stretches(level_db, is_voiced))


def speech_stretches(level_db: np.ndarray, voiced: np.ndarray) -> list[tuple[int, int]]:
    """level_db (T,) and voiced (T,) bool -> [start, stop) of what sounds near a pitch, cut at pauses of 0.2 s."""
    loud, quiet = np.percentile(level_db, [95, 5])
    limit = max(loud - RANGE_DB, min(quiet + NOISE_MARGIN_DB, loud - LEAST_RANGE_DB), FLOOR_DBFS)
    near = np.convolve(voiced, np.ones(2 * REACH_FRAMES + 1), "full")[REACH_FRAMES:][: len(voiced)] > 0.5
    found = runs(closed((level_db > limit) & near, PAUSE_FRAMES))
    return [(a, b) for a, b in found if np.count_nonzero(voiced[a:b]) >= MIN_VOICED_FRAMES]
