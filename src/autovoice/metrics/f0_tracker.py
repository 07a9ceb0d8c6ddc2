"""The pitch tracker that judges: autocorrelation with a best path (Boersma 1993), not the one that the model hears.

Extraction uses SwiftF0; measuring with the same tracker would let its errors cancel. Of the independent trackers,
measured on 40 recordings of 36 readers against SwiftF0 (gross errors; RMSE over frames voiced in both; voicing
disagreement; speed on one thread): WORLD dio + stonemask 3.2 %, 32 Hz, 17 %, 68x; WORLD harvest 1.3 %, 11 Hz, 26 %,
3.4x; this one 0.6 %, 10 Hz, 9 %, 56x. On an 80 to 800 Hz glide at 40 dB SNR its error is 0.01 Hz; white noise is
unvoiced, and so is a voice less than 2 dB above white noise. Range: 70 to 1000 Hz.
Paper: Boersma 1993, "Accurate short-term analysis of the fundamental frequency and the harmonics-to-noise ratio of a
sampled sound", IFA Proceedings 17. Written from the paper, with a second pass that narrows the range to the voice.
"""

import numpy as np

SAMPLE_RATE = 16000
FRAME_S = 0.010
F0_MIN_HZ = 70.0
F0_MAX_HZ = 1000.0
PERIODS = 3  # of the lowest pitch in a window
OVERSAMPLE = 4  # of the autocorrelation before parabolic interpolation
N_CANDIDATES = 8  # voiced candidates a frame; one more is unvoiced
SILENCE_THRESHOLD = 0.03
VOICING_THRESHOLD = 0.6  # the paper has 0.45; 0.6 halves the RMSE above
OCTAVE_COST = 0.01  # an octave: prefers the higher of two equally periodic candidates
JUMP_COST = 0.35  # an octave a frame
VOICING_COST = 0.14  # a change between voiced and unvoiced
RANGE = (0.45, 2.2)  # of the first pass' quartiles: a second pass drops candidates that this voice cannot have meant
CHUNK_FRAMES = 2000  # bounds memory: a chunk's autocorrelations take about 60 MB


def track_f0(wav: np.ndarray) -> np.ndarray:
    """wav (T,) mono 16 kHz -> f0 (T // 160 + 1,) float64 in Hz every 10 ms, 0 where unvoiced.

    Frame i is centred on sample 160 i. Audio shorter than a window, or silent, is unvoiced throughout.
    """
    hop = round(FRAME_S * SAMPLE_RATE)
    n_frames = len(wav) // hop + 1
    size = round(PERIODS / F0_MIN_HZ * SAMPLE_RATE)
    wav = np.asarray(wav, np.float64) - (np.mean(wav, dtype=np.float64) if len(wav) else 0.0)
    peak = float(np.abs(wav).max(initial=0.0))
    if len(wav) < size or peak == 0:
        return np.zeros(n_frames)
    padded = np.pad(wav, (size // 2, size))
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[::hop][:n_frames]
    chunks = [_candidates(frames[i : i + CHUNK_FRAMES], peak) for i in range(0, n_frames, CHUNK_FRAMES)]
    pitch = np.concatenate([chunk[0] for chunk in chunks])
    strength = np.concatenate([chunk[1] for chunk in chunks])
    first = _best_path(pitch, strength)
    if not first.any():
        return first
    low, high = np.percentile(first[first > 0], (25, 75))
    outside = (pitch > 0) & ((pitch < RANGE[0] * low) | (pitch > RANGE[1] * high))
    return _best_path(pitch, np.where(outside, -np.inf, strength))


def _candidates(frames: np.ndarray, peak: float) -> tuple[np.ndarray, np.ndarray]:
    """frames (n, size) -> pitch (n, K + 1) in Hz, 0 = unvoiced, and strength (n, K + 1), -inf = no such candidate."""
    size = frames.shape[1]
    window = np.hanning(size + 2)[1:-1]
    centred = frames - frames.mean(1, keepdims=True)
    shortest = int(SAMPLE_RATE * OVERSAMPLE / F0_MAX_HZ)
    longest = int(np.ceil(SAMPLE_RATE * OVERSAMPLE / F0_MIN_HZ))
    lags = slice(shortest - 1, longest + 2)
    part = _autocorrelation(centred * window)[:, lags] / _autocorrelation(window[None])[:, lags]
    left, mid, right = part[:, :-2], part[:, 1:-1], part[:, 2:]
    is_peak = (mid > left) & (mid >= right) & (mid > VOICING_THRESHOLD / 2)
    curve = np.where(is_peak, left - 2 * mid + right, -1.0)
    offset = np.where(is_peak, 0.5 * (left - right) / curve, 0.0)
    height = np.where(is_peak, mid - 0.25 * (left - right) * offset, 0.0)
    pitch = SAMPLE_RATE * OVERSAMPLE / (np.arange(shortest, longest + 1) + offset)
    height = np.where(height > 1, 1 / np.maximum(height, 1.0), height)  # as in the paper: rounding may exceed 1
    strength = np.where(is_peak, height + OCTAVE_COST * np.log2(pitch / F0_MIN_HZ), -np.inf)
    best = np.argsort(-strength, 1, kind="stable")[:, :N_CANDIDATES]
    loudness = np.abs(centred).max(1) / peak
    silence = np.maximum(0.0, 2 - loudness / SILENCE_THRESHOLD * (1 + VOICING_THRESHOLD))
    unvoiced = (VOICING_THRESHOLD + silence)[:, None]
    pitch = np.concatenate([np.zeros_like(unvoiced), np.take_along_axis(pitch, best, 1)], 1)
    return pitch, np.concatenate([unvoiced, np.take_along_axis(strength, best, 1)], 1)


def _autocorrelation(frames: np.ndarray) -> np.ndarray:
    """frames (n, size) -> autocorrelation (n, lags) oversampled in lag, 1 at lag 0 (0 for a silent frame)."""
    n_fft = 2 ** int(np.ceil(np.log2(1.5 * frames.shape[1])))
    power = np.abs(np.fft.rfft(frames, n_fft)) ** 2
    correlation = np.fft.irfft(power, n_fft * OVERSAMPLE)[:, : n_fft * OVERSAMPLE // 2]
    return correlation / np.maximum(correlation[:, :1], 1e-20)


def _best_path(pitch: np.ndarray, strength: np.ndarray) -> np.ndarray:
    """Viterbi: (n, K) candidates and strengths -> (n,) pitch in Hz of the path with the highest total score."""
    n_frames, n_candidates = pitch.shape
    voiced = pitch > 0
    octave = np.where(voiced, np.log2(np.where(voiced, pitch, 1.0)), 0.0)
    came_from = np.zeros((n_frames, n_candidates), np.int64)
    score = strength[0].copy()
    for i in range(1, n_frames):
        cost = np.where(
            voiced[i - 1][:, None] & voiced[i][None],
            JUMP_COST * np.abs(octave[i - 1][:, None] - octave[i][None]),
            VOICING_COST * (voiced[i - 1][:, None] != voiced[i][None]),
        )
        total = score[:, None] - cost
        came_from[i] = total.argmax(0)
        score = total.max(0) + strength[i]
    path = np.empty(n_frames, np.int64)
    path[-1] = int(score.argmax())
    for i in range(n_frames - 1, 0, -1):
        path[i - 1] = came_from[i, path[i]]
    return pitch[np.arange(n_frames), path]
