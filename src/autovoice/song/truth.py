"""Songs whose truth is known: mixtures of a clean vocal and a band at known levels, and what is measured of their conversion."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from autovoice.audio.io import load_native
from autovoice.audio.resample import resample
from autovoice.metrics.f0_tracker import track_f0
from autovoice.metrics.pitch import f0_corr, f0_rmse_hz, shifted
from autovoice.metrics.separation import leakage_db, si_sdr_db
from autovoice.metrics.singing import vibrato
from autovoice.separation import SAMPLE_RATE
from autovoice.song.stats import SongStats
from autovoice.song.synthetic import Note, band, sing

HEARD_RATE = 16000
PEAK = 0.9
PAUSE_S = 2.0  # of the band alone, before and after the vocal
SCALES = ((0, 2, 4, 5, 7, 9, 11, 12), (12, 7, 4, 0, 4, 7, 12, 7), (0, 7, 5, 4, 9, 7, 2, 0), (0, 12, 11, 7, 9, 5, 4, 0))
Score = tuple[list[Note], float]


@dataclass(frozen=True)
class Mixture:
    """(T, 2) float32 at 44.1 kHz each; song = vocal + band."""

    vocal: np.ndarray
    band: np.ndarray

    @property
    def song(self) -> np.ndarray:
        return self.vocal + self.band


def scores() -> Iterator[tuple[str, np.ndarray]]:
    """(name, mono vocal at 44.1 kHz) of songs by the synthetic singer: low, middle, high and very high (880 Hz)."""
    for key, steps in zip((45, 53, 62, 69), SCALES, strict=True):
        notes = [Note(key + step, 0.3 + 0.75 * i, 0.73, "aeiou"[i % 5]) for i, step in enumerate(steps)]
        yield f"score_{key}", sing(notes, 6.8, SAMPLE_RATE, seed=key)[0]


def recorded(path: Path) -> np.ndarray:
    """A clean vocal in a file, mono at 44.1 kHz."""
    wav, rate = load_native(path)
    return resample(wav.mean(1), rate, SAMPLE_RATE)


def mixed(vocal: np.ndarray, vocal_db: float, seed: int = 0) -> Mixture:
    """vocal (T,) at 44.1 kHz, vocal_db over a band that plays two seconds before and after it; peaks at 0.9."""
    pause = np.zeros(round(PAUSE_S * SAMPLE_RATE), np.float32)
    sung = np.concatenate([pause, vocal, pause])
    music = band(len(sung) / SAMPLE_RATE, SAMPLE_RATE, seed=seed)[: len(sung)]
    wide = np.repeat(sung[:, None], 2, 1)
    wide *= np.linalg.norm(music[len(pause) : -len(pause)]) / np.linalg.norm(wide) * 10 ** (vocal_db / 20)
    scale = PEAK / np.abs(wide + music).max()
    return Mixture((scale * wide).astype(np.float32), (scale * music).astype(np.float32))


def measured(mixture: Mixture, result: Path, stats: SongStats) -> dict[str, float]:
    """What became of a mixture that convert_song wrote to `result` with its stems: numbers by name (docs/songs.md)."""
    found, converted = (load_native(path)[0] for path in (Path(stats.stems[0]), Path(stats.stems[2])))
    song, after = mixture.song, load_native(result)[0]
    tracks = [track_f0(_heard(wav)) for wav in (mixture.vocal, converted)]
    n = min(map(len, tracks))
    reference, made = shifted(tracks[0][:n], stats.shift_st), tracks[1][:n]
    lead = round(0.75 * PAUSE_S * SAMPLE_RATE)
    vibratos = [vibrato(track)[1] for track in (reference, made)]
    return {
        "si_sdr_db": si_sdr_db(mixture.vocal.mean(1), found.mean(1)),
        "leakage_db": leakage_db(mixture.vocal.mean(1), mixture.band.mean(1), found.mean(1)),
        "vocal_db": stats.vocal_db,
        "f0_rmse_hz": f0_rmse_hz(reference, made),
        "f0_corr": f0_corr(reference, made),
        "vibrato_cents_err": abs(vibratos[0] - vibratos[1]),
        "residual_db": _db(after[:lead] - song[:lead], song[:lead]),
        "rtf": stats.rtf,
    }


def _heard(wav: np.ndarray) -> np.ndarray:
    return resample(wav.mean(1), SAMPLE_RATE, HEARD_RATE)


def _db(rest: np.ndarray, whole: np.ndarray) -> float:
    energies = [float(np.square(wav, dtype=np.float64).sum()) for wav in (rest, whole)]
    return 10 * math.log10(max(energies[0], 1e-20) / max(energies[1], 1e-20))
