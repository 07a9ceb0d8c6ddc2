"""What the generator is fed: f0 and loudness of a recording, and the mel of a reference."""

import numpy as np

from autovoice.audio.f0 import Tracker, detect, extract_f0
from autovoice.audio.loudness import gain_to, loudness_contour
from autovoice.audio.mel import log_mel
from autovoice.config import AudioConfig

CONTENT_HOPS = 2  # content frames are 20 ms, all others 10 ms


def at_level(wav: np.ndarray, sample_rate: int, audio: AudioConfig) -> np.ndarray:
    """wav (T,) scaled so that its active level is audio.level_dbfs."""
    return (wav * gain_to(wav, sample_rate, audio.level_dbfs)).astype(np.float32)


def even_length(n_samples: int, audio: AudioConfig) -> int:
    """The largest length <= n_samples that holds whole content frames."""
    step = CONTENT_HOPS * audio.hop_length
    return n_samples // step * step


def extract_frames(wav: np.ndarray, audio: AudioConfig, track: Tracker = detect) -> dict[str, np.ndarray]:
    """wav: mono 16 kHz (n,) at audio.level_dbfs -> frames of its n // 320 * 320 samples.

    f0 (T,) float32 Hz with 0 = unvoiced, loudness (T,) float32, mel (T, n_mels) float16.
    """
    wav = wav[: even_length(len(wav), audio)]
    n_frames = len(wav) // audio.hop_length
    mel = log_mel(wav, audio.sample_rate, audio.n_fft, audio.hop_length, audio.n_mels)
    return {
        "f0": extract_f0(wav, audio.hop_length, n_frames, audio.f0_min_hz, audio.f0_max_hz, track),
        "loudness": loudness_contour(wav, audio.hop_length, n_frames),
        "mel": mel[:n_frames].astype(np.float16),
    }


def ref_mel_of(item: dict[str, np.ndarray]) -> np.ndarray:
    """The mel of an item averaged onto the content's 20 ms frames, (T / 2, n_mels) float32."""
    mel = item["mel"][: 2 * len(item["content"])].astype(np.float32)
    return mel.reshape(-1, 2, mel.shape[1]).mean(1)
