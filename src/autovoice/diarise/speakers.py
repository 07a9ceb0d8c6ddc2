"""Tells the speakers of a recording apart."""

from dataclasses import dataclass

import numpy as np

from autovoice.config import AudioConfig
from autovoice.diarise.cluster import MAX_DISTANCE, find_voices
from autovoice.diarise.embed import embed, windows_of
from autovoice.diarise.speech import Heard, hear
from autovoice.diarise.turns import Turn, find_turns
from autovoice.errors import AudioError

FRAMES_PER_S = 100
MIN_PURE_FRAMES = (
    100  # windows of less than a second of speech say little of a voice: they are no part of the clustering
)


@dataclass(frozen=True)
class Speaker:
    """name: S1, S2, ... in order of appearance; turns: (start, stop) in seconds."""

    name: str
    turns: list[tuple[float, float]]

    @property
    def speech_s(self) -> float:
        """Seconds in all."""
        return sum(stop - start for start, stop in self.turns)


@dataclass(frozen=True)
class Impression:
    """What was heard of a recording: its speech, and windows (start, stop) in frames with their unit vectors (n, 256)."""

    heard: Heard
    windows: list[tuple[int, int]]
    embs: np.ndarray


def listen(wav: np.ndarray, audio: AudioConfig) -> Impression:
    """wav: mono (T,) at audio.sample_rate, finite; raises AudioError without speech."""
    heard = hear(wav, audio)
    if not heard.stretches:
        raise AudioError("holds no speech that could be found", "the recording", "name one of people who speak")
    windows = [window for a, b in heard.stretches for window in windows_of(a, b)]
    return Impression(heard, windows, embed(wav, windows, audio.hop_length))


def tell_apart(impression: Impression, n_speakers: int | None = None, max_distance: float = MAX_DISTANCE) -> list[Turn]:
    """Who speaks when; n_speakers: how many there are, found if None. Where two speak at once one of them is named.

    After Sell et al. 2018, "Diarization is Hard": embeddings of windows, average-linkage clustering, a pass over frames.
    """
    pure = np.array([b - a >= MIN_PURE_FRAMES for a, b in impression.windows])
    chosen = impression.embs[pure] if pure.any() else impression.embs
    centres = find_voices(chosen, n_speakers, max_distance)
    return find_turns(impression.heard, impression.windows, impression.embs, centres)


def diarise(wav: np.ndarray, audio: AudioConfig | None = None, n_speakers: int | None = None) -> list[Turn]:
    """wav: mono (T,) at audio.sample_rate, finite -> who speaks when; raises AudioError without speech."""
    return tell_apart(listen(wav, audio or AudioConfig()), n_speakers)


def name_of(turn: Turn) -> str:
    """S1 for who speaks first, S2 for the next, and so on."""
    return f"S{turn.speaker + 1}"


def speakers_of(turns: list[Turn]) -> list[Speaker]:
    """The speakers of turns that are in order of time, in order of appearance."""
    own: dict[str, list[tuple[float, float]]] = {}
    for turn in turns:
        own.setdefault(name_of(turn), []).append((turn.start / FRAMES_PER_S, turn.stop / FRAMES_PER_S))
    return [Speaker(name, spans) for name, spans in own.items()]
