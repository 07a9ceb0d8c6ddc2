"""Live conversion: a block of audio in, as much out, a constant 38.5 ms later; everything is guessed from the past.

Level, median pitch and key shift are running estimates; f0 is SwiftF0's on the last 0.22 s.
"""

from collections import deque
from dataclasses import dataclass, field

import numpy as np

from autovoice.audio.excitation import DEFAULT_F0_HZ
from autovoice.audio.f0 import median_f0_hz
from autovoice.audio.f0_live import PAST, newest_f0
from autovoice.audio.loudness import LOUDNESS_FLOOR, active_power_dbfs, silence_gate
from autovoice.audio.mel import AFTER, BEFORE
from autovoice.audio.mel import FRAME_LENGTH as FRAME
from autovoice.networks import Networks
from autovoice.sharpening import sharpened
from autovoice.synthesis import LiveSynthesis
from autovoice.voice import VoiceProfile

MEMORY_S = 10.0
MAX_GAIN_DB = 30.0


@dataclass
class Running:
    """What is known so far of the speaker: power of the last frames, pitch of the last voiced ones."""

    powers: deque[float] = field(default_factory=lambda: deque(maxlen=int(MEMORY_S * 50)))
    pitches: deque[float] = field(default_factory=lambda: deque(maxlen=int(MEMORY_S * 100)))

    def gain(self, level_dbfs: float) -> float:
        """Linear gain that brings the active level of the last seconds to level_dbfs, at most 30 dB."""
        power = np.array(self.powers) if self.powers else np.zeros(1)
        missing_db = level_dbfs - active_power_dbfs(power)
        return float(10 ** (np.clip(missing_db, -MAX_GAIN_DB, MAX_GAIN_DB) / 20)) if power.max() > 1e-7 else 1.0

    def shift_st(self, voice: VoiceProfile) -> float:
        """Semitones from the median pitch of the last seconds to the voice's."""
        median = median_f0_hz(np.array(self.pitches))
        return float(12 * np.log2(voice.f0_median_hz / median)) if median and voice.f0_median_hz else 0.0


class LiveConverter:
    """One stream into one voice. Not shared between threads."""

    def __init__(
        self,
        networks: Networks,
        voice: VoiceProfile,
        shift_st: float | None = None,
        reference_s: float = 4.0,
        sharpening: float = 0.0,
        seed: int = 0,
    ) -> None:
        """shift_st: None = follow the speaker's median pitch; sharpening: as a preset's.

        Raises AssetError for a generator that is not causal.
        """
        self.audio, self.voice, self.fixed_shift_st, self.sharpening = networks.audio, voice, shift_st, sharpening
        self.steps = networks.steps(voice.target(reference_s))
        self.synthesis = LiveSynthesis(self.audio, seed)
        self.running = Running()
        self.held = np.zeros(PAST, np.float32)  # ends where the next frame's past ends
        self.pending = np.zeros(0, np.float32)
        self.f0_filled = DEFAULT_F0_HZ
        self.gate = np.zeros(1, np.float32)

    @property
    def delay_s(self) -> float:
        """Seconds from a sample to its conversion, without computing, where blocks end AFTER past a frame's start."""
        lag = self.audio.output_n_fft // 2 / self.audio.output_rate
        return AFTER / self.audio.sample_rate + lag

    def push(self, wav: np.ndarray) -> np.ndarray:
        """wav: mono (n,) float32 at audio.sample_rate -> what is done, at audio.output_rate; in all as long as the input."""
        self.pending = np.concatenate([self.pending, wav.astype(np.float32)])
        parts = []
        while len(self.pending) >= AFTER:
            parts.append(self._frame())
        return np.concatenate(parts) if parts else np.zeros(0, np.float32)

    def _frame(self) -> np.ndarray:
        heard = np.concatenate([self.held, self.pending[:AFTER]])
        self.running.powers.append(float(np.mean(np.square(self.pending[:FRAME], dtype=np.float64))))
        gain = self.running.gain(self.audio.level_dbfs)
        heard = (heard * gain).astype(np.float32)
        f0, filled = self._pitch(heard)
        content, loudness = self.steps.content(heard[-(BEFORE + AFTER) :]), self._loudness(heard)
        filters = self.steps.filters(content, f0, loudness)
        filters = sharpened(filters, f0[None] > 0, self.sharpening, self.audio.output_rate)
        wav = self.synthesis.push(filters, f0, filled)
        loud = np.concatenate([self.gate, loudness])
        gated = silence_gate(loud, self.audio.output_hop)[self.audio.output_hop :] if len(loud) > 1 else wav
        self.gate = loudness[-1:]
        self.held = np.concatenate([self.held, self.pending[:FRAME]])[FRAME:]
        self.pending = self.pending[FRAME:]
        return np.clip(wav * gated / gain, -0.99, 0.99).astype(np.float32)

    def _pitch(self, heard: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """f0 and f0_filled (2,) in Hz of the frame's two halves, shifted; heard begins PAST samples before it."""
        f0 = newest_f0(heard, self.audio.hop_length, self.audio.f0_min_hz, self.audio.f0_max_hz)
        self.running.pitches.extend(float(f) for f in f0 if f > 0)
        shift_st = self.running.shift_st(self.voice) if self.fixed_shift_st is None else self.fixed_shift_st
        shifted = np.where(f0 > 0, np.clip(f0 * 2 ** (shift_st / 12), 40.0, 1600.0), 0).astype(np.float32)
        filled = []
        for f in shifted:
            self.f0_filled = float(f) if f > 0 else self.f0_filled
            filled.append(self.f0_filled)
        return shifted, np.array(filled, np.float32)

    def _loudness(self, heard: np.ndarray) -> np.ndarray:
        """(2,): as audio.loudness.loudness_contour, over as much of the frame's future as is there."""
        power = np.square(heard, dtype=np.float64)
        centres = [len(heard) - AFTER, len(heard) - AFTER + self.audio.hop_length]
        means = np.array([power[c - 2 * self.audio.hop_length : c + 2 * self.audio.hop_length].mean() for c in centres])
        return np.maximum(0.5 * np.log10(np.maximum(means, 1e-20)) + 1.5, LOUDNESS_FLOOR).astype(np.float32)
