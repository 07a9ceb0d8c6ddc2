"""A conversation with some of its speakers in other voices, and the others as they were, to the sample."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np

from autovoice.analysis import analyse
from autovoice.audio.io import StreamWriter, load_wav
from autovoice.audio.windows import array_blocks
from autovoice.config import PresetConfig
from autovoice.convert import VoiceConverter
from autovoice.diarise.speakers import diarise, name_of, speakers_of
from autovoice.diarise.splice import FADE_S, Place, cut, lay, pieces_in, places_of, with_margin
from autovoice.errors import AudioError, DataError
from autovoice.voice import VoiceProfile
from autovoice.watermark import Watermark

MAX_S = 2 * 3600.0  # the recording is held in memory, up to 0.4 MB a second
Progress = Callable[[float], None]


@dataclass(frozen=True)
class ConversationOptions:
    """pitch: semitones, or auto for each speaker; n_speakers: found if None; tags: as StreamWriter's."""

    pitch: float | Literal["auto"] = "auto"
    n_speakers: int | None = None
    seed: int = 0
    watermark: bool = True
    tags: Mapping[str, str] | None = None


@dataclass
class SpeakerStats:
    """What became of a speaker: seconds of speech and turns, the voice ("" where there is none) and the key shift."""

    speech_s: float
    n_turns: int
    voice: str = ""
    shift_st: float = 0.0


@dataclass
class ConversationStats:
    """speakers: by name; rtf = seconds_used / duration_s."""

    duration_s: float
    seconds_used: float
    rtf: float
    speakers: dict[str, SpeakerStats]


def load_talk(path: Path, sample_rate: int) -> np.ndarray:
    """Mono (T,) float32; raises AudioError as load_wav, and for more than two hours."""
    wav = load_wav(path, sample_rate)
    if len(wav) > MAX_S * sample_rate:
        raise AudioError(f"lasts more than {MAX_S / 3600:g} hours", str(path), "cut it into parts")
    return wav


def convert_conversation(
    source: Path,
    target: Path,
    voices: Mapping[str, VoiceProfile],
    converter: VoiceConverter,
    preset: PresetConfig,
    options: ConversationOptions | None = None,
    on_progress: Progress | None = None,
) -> ConversationStats:
    """Writes `source` with the speakers of `voices` (S1, S2, ...) in their voices, at the output rate, whole or not at all.

    All else stays as it is at that rate. The watermark is in the converted turns alone, each with the consent id of its
    voice. Raises AudioError without speech and DataError for a speaker that is not there.
    """
    options, report = options or ConversationOptions(), on_progress or (lambda share: None)
    started, audio = time.perf_counter(), converter.audio
    wav = load_talk(source, audio.sample_rate)
    turns = diarise(wav, audio, options.n_speakers)
    stats = {speaker.name: SpeakerStats(speaker.speech_s, len(speaker.turns)) for speaker in speakers_of(turns)}
    check_there(voices, stats)
    original = load_wav(source, audio.output_rate)
    out, n_frames = original.copy(), min(len(wav) // audio.hop_length, len(original) // audio.output_hop)
    places = places_of(turns, n_frames)
    for i, (name, voice) in enumerate(voices.items()):
        own = [place for place, turn in zip(places, turns, strict=True) if name_of(turn) == name]
        speech = OneSpeaker(wav, own, voice, converter, preset, options)
        share = partial(_share, report, i, len(voices))
        stats[name].voice, stats[name].shift_st = voice.name, speech.convert_into(out, original, share)
    with StreamWriter(target, audio.output_rate, tags=options.tags) as writer:
        writer.write(out)
    used, duration_s = time.perf_counter() - started, len(wav) / audio.sample_rate
    return ConversationStats(duration_s, used, used / duration_s, stats)


def _share(report: Progress, i: int, n: int, share: float) -> None:
    report((i + share) / n)


def check_there(names: Iterable[str], found: Mapping[str, SpeakerStats]) -> None:
    """Raises DataError for a name that is not that of a speaker."""
    for name in names:
        if name not in found:
            there = ", ".join(f"{known} ({stats.speech_s:.0f} s)" for known, stats in found.items())
            raise DataError(f"no speaker {name} was found", "--map", f"there are {there}; see --list-speakers")


@dataclass(frozen=True)
class OneSpeaker:
    """The turns of one speaker, converted together: what is alike in them, level, key and colour, is heard of them all.

    wav: the whole recording, mono at the model's rate; places: frames in which the speaker is replaced.
    """

    wav: np.ndarray
    places: list[Place]
    voice: VoiceProfile
    converter: VoiceConverter
    preset: PresetConfig
    options: ConversationOptions

    def convert_into(self, out: np.ndarray, original: np.ndarray, report: Progress) -> float:
        """Replaces the places in out (T,), which began as original (T,), both at the output rate; -> key shift in semitones."""
        audio, rate = self.converter.audio, self.converter.audio.output_rate
        pieces = [with_margin(place, len(original) // audio.output_hop) for place in self.places]
        made, shift_st = self._converted(cut(self.wav, pieces, audio.hop_length), report)
        parts = pieces_in(made, pieces, audio.output_hop)
        for (start, stop), (first, _), part in zip(self.places, pieces, parts, strict=True):
            at, edges = first * audio.output_hop, (start * audio.output_hop, stop * audio.output_hop)
            lay(out, original, self._marked(part, at), at, edges, int(FADE_S * rate))
        return shift_st

    def _converted(self, speech: np.ndarray, report: Progress) -> tuple[np.ndarray, float]:
        audio = self.converter.audio
        blocks = array_blocks(speech, audio.sample_rate)
        analysis = analyse(blocks(), self.voice, audio, self.options.pitch, self.converter.networks.pitch)
        made, n_made = [], 0
        for part in self.converter.stream(blocks(), analysis, self.voice, self.preset, self.options.seed):
            made.append(part)
            n_made += len(part)
            report(n_made / self.converter.spoken(len(speech)))
        return np.concatenate(made), analysis.shift_st

    def _marked(self, part: np.ndarray, at: int) -> np.ndarray:
        if not self.options.watermark:
            return part
        mark = Watermark(self.converter.audio.output_rate, self.voice.payload, start=at)
        return np.concatenate([mark.push(part), mark.finish()])
