"""Singing: is it still the melody, and the vibrato?

chroma         0 to 1: mean cosine of the chroma vectors (12 pitch classes, constant-Q) of both, frame by frame, the result's
               turned by the whole semitones that fit best; 1 means the same melody. Mueller 2015, "Fundamentals of music
               processing"; the turn is the optimal transposition index of Serra et al. 2008.
vibrato_hz     Hz: median rate of the f0 modulation in sustained notes, 4 to 8 Hz. vibrato_cents: its median extent, half of
               peak to peak. Prame 1994 and 1997. In tables as vibrato_hz_err and vibrato_cents_err, |converted - source|.
Failure: NaN where nothing sounds in both (chroma), and where no note of 0.4 s carries a vibrato (the others).
"""

import numpy as np

from autovoice.librosa_alone import librosa

SAMPLE_RATE, HOP_LENGTH, FRAME_S = 16000, 512, 0.01
MIN_NOTE_FRAMES = 40  # 0.4 s: under two cycles tell no rate
RATES_HZ = (4.0, 8.0)
MIN_EXTENT_CENTS, MIN_SHARE = 10.0, 0.5  # of the modulation's power: less is no vibrato


def chroma_similarity(reference: np.ndarray, result: np.ndarray) -> float:
    """Two aligned mono 16 kHz signals (T,) -> 0 to 1; NaN for silence and under 0.5 s."""
    n = min(len(reference), len(result))
    wavs = [np.asarray(wav[:n], np.float32) for wav in (reference, result)]
    if n < SAMPLE_RATE // 2 or min(float(np.abs(wav).max(initial=0.0)) for wav in wavs) < 1e-4:
        return float("nan")
    a, b = (librosa.feature.chroma_cqt(y=wav, sr=SAMPLE_RATE, hop_length=HOP_LENGTH, norm=None) for wav in wavs)
    norms = [np.linalg.norm(c, axis=0) for c in (a, b)]
    loud = (norms[0] > 0.05 * norms[0].max()) & (norms[1] > 0.05 * norms[1].max())
    if not loud.any():
        return float("nan")
    a, b = a[:, loud] / norms[0][loud], b[:, loud] / norms[1][loud]
    return max(float((a * np.roll(b, turn, 0)).sum(0).mean()) for turn in range(12))


def _notes(f0: np.ndarray) -> list[np.ndarray]:
    """Voiced stretches of at least 0.4 s within which f0 never jumps by over a semitone: cents (n,) each."""
    voiced = np.flatnonzero(f0 > 0)
    if not len(voiced):
        return []
    cents = 1200 * np.log2(f0[voiced])
    breaks = np.flatnonzero((np.diff(voiced) > 1) | (np.abs(np.diff(cents)) > 100)) + 1
    return [note for note in np.split(cents, breaks) if len(note) >= MIN_NOTE_FRAMES]


def vibrato(f0: np.ndarray) -> tuple[float, float]:
    """f0 (n,) in Hz every 10 ms, 0 = unvoiced -> (rate in Hz, extent in cents) of the median note with vibrato; NaN, NaN."""
    found = []
    for note in _notes(np.asarray(f0, np.float64)):
        at = np.arange(len(note))
        wave = note - np.polyval(np.polyfit(at, note, 2), at)
        n_fft = 1024
        power = np.abs(np.fft.rfft(wave * np.hanning(len(wave)), n_fft)) ** 2
        hz = np.fft.rfftfreq(n_fft, FRAME_S)
        band = (hz >= RATES_HZ[0]) & (hz <= RATES_HZ[1])
        extent = float(np.sqrt(2) * wave.std())
        if power[band].sum() >= MIN_SHARE * power[hz > 1].sum() and extent >= MIN_EXTENT_CENTS:
            found.append((float(hz[band][power[band].argmax()]), extent))
    if not found:
        return float("nan"), float("nan")
    rates, extents = zip(*found, strict=True)
    return float(np.median(rates)), float(np.median(extents))
