"""convert --map and --list-speakers: the speakers of one recording, told apart and converted each into a voice of its own."""

import re
from argparse import ArgumentTypeError, Namespace
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from autovoice.commands.console import Console
from autovoice.commands.recordings import warn_of
from autovoice.errors import AutovoiceError, DataError

MAX_SPEAKERS = 10
SHOWN_TURNS = 8


def speakers(text: str) -> int:
    """A whole number from 1 to 10."""
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= MAX_SPEAKERS):
        raise ArgumentTypeError(f"'{text}' is not a whole number from 1 to {MAX_SPEAKERS}")
    return int(text)


def parse_map(pairs: Sequence[str]) -> dict[str, str]:
    """["S1=ada", "S3=june:0.5,carlo:0.5"] -> {"S1": "ada", ...}; raises DataError for any other form, and a speaker twice."""
    voices: dict[str, str] = {}
    for pair in pairs:
        name, _, voice = (part.strip() for part in pair.partition("="))
        if not (re.fullmatch(r"[Ss][1-9][0-9]?", name, re.ASCII) and voice):
            raise DataError(
                f"'{pair}' is not SPEAKER=VOICE", "--map", "write S1=ada; --list-speakers shows who there is"
            )
        if name.upper() in voices:
            raise DataError(f"names {name.upper()} twice", "--map", "give each speaker one voice")
        voices[name.upper()] = voice
    return voices


def run(args: Namespace, console: Console, jobs: Sequence[tuple[Path, Path]]) -> int:
    """Converts the one recording of jobs, (source, result) pairs, and says what became of each speaker."""
    from autovoice.commands.convert import configuration, converter_on, folder_of_voice, target_voice

    wanted, (source, target) = parse_map(args.map), _only(jobs)
    folders = {name: folder_of_voice(Namespace(voice=voice, voices=args.voices)) for name, voice in wanted.items()}
    warnings = warn_of(source, console)
    from autovoice.diarise.convert import ConversationOptions, convert_conversation
    from autovoice.provenance import provenance_of_several

    converter, preset = converter_on(args.device), configuration().presets[args.preset]
    voices = {name: target_voice(args, console, folder, converter) for name, folder in folders.items()}
    if args.no_watermark:
        console.warn("no watermark: nothing in the sound will tell that it is converted")
    record = provenance_of_several(voices, converter.weights, args.preset, not args.no_watermark)
    options = ConversationOptions(args.pitch, args.speakers, args.seed, record.watermark, record.tags())
    with console.progress(f"converting {source.name}") as on_progress:
        stats = convert_conversation(source, target, voices, converter, preset, options, on_progress)
    record.write_beside(target)
    console.say(f"{target}: {stats.duration_s:.2f} s in {stats.seconds_used:.2f} s")
    for name, own in stats.speakers.items():
        as_whom = f"as {own.voice}, shifted {own.shift_st:+.1f} semitones" if own.voice else "as before"
        console.say(f"  {name}: {own.speech_s:.1f} s {as_whom}")
    facts = {"source": str(source), "out": str(target), "warnings": warnings, "watermark": record.watermark}
    console.result({**facts, **asdict(stats)})
    return 0


def _only(items: Sequence[Any]) -> Any:
    if len(items) != 1:
        raise AutovoiceError(
            "names several recordings", "--map", "convert one at a time: speakers are told apart in each"
        )
    return items[0]


def list_speakers(args: Namespace, console: Console) -> int:
    """Prints who speaks in the recording, for how long and when."""
    source = _only(args.sources)
    warnings = warn_of(source, console)
    from autovoice.config import AudioConfig
    from autovoice.diarise.convert import load_talk
    from autovoice.diarise.speakers import diarise, speakers_of

    audio = AudioConfig()
    found = speakers_of(diarise(load_talk(source, audio.sample_rate), audio, args.speakers))
    rows = [[s.name, f"{s.speech_s:.1f}", str(len(s.turns)), _when(s.turns)] for s in found]
    console.table(f"{source}", ["speaker", "seconds", "turns", "when"], rows)
    spoken = [{**asdict(speaker), "speech_s": speaker.speech_s} for speaker in found]
    console.result({"source": str(source), "warnings": warnings, "speakers": spoken})
    return 0


def _when(turns: Sequence[tuple[float, float]]) -> str:
    shown = ", ".join(f"{_clock(start)}-{_clock(stop)}" for start, stop in turns[:SHOWN_TURNS])
    return shown + (f" and {len(turns) - SHOWN_TURNS} more (--json has all)" if len(turns) > SHOWN_TURNS else "")


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{seconds % 60:04.1f}"
