"""A clip as the browser gets it: one rate, one level and no tag, so that nothing but its sound tells systems apart."""

import io

import numpy as np
import soundfile as sf
import soxr

from autovoice.audio.io import stream_blocks
from autovoice.audio.loudness import gain_to
from autovoice.evaluation.listening_cases import Stimulus

RATE = 48000  # what every sound card plays; a file's own rate would give its system away
LEVEL_DBFS = -26.0  # active level; leaves speech's peaks room
MAX_PLAYED_S = 12.0
LOW_PASS_HZ = 3500.0


def clip_samples(stimulus: Stimulus) -> np.ndarray:
    """(T,) float32 at 48 kHz, at most 12 s, active level -26 dBFS; raises AudioError where the file cannot be read."""
    wav = next(stream_blocks(stimulus.path, RATE, MAX_PLAYED_S))
    if stimulus.low_passed:
        narrow = 2 * LOW_PASS_HZ
        wav = soxr.resample(soxr.resample(wav, RATE, narrow), narrow, RATE)
    return np.clip(wav * gain_to(wav, RATE, LEVEL_DBFS), -1, 1).astype(np.float32)


def clip_wav(stimulus: Stimulus) -> bytes:
    """The same as a 16-bit WAV file."""
    buffer = io.BytesIO()
    sf.write(buffer, clip_samples(stimulus), RATE, format="WAV", subtype="PCM_16")
    return buffer.getvalue()
