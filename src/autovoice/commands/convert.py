"""Convert speech into a voice, keeping words, melody and timing.

examples:
  autovoice convert talk.wav --voice ada -o talk_as_ada.wav
  autovoice convert one.wav two.mp3 --reference someone.flac -o converted/ --preset quality
  autovoice convert talk.wav --voice ada:0.7,june:0.3 -o between.wav
  autovoice convert interview.wav --list-speakers
  autovoice convert interview.wav --map S2=ada -o out.wav
"""

import math
import re
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any

from autovoice.commands import conversation
from autovoice.commands.console import Console, add_bundle, add_voices
from autovoice.commands.conversation import speakers
from autovoice.commands.faults import explain
from autovoice.commands.recordings import expand, load_checked, warn_of
from autovoice.errors import AutovoiceError

PRESETS = ("fast", "balanced", "quality")
WRITABLE = {".wav", ".flac"}
MAX_SHIFT_ST = 36.0
VOICE_HELP = "a voice made by `autovoice clone`, or a blend of several: ada:0.7,june:0.3"


def add_arguments(parser: ArgumentParser) -> None:
    """convert SOURCE... (--voice NAME | --reference PATH... | --map SPEAKER=VOICE... | --list-speakers) -o OUT and how."""
    parser.add_argument(
        "sources", nargs="+", type=Path, metavar="SOURCE", help="recordings to convert, or folders of them"
    )
    target = parser.add_mutually_exclusive_group(required=True)
    target.add_argument("--voice", metavar="NAME", help=VOICE_HELP)
    target.add_argument("--reference", nargs="+", type=Path, metavar="PATH", help="recordings of the target, used once")
    target.add_argument(
        "--map", nargs="+", metavar="SPEAKER=VOICE", help="of a recording of several: whose voice becomes which"
    )
    target.add_argument("--list-speakers", action="store_true", help="who speaks in it and when; nothing is converted")
    parser.add_argument("--speakers", type=speakers, metavar="N", help="how many there are (default: found out)")
    parser.add_argument("-o", "--out", metavar="OUT", help="a .wav or .flac file; a folder for several sources")
    parser.add_argument(
        "--preset", choices=PRESETS, default="balanced", help="speed against quality (default: balanced)"
    )
    parser.add_argument(
        "--pitch", type=pitch, default="auto", metavar="auto|SEMITONES", help="key shift (default: auto)"
    )
    parser.add_argument(
        "--device", type=device, default="auto", metavar="cpu|cuda|cuda:N|auto", help="default: auto, CUDA if any"
    )
    add_bundle(parser)
    parser.add_argument("--seed", type=seed, default=0, metavar="N", help="same seed, same result (default: 0)")
    parser.add_argument(
        "--no-watermark", action="store_true", help="leave out the inaudible mark; the provenance says so"
    )
    add_voices(parser)
    parser.set_defaults(collects=("sources", Path))


def pitch(text: str) -> float | str:
    """ "auto" or a number of semitones from -36 to 36."""
    if text == "auto":
        return text
    try:
        value = float(text)
    except ValueError:
        raise ArgumentTypeError(f"'{text}' is neither auto nor a number of semitones") from None
    if not (math.isfinite(value) and abs(value) <= MAX_SHIFT_ST):
        raise ArgumentTypeError(f"{text} semitones is out of range, from -36 to 36")
    return value


def device(text: str) -> str:
    """cpu, cuda, cuda:N or auto; whether there is such a device is known once torch is loaded."""
    if not re.fullmatch(r"cpu|auto|cuda(:(0|[1-9][0-9]?))?", text, re.ASCII):
        raise ArgumentTypeError(f"'{text}' is none of cpu, cuda, cuda:N and auto")
    return text


def seed(text: str) -> int:
    """A whole number from 0 to 2^32 - 1."""
    if not (text.isascii() and text.isdigit() and int(text) < 2**32):
        raise ArgumentTypeError(f"'{text}' is not a whole number from 0 to 4294967295")
    return int(text)


def run(args: Namespace) -> int:
    """Converts each source; a bad one is named and does not stop the others."""
    console = Console(args)
    if args.speakers and not (args.map or args.list_speakers):
        raise AutovoiceError("has no use here", "--speakers", "give --map or --list-speakers with it")
    if args.list_speakers:
        return conversation.list_speakers(args, console)
    if args.out is None:
        raise AutovoiceError("is missing", "-o OUT", "name a .wav or .flac file, or a folder")
    jobs = plan(args.sources, args.out)
    if args.map:
        return conversation.run(args, console, jobs)
    done, failed = _convert_all(args, console, jobs)
    console.result({"converted": done, "failed": failed})
    return 2 if failed else 0


def plan(sources: list[Path], out: str) -> list[tuple[Path, Path]]:
    """-> (source, result) pairs; raises AutovoiceError where results would not fit `out` or overwrite something."""
    several = len(sources) > 1 or sources[0].is_dir()
    files = [f for path in sources for f in (expand([path]) if path.is_dir() else [path])]
    target = Path(out)
    as_folder = several or out.endswith("/") or target.is_dir()
    if as_folder and (target.suffix.lower() in WRITABLE or target.is_file()) and not target.is_dir():
        raise AutovoiceError("several sources need a folder", f"-o {out}", "name a folder")
    if not as_folder and target.suffix.lower() not in WRITABLE:
        raise AutovoiceError("is neither a .wav nor a .flac file", f"-o {out}", "add .wav, or / for a folder")
    jobs = [(file, target / f"{file.stem}.wav" if as_folder else target) for file in dict.fromkeys(files)]
    taken: dict[Path, Path] = {}
    for file, result in jobs:
        if result in taken:
            raise AutovoiceError(
                f"{taken[result]} and {file} would both become this file", str(result), "rename one of them"
            )
        if result.exists() and file.exists() and result.samefile(file):
            raise AutovoiceError("would be overwritten by its own conversion", str(file), "choose another -o")
        taken[result] = file
    return jobs


def _convert_all(
    args: Namespace, console: Console, jobs: list[tuple[Path, Path]]
) -> tuple[list[dict[str, Any]], dict[str, str]]:
    voice_folder = folder_of_voice(args)
    if len(jobs) == 1:
        _check_readable(jobs[0][0])  # before the models load
    converter = converter_on(args.device, args.bundle)
    voice = target_voice(args, console, voice_folder, converter)
    if args.no_watermark:
        console.warn("no watermark: nothing in the sound will tell that it is converted")
    done: list[dict[str, Any]] = []
    failed: dict[str, str] = {}
    for source, target in jobs:
        try:
            facts = convert_one(source, target, args, console, voice, converter)
        except (AutovoiceError, OSError, RuntimeError) as error:
            sentence, code = explain(error)
            if code != 2:
                raise
            failed[str(source)] = sentence
            console.error(sentence if str(source) in sentence else f"{source}: {sentence}")
            continue
        done.append(facts)
        took = f"{facts['duration_s']:.2f} s in {facts['seconds_used']:.2f} s"
        console.say(f"{target}: {took}, shifted {facts['shift_st']:+.1f} semitones")
    return done, failed


@lru_cache(maxsize=1)
def converter_on(device: str, bundle: Path | None = None) -> Any:
    """The VoiceConverter of this process: its models are loaded once, from a bundle where one is named."""
    from autovoice.convert import VoiceConverter

    return VoiceConverter.from_bundle(bundle, device) if bundle else VoiceConverter(device)


def presets_of(args: Namespace) -> Any:
    """Those of the bundle, or of conf/."""
    from autovoice.bundle import bundle_config

    return (bundle_config(args.bundle) if args.bundle else configuration()).presets


@lru_cache(maxsize=1)
def configuration() -> Any:
    """conf/, composed once."""
    from autovoice.config import compose

    return compose()


def convert_one(
    source: Path, target: Path, args: Namespace, console: Console, voice: Any, converter: Any
) -> dict[str, Any]:
    """Converts a recording, marks it and writes its provenance beside it; -> what a machine wants to know of it."""
    from autovoice.provenance import provenance_of

    warnings, preset = warn_of(source, console), presets_of(args)[args.preset]
    record = provenance_of(voice, converter.weights, args.preset, not args.no_watermark)
    with console.progress(f"converting {source.name}") as on_progress:
        how = (voice, preset, args.pitch, args.seed, on_progress, record.watermark, record.tags())
        stats = converter.convert_file(source, target, *how)
    record.write_beside(target)
    facts = {"source": str(source), "out": str(target), "warnings": warnings, "watermark": record.watermark}
    return {**facts, **asdict(stats)}


def _check_readable(source: Path) -> None:
    from autovoice.audio.io import probe

    probe(source)


def folder_of_voice(args: Namespace) -> dict[Path, float] | None:
    """Where the named voice lives, or those of a blend, with their weights, of sum 1; None for --reference.

    Checked before anything heavy is loaded.
    """
    from autovoice.blend import parse_blend

    if args.voice is None:
        return None
    bundled = args.bundle / "voices" if getattr(args, "bundle", None) else None
    return {_known_folder(args.voices, name, bundled): weight for name, weight in parse_blend(args.voice).items()}


def _known_folder(voices: Path, name: str, bundled: Path | None = None) -> Path:
    from autovoice.voice import voice_dir

    folder = voice_dir(voices, name)
    if bundled is not None and (voice_dir(bundled, name) / "voice.json").is_file():
        return voice_dir(bundled, name)
    if not (folder / "voice.json").is_file():
        known = sorted(p.parent.name for p in voices.glob("*/voice.json"))
        hint = f"known: {', '.join(known[:8])}" if known else "clone it first: autovoice clone NAME RECORDING"
        raise AutovoiceError("no such voice", str(folder), hint)
    return folder


def target_voice(args: Namespace, console: Console, folder: dict[Path, float] | None, converter: Any) -> Any:
    """The named voice, the blend of those that are named, or one cloned from the --reference recordings."""
    from autovoice.voice import VoiceProfile, clone_voice

    if folder is not None:
        return _named_voice([VoiceProfile.load(path) for path in folder], list(folder.values()), console, converter)
    wavs, _ = load_checked(args.reference, console)
    with console.progress("listening to the reference") as on_progress:
        voice = clone_voice("reference", wavs, on_progress=on_progress, networks=converter.networks)
    for reason in voice.reasons:
        console.warn(reason)
    return voice


def _named_voice(voices: list[Any], weights: list[float], console: Console, converter: Any) -> Any:
    from autovoice.blend import blend

    if len(voices) == 1:
        return voices[0]
    voice = blend(voices, weights, converter.weights)
    if voice.adapted is None and any(part.adapted for part in voices):
        console.warn("adapted weights are left out of the blend: not all of its voices are adapted from this base")
    return voice
