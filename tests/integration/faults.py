"""Faults as a broken system or a forger would leave them in converted audio, and changes that are no faults."""

from collections.abc import Callable

import numpy as np
import pyworld
from scipy.signal import butter, sosfiltfilt

RATE = 16000
Change = Callable[[np.ndarray], np.ndarray]


def with_pitch(wav: np.ndarray, change: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> np.ndarray:
    """wav again by WORLD with f0 -> change(f0 where voiced, times in s)."""
    x = np.ascontiguousarray(wav, np.float64)
    f0, times_s = pyworld.harvest(x, RATE)
    envelope, aperiodicity = pyworld.cheaptrick(x, f0, times_s, RATE), pyworld.d4c(x, f0, times_s, RATE)
    made = pyworld.synthesize(np.where(f0 > 0, change(f0, times_s), 0.0), envelope, aperiodicity, RATE)
    return np.pad(made, (0, max(0, len(wav) - len(made))))[: len(wav)]


def _noise(wav: np.ndarray, snr_db: float) -> np.ndarray:
    noise = np.random.default_rng(0).standard_normal(len(wav))
    return noise * np.sqrt(np.mean(wav**2)) * 10 ** (-snr_db / 20)


def _dropped(wav: np.ndarray) -> np.ndarray:
    out = wav.copy()
    out[int(0.35 * len(wav)) : int(0.6 * len(wav))] = 0
    return out


def _muffled(wav: np.ndarray) -> np.ndarray:
    return sosfiltfilt(butter(6, 3000, fs=RATE, output="sos"), wav)


def _clipped(wav: np.ndarray) -> np.ndarray:
    limit = 0.25 * np.abs(wav).max()
    return np.clip(wav, -limit, limit)


def _octaves(f0: np.ndarray, t: np.ndarray) -> np.ndarray:
    return f0 * np.where(np.sin(2 * np.pi * t / 0.8) > 0.3, 2.0, 1.0)


AUDIO_FAULTS: dict[str, tuple[Change, set[str]]] = {  # how the audio changes; one of these metrics must be named
    "silence": (np.zeros_like, {"secs", "campp", "silence_share"}),
    "noise": (lambda wav: _noise(wav, 0.0), {"secs", "campp"}),
    "pitch_5_percent": (lambda wav: with_pitch(wav, lambda f0, t: f0 * 1.05), {"shift_st"}),
    "semitone": (lambda wav: with_pitch(wav, lambda f0, t: f0 * 2 ** (1 / 12)), {"shift_st"}),
    "wobble": (
        lambda wav: with_pitch(wav, lambda f0, t: f0 * (1 + 0.05 * np.sin(2 * np.pi * 5 * t))),
        {"f0_rmse_cents", "f0_rmse_hz"},
    ),
    "octave_jumps": (lambda wav: with_pitch(wav, _octaves), {"gpe", "octave"}),
    "robot": (
        lambda wav: with_pitch(wav, lambda f0, t: np.full_like(f0, np.median(f0[f0 > 0]))),
        {"f0_corr", "f0_rmse_cents"},
    ),
    "muffled": (_muffled, {"bright_db"}),
    "clipped": (_clipped, {"clip_share"}),
    "truncated": (lambda wav: wav[: int(0.9 * len(wav))], {"dur_ratio"}),
    "dropped_words": (_dropped, {"cer", "cer_b", "wer"}),
    "noise_20_db": (lambda wav: wav + _noise(wav, 20.0), {"noise_db", "dnsmos_bak"}),
}
NO_FAULTS: dict[str, Change] = {
    "gain and dither": lambda wav: 0.99 * wav + np.random.default_rng(1).standard_normal(len(wav)) * 10 ** (-70 / 20),
}
