"""Reads and writes audio files: any format that libsndfile or FFmpeg (PyAV) knows, as mono float32."""

from pathlib import Path

import numpy as np
import soundfile as sf
import soxr

from autovoice.errors import AudioError
from autovoice.files import replacing


def load_wav(path: Path, sample_rate: int) -> np.ndarray:
    """Mono float32 (T,) at `sample_rate`; raises AudioError if the file is missing, not audio, empty or not finite."""
    path = Path(path)
    if not path.is_file():
        raise AudioError("no such file", str(path), "check the path")
    try:
        wav, rate = sf.read(path, dtype="float32", always_2d=True)
    except sf.LibsndfileError as error:
        raise AudioError("is not audio that can be read", str(path), "convert it to WAV or FLAC") from error
    if not len(wav):
        raise AudioError("holds no audio", str(path), "record it again")
    if not np.isfinite(wav).all():
        raise AudioError("holds NaN or infinite samples", str(path), "export it again as 16-bit PCM")
    mono = wav.mean(1)
    return mono if rate == sample_rate else soxr.resample(mono, rate, sample_rate).astype(np.float32)


def save_wav(path: Path, wav: np.ndarray, sample_rate: int) -> None:
    """Writes mono float32 (T,) as 16-bit PCM, whole or not at all; the format follows the suffix."""
    with replacing(Path(path)) as temporary:
        sf.write(temporary, np.clip(wav, -1.0, 1.0), sample_rate)
