"""What every speaker-similarity metric shares: the level, the joining of references, the cosine.

The rule, the same for SECS and CAM++ and a contract with other programs: mono 16 kHz, the whole file (no voice activity
detection, no trimming) at -26 dBFS RMS, one embedding a file; several references are joined end to end, each at that
level, and embedded as one.
"""

from collections.abc import Sequence

import numpy as np

from autovoice.audio.loudness import SILENCE_DBFS, rms_dbfs
from autovoice.errors import AudioError

SAMPLE_RATE = 16000
LEVEL_DBFS = -26.0
MIN_SAMPLES = SAMPLE_RATE // 10  # 100 ms: shorter audio carries no voice that an encoder could tell


def levelled(wav: np.ndarray, level_dbfs: float = LEVEL_DBFS) -> np.ndarray:
    """wav (T,) mono 16 kHz -> the same float32 samples scaled to `level_dbfs` RMS over the whole array.

    Raises AudioError if it is shorter than 100 ms, digital silence, or holds NaN or infinity.
    """
    wav = np.asarray(wav, np.float32)
    if len(wav) < MIN_SAMPLES:
        raise AudioError(f"has {len(wav) / SAMPLE_RATE:.3f} s of audio, too little for a speaker embedding")
    if not np.isfinite(wav).all():
        raise AudioError("holds NaN or infinite samples")
    level = rms_dbfs(wav)
    if level <= SILENCE_DBFS:
        raise AudioError("is digital silence, which has no voice")
    return (wav * 10 ** ((level_dbfs - level) / 20)).astype(np.float32)


def joined(wavs: Sequence[np.ndarray]) -> np.ndarray:
    """Several recordings of one voice (T_i,) -> one array (sum T_i,), each at -26 dBFS RMS."""
    return np.concatenate([levelled(wav) for wav in wavs])


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    """Cosine of two embeddings (D,), -1 to 1; NaN if either is zero or not finite."""
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    norm = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b / norm) if norm > 0 and np.isfinite(norm) else float("nan")


def unit(vector: np.ndarray) -> np.ndarray:
    """A vector (D,) scaled to length 1, float32; raises AudioError if it has no direction."""
    norm = float(np.linalg.norm(vector))
    if not np.isfinite(norm) or norm == 0:
        raise AudioError("gives a speaker embedding without direction")
    return (vector / norm).astype(np.float32)
