"""Splits: train, dev and eval of each speaker, disjoint by recording, the same for the same seed."""

import hashlib
from collections import defaultdict
from dataclasses import replace

from autovoice.data.manifest import Segment

MAX_HELD_OUT = 0.4  # of a speaker's seconds, dev and eval together
SENTENCE_S = 2.0  # shorter ones make poor sources


def assign_splits(segments: list[Segment], dev_s: float, eval_s: float, seed: int) -> list[Segment]:
    """segments with `split` set: about eval_s and dev_s seconds a speaker held out, at most 40 % of the speaker's.

    A speaker with fewer than three recordings is split by segment, each of which then counts as a recording.
    """
    by_speaker: dict[str, list[Segment]] = defaultdict(list)
    for segment in segments:
        by_speaker[segment.speaker].append(segment)
    return [s for speaker in sorted(by_speaker) for s in _split_speaker(by_speaker[speaker], dev_s, eval_s, seed)]


def _split_speaker(segments: list[Segment], dev_s: float, eval_s: float, seed: int) -> list[Segment]:
    if len({s.recording for s in segments}) < 3:
        segments = [replace(s, recording=f"{s.recording}#{i}") for i, s in enumerate(segments)]
    seconds: dict[str, float] = defaultdict(float)
    for segment in segments:
        seconds[segment.recording] += segment.duration_s
    total, budget = sum(seconds.values()), MAX_HELD_OUT * sum(seconds.values())
    wanted = {"eval": eval_s, "dev": dev_s}
    scale = min(1.0, budget / max(1e-9, eval_s + dev_s))
    order = sorted(seconds, key=lambda r: (seconds[r] < SENTENCE_S, hashlib.sha256(f"{seed} {r}".encode()).hexdigest()))
    chosen: dict[str, str] = {}
    for split, amount in wanted.items():
        taken = 0.0
        for recording in order:
            held = sum(seconds[r] for r in chosen)
            if recording in chosen or taken >= amount * scale or len(chosen) >= len(order) - 1:
                continue
            if held + seconds[recording] <= max(budget, 0.5 * total if not taken else 0.0):
                chosen[recording] = split
                taken += seconds[recording]
    return [replace(s, split=chosen.get(s.recording, "train")) for s in segments]
