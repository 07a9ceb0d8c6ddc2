"""What conversion is compared with: WORLD's pitch and mean envelope exchanged, and Griffin-Lim from a mel spectrogram."""

from collections.abc import Sequence

import numpy as np
import torch

from autovoice.audio.f0 import median_f0_hz
from autovoice.torchaudio_compat import torchaudio

FRAME_MS = 5.0
GRIFFIN_LIM = {"n_fft": 1024, "hop_length": 256, "n_mels": 80, "n_iter": 32}


def _world(wav: np.ndarray, sample_rate: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """f0 (T,) in Hz with 0 = unvoiced, envelope and aperiodicity (T, bins) every 5 ms (Morise et al. 2016)."""
    import pyworld

    x = np.ascontiguousarray(wav, np.float64)
    coarse, times_s = pyworld.dio(x, sample_rate, frame_period=FRAME_MS)
    f0 = pyworld.stonemask(x, coarse, times_s, sample_rate)
    return f0, pyworld.cheaptrick(x, f0, times_s, sample_rate), pyworld.d4c(x, f0, times_s, sample_rate)


def _mean_log_envelope(envelope: np.ndarray, f0: np.ndarray) -> np.ndarray:
    return np.log(envelope[f0 > 0] if (f0 > 0).any() else envelope).mean(0)


def world_convert(
    wav: np.ndarray, references: Sequence[np.ndarray], sample_rate: int, shift_st: float | None = None
) -> np.ndarray:
    """wav (T,) -> (T,) float32: its pitch moved to the references' median, its mean voiced envelope made theirs.

    shift_st: semitones, None = median to median. The references are joined.
    """
    import pyworld

    f0, envelope, aperiodicity = _world(wav, sample_rate)
    target_f0, target_envelope, _ = _world(np.concatenate(list(references)), sample_rate)
    source_hz, target_hz = median_f0_hz(f0), median_f0_hz(target_f0)
    if shift_st is None:
        shift_st = 12 * float(np.log2(target_hz / source_hz)) if source_hz and target_hz else 0.0
    change = _mean_log_envelope(target_envelope, target_f0) - _mean_log_envelope(envelope, f0)
    change -= change.mean()  # the level stays the source's
    made = pyworld.synthesize(
        f0 * 2 ** (shift_st / 12), np.exp(np.log(envelope) + change), aperiodicity, sample_rate, FRAME_MS
    )
    made = np.pad(made, (0, max(0, len(wav) - len(made))))[: len(wav)]
    rms = np.sqrt(np.mean(np.square(wav, dtype=np.float64))) / max(np.sqrt(np.mean(made**2)), 1e-9)
    return np.clip(made * rms, -1, 1).astype(np.float32)


def griffin_lim(wav: np.ndarray, sample_rate: int) -> np.ndarray:
    """wav (T,) -> (T,) float32 through 80 mel bands and back, phases by 32 rounds of Griffin & Lim (1984)."""
    n_fft, hop = GRIFFIN_LIM["n_fft"], GRIFFIN_LIM["hop_length"]
    bank = torchaudio.functional.melscale_fbanks(
        n_fft // 2 + 1, 0.0, sample_rate / 2, GRIFFIN_LIM["n_mels"], sample_rate
    )
    window = torch.hann_window(n_fft)
    spectrum = torch.stft(torch.from_numpy(wav)[None].float(), n_fft, hop, window=window, return_complex=True).abs()[0]
    magnitude = (torch.linalg.pinv(bank.T) @ (bank.T @ spectrum)).clamp(min=0)
    with torch.random.fork_rng():
        torch.manual_seed(0)  # the first phases are drawn
        made = torchaudio.functional.griffinlim(
            magnitude, window, n_fft, hop, n_fft, 1.0, GRIFFIN_LIM["n_iter"], 0.99, len(wav), True
        )
    return made.numpy().clip(-1, 1)
