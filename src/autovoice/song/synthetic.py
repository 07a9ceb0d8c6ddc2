"""Songs made of arithmetic: a singer with formants, vibrato and slides, and a band, both known to the sample.

For tests and for mixtures whose truth is known; nobody would take the singer for a person.
"""

from dataclasses import dataclass

import numpy as np
from scipy.signal import lfilter

FORMANTS_HZ = {"a": (700, 1220, 2600, 3300), "e": (480, 1900, 2500, 3400), "i": (300, 2200, 2900, 3600),
               "o": (450, 800, 2600, 3300), "u": (320, 700, 2500, 3300)}  # fmt: skip
BANDWIDTHS_HZ = (90, 110, 160, 220)
CHORDS = ((0, 4, 7), (7, 11, 14), (9, 12, 16), (5, 9, 12))  # I V vi IV, in semitones over the key


@dataclass(frozen=True)
class Note:
    """A sung note: its pitch, 69 is 440 Hz, when it begins, how long it is held, and its vowel."""

    midi: float
    start_s: float
    duration_s: float
    vowel: str = "a"


def hz(midi: float) -> float:
    """Frequency of a note in Hz, equal temperament at 440 Hz."""
    return float(440 * 2 ** ((midi - 69) / 12))


def sing(
    notes: list[Note],
    duration_s: float,
    rate: int,
    vibrato_hz: float = 5.5,
    vibrato_cents: float = 50.0,
    slide_s: float = 0.08,
    seed: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """-> (mono (T,) float32 with peaks at 0.5, f0 (T,) in Hz of every sample, 0 where nobody sings).

    Notes that follow each other within slide_s are joined by a slide; a breath precedes every phrase.
    """
    rng, n = np.random.default_rng(seed), round(duration_s * rate)
    wav, f0 = np.zeros(n), np.zeros(n)
    for i, note in enumerate(notes):
        a, b = (min(n, round(t * rate)) for t in (note.start_s, note.start_s + note.duration_s))
        t = np.arange(b - a) / rate
        before = notes[i - 1] if i and note.start_s - _end_s(notes[i - 1]) < slide_s else None
        cents = vibrato_cents * np.sin(2 * np.pi * vibrato_hz * t) * np.clip((t - 0.15) / 0.2, 0, 1)
        if before:
            cents += 100 * (before.midi - note.midi) * np.clip(1 - t / slide_s, 0, 1)
        track = hz(note.midi) * 2 ** (cents / 1200)
        held = np.clip(np.minimum(t / 0.02, (note.duration_s - t) / 0.05), 0, 1)
        wav[a:b] += held * _vowel(track, note.vowel, rate, rng)
        f0[a:b] = track
        if not before:
            _breathe(wav, a, rate, rng)
    return (0.5 * wav / max(1e-9, np.abs(wav).max())).astype(np.float32), f0


def band(duration_s: float, rate: int, key_midi: float = 48, beat_s: float = 0.5, seed: int = 0) -> np.ndarray:
    """A stereo accompaniment (T, 2) float32 with peaks at 0.5: chords, bass, kick, snare and hats. No voice is in it."""
    rng, n = np.random.default_rng(seed), round(duration_s * rate)
    wav = np.zeros((n, 2))
    for beat in range(int(np.ceil(duration_s / beat_s))):
        at, chord = round(beat * beat_s * rate), CHORDS[beat // 4 % 4]
        for tone, side in zip(chord, (0.3, 0.5, 0.7), strict=True):
            _add(wav, at, 0.12 * _pluck(hz(key_midi + 12 + tone), 1.2 * beat_s, rate), side)
        _add(wav, at, 0.35 * _pluck(hz(key_midi - 12 + chord[0]), beat_s, rate), 0.5)
        _add(wav, at + round(beat_s / 2 * rate), 0.06 * _hit(rng, 0.04, rate, 0.9), 0.6)
        drum = _kick(rate) if beat % 2 == 0 else 0.3 * _hit(rng, 0.12, rate, 0.3)
        _add(wav, at, drum, 0.5)
    return (0.5 * wav / np.abs(wav).max()).astype(np.float32)


def _end_s(note: Note) -> float:
    return note.start_s + note.duration_s


def _vowel(f0: np.ndarray, vowel: str, rate: int, rng: np.random.Generator) -> np.ndarray:
    """Harmonics of f0, 1/k in amplitude, and a little breath, through the vowel's resonances."""
    phase = 2 * np.pi * np.cumsum(f0) / rate
    n_harmonics = int(0.45 * rate / f0.max())
    source = sum(np.sin(k * phase) / k for k in range(1, n_harmonics + 1)) + 0.01 * rng.standard_normal(len(f0))
    voiced = np.zeros(len(f0))
    for centre_hz, width_hz in zip(FORMANTS_HZ[vowel], BANDWIDTHS_HZ, strict=True):
        radius, angle = np.exp(-np.pi * width_hz / rate), 2 * np.pi * centre_hz / rate
        a = [1.0, -2 * radius * np.cos(angle), radius**2]
        voiced += lfilter([(1 - radius) * np.sqrt(1 + radius**2 - 2 * radius * np.cos(2 * angle))], a, source)
    return voiced


def _breathe(wav: np.ndarray, before: int, rate: int, rng: np.random.Generator) -> None:
    """A quarter of a second of noise, some 35 dB under the notes, before sample `before`."""
    n = min(before, round(0.25 * rate))
    wav[before - n : before] += 0.01 * rng.standard_normal(n) * np.hanning(n)


def _pluck(pitch_hz: float, seconds: float, rate: int) -> np.ndarray:
    t = np.arange(round(seconds * rate)) / rate
    tones = sum(np.sin(2 * np.pi * k * pitch_hz * t) / k**1.5 for k in range(1, 12) if k * pitch_hz < 0.45 * rate)
    return tones * np.exp(-3 * t) * np.clip(t / 0.005, 0, 1) * np.clip((seconds - t) / 0.02, 0, 1)


def _hit(rng: np.random.Generator, seconds: float, rate: int, brightness: float) -> np.ndarray:
    t = np.arange(round(seconds * 3 * rate)) / rate
    noise = rng.standard_normal(len(t))
    return lfilter([1.0, -brightness], [1.0], noise) * np.exp(-t / seconds)


def _kick(rate: int) -> np.ndarray:
    t = np.arange(round(0.2 * rate)) / rate
    return np.sin(2 * np.pi * np.cumsum(50 + 100 * np.exp(-t / 0.03)) / rate) * np.exp(-t / 0.08)


def _add(wav: np.ndarray, at: int, sound: np.ndarray, side: float) -> None:
    """Adds a mono sound from sample `at`; side 0 is left, 1 is right."""
    part = sound[: max(0, len(wav) - at)]
    wav[at : at + len(part)] += part[:, None] * np.sqrt([1 - side, side])
