"""What is known of a song once it is converted, and what a person should know of it."""

from dataclasses import dataclass, field

LEAKAGE_DB, LEAKAGE_VOICED = -25.0, 0.4  # a vocal stem under either is mostly what leaked into it
WIDE_DB, REVERBERANT_S, FAR_ST, LOWERED_DB = -6.0, 1.8, 24.0, 6.0


@dataclass
class SongStats:
    """What a conversion took and found; rtf = seconds_used / duration_s; shifts in semitones.

    vocal_db: energy of the vocal stem against the song's; width_db: of its channels' difference against their sum;
    voiced_share: of the vocal's sounding frames; decay_s: of the original's notes to -60 dB, 0 = unknown; lowered_db: the
    most that headroom took from the vocal.
    """

    duration_s: float
    sample_rate: int
    channels: int
    vocal_db: float
    width_db: float
    voiced_share: float
    sung_s: float
    n_phrases: int
    decay_s: float
    shift_st: float
    accompaniment_shift_st: float = 0.0
    lowered_db: float = 0.0
    seconds_used: float = 0.0
    rtf: float = 0.0
    stems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def warnings_of(stats: SongStats) -> list[str]:
    """What is usable but not as it should be, a sentence each."""
    found = []
    if stats.vocal_db < LEAKAGE_DB or stats.voiced_share < LEAKAGE_VOICED:
        found.append(
            f"the vocal is mostly what leaked from the instruments ({stats.vocal_db:.0f} dB of the song's energy, "
            f"{stats.voiced_share:.0%} of it has a pitch): is there a singer?"
        )
    if stats.width_db > WIDE_DB:
        found.append("the vocal is wide: backing voices are converted with it, as one voice")
    if stats.decay_s > REVERBERANT_S:
        found.append(f"the vocal is reverberant ({stats.decay_s:.1f} s): what remains of its room is converted too")
    if abs(stats.shift_st) >= FAR_ST:
        found.append(f"the song is {abs(stats.shift_st) / 12:.0f} octaves from the voice: expect a strange timbre")
    off_st = (stats.shift_st - stats.accompaniment_shift_st) % 12
    if min(off_st, 12 - off_st) > 0.01:
        found.append(
            f"shifted by {stats.shift_st:+g} semitones, off the accompaniment's key: add --shift-accompaniment"
        )
    if stats.lowered_db > LOWERED_DB:
        found.append(f"the vocal was lowered by up to {stats.lowered_db:.0f} dB for moments that would have clipped")
    return found
