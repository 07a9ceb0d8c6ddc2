"""The room of the original vocal: how slowly it dies away after notes, and a reverberation that does so too.

The converter follows loudness and so keeps a part of the decay by itself; what is added is light, and nothing for a dry room.
What was measured: docs/songs.md.
"""

from dataclasses import dataclass

import numpy as np
from scipy.signal import fftconvolve

from autovoice.song.phrases import FRAMES_PER_S

NOTE_DB, FIT_DB = (
    -8.0,
    (-14.0, -26.0),
)  # re the active level: a note ends under the first, its decay is fitted over the others
FLOOR_DB, RISE_DB, LONGEST_S, MIN_FRAMES = -40.0, 6.0, 0.8, 12
MIN_ENDS = 3
DRY_S = 1.2  # singers in studios measure 0.5 to 1 s: that is how notes end
OVERESTIMATE = 1.5  # of the decay, as measured of known rooms of 0.6 to 2 s
WET_DB, MAX_DECAY_S = -12.0, 2.5


@dataclass(frozen=True)
class Room:
    """Reverberation of decay_s to -60 dB, its energy WET_DB under the dry sound's."""

    decay_s: float

    def added(self, wav: np.ndarray, sample_rate: int) -> np.ndarray:
        """wav (T,) -> (T,) with the room; noise that decays, the same for every phrase."""
        n = max(1, round(self.decay_s * sample_rate))
        tail = np.random.default_rng(0).standard_normal(n) * 10 ** (-3 * np.arange(n) / n)
        tail *= 10 ** (WET_DB / 20) / np.linalg.norm(tail)
        return (wav + fftconvolve(wav, tail)[: len(wav)]).astype(np.float32)


def decay_s(loudness: np.ndarray, level_dbfs: float) -> float:
    """loudness (T,) of a vocal whose active level is level_dbfs -> median time to -60 dB after notes; 0 under 3 notes."""
    db = 20 * (loudness - 1.5) - level_dbfs
    ends = np.flatnonzero((db[:-1] > NOTE_DB) & (db[1:] <= NOTE_DB))
    slopes = [slope for i in ends if (slope := _slope(db[i : i + int(LONGEST_S * FRAMES_PER_S)])) < -5]
    return float(np.median(-60 / np.array(slopes))) if len(slopes) >= MIN_ENDS else 0.0


def room_of(decay: float) -> Room | None:
    """The room for a vocal whose notes take `decay` seconds to -60 dB; None for a dry one."""
    return Room(min(decay / OVERESTIMATE, MAX_DECAY_S)) if decay >= DRY_S else None


def _slope(db: np.ndarray) -> float:
    """dB a second of the decay at the start of `db`, as long as nothing new sounds; 0 where it is too short to tell."""
    lowest = np.minimum.accumulate(db)
    ended = np.flatnonzero((db > lowest + RISE_DB) | (db < FLOOR_DB))
    fall = db[: ended[0]] if len(ended) else db
    late = np.flatnonzero(fall < FIT_DB[0])
    if not len(late) or len(fall) - late[0] < MIN_FRAMES or fall[late[0] :].min() > FIT_DB[1]:
        return 0.0
    part = fall[late[0] :]
    return float(np.polyfit(np.arange(len(part)) / FRAMES_PER_S, part, 1)[0])
