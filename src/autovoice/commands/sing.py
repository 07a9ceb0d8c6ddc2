"""Convert the vocal of a song into a voice, and mix it with the accompaniment again.

examples:
  autovoice sing song.mp3 --voice ada -o song_as_ada.mp3
  autovoice sing song.flac --reference someone.wav -o out.flac --pitch -12 --keep-stems
  autovoice sing --vocals vocal.wav --accompaniment band.wav --voice ada -o out.wav
"""

from argparse import ArgumentParser, Namespace
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from autovoice.commands.console import Console, add_voices
from autovoice.commands.convert import (
    PRESETS,
    VOICE_HELP,
    converter_on,
    device,
    folder_of_voice,
    pitch,
    seed,
    target_voice,
)
from autovoice.errors import AutovoiceError

WRITABLE = (".wav", ".flac", ".mp3", ".ogg", ".opus")
SEPARATORS = ("spleeter", "demucs")
KEPT = (" mixed down", "resampled")  # warnings of others: a song keeps its channels and its rate


def add_arguments(parser: ArgumentParser) -> None:
    """sing SONG (--voice NAME | --reference PATH...) -o OUT and how."""
    parser.add_argument(
        "song", nargs="?", type=Path, metavar="SONG", help="a song; not needed where both of its stems are named"
    )
    target = parser.add_mutually_exclusive_group(required=True)
    target.add_argument("--voice", metavar="NAME", help=VOICE_HELP)
    target.add_argument("--reference", nargs="+", type=Path, metavar="PATH", help="recordings of the target, used once")
    parser.add_argument(
        "-o", "--out", required=True, type=Path, metavar="OUT", help=f"a file: {', '.join(WRITABLE)}; the song's rate"
    )
    parser.add_argument(
        "--preset", choices=PRESETS, default="balanced", help="speed against quality (default: balanced)"
    )
    parser.add_argument(
        "--pitch", type=pitch, default="auto", metavar="auto|SEMITONES", help="key shift (default: auto, whole octaves)"
    )
    parser.add_argument("--shift-accompaniment", action="store_true", help="the accompaniment follows into the new key")
    parser.add_argument("--vocals", type=Path, metavar="FILE", help="the song's vocal: nothing is separated")
    parser.add_argument("--accompaniment", type=Path, metavar="FILE", help="what it was mixed with, beside --vocals")
    parser.add_argument("--separator", choices=SEPARATORS, help="who separates (default: that of the configuration)")
    parser.add_argument(
        "--keep-stems", action="store_true", help="also write OUT_vocals, _accompaniment and _converted"
    )
    parser.add_argument(
        "--device", type=device, default="auto", metavar="cpu|cuda|cuda:N|auto", help="default: auto, CUDA if any"
    )
    parser.add_argument("--seed", type=seed, default=0, metavar="N", help="same seed, same result (default: 0)")
    parser.add_argument(
        "--no-watermark", action="store_true", help="leave out the inaudible mark; the provenance says so"
    )
    add_voices(parser)


def run(args: Namespace) -> int:
    """Writes the song, and beside it what it was made of."""
    console = Console(args)
    console.result(sing_one(args, console))
    return 0


def sing_one(args: Namespace, console: Console) -> dict[str, Any]:
    """Sings a song, marks it and writes its provenance beside it; -> what a machine wants to know of it."""
    files = _files(args)
    folder = folder_of_voice(args)
    warnings = [text for path in files for text in _oddities(path, console)]
    from autovoice.config import compose
    from autovoice.provenance import provenance_of
    from autovoice.song.convert import SongOptions, convert_song

    config = compose()
    converter = converter_on(args.device)
    voice = target_voice(args, console, folder, converter)
    if args.no_watermark:
        console.warn("no watermark: nothing in the sound will tell that it is converted")
    record = provenance_of(voice, converter.weights, args.preset, not args.no_watermark)
    options = SongOptions(
        args.pitch, args.shift_accompaniment, args.vocals, args.accompaniment, args.keep_stems, args.seed,
        record.watermark, record.tags(),
    )  # fmt: skip
    how = (
        config.presets[args.preset],
        replace(config.song, separator=args.separator or config.song.separator),
        options,
    )
    with console.progress("singing") as on_progress:
        stats = convert_song(args.song, args.out, voice, converter, *how, on_progress)
    record.write_beside(args.out)
    _say(console, args.out, stats)
    stats.warnings = warnings + stats.warnings
    return {"out": str(args.out), "voice": voice.name, "watermark": record.watermark, **asdict(stats)}


def _files(args: Namespace) -> list[Path]:
    """The recordings that are named; raises AutovoiceError where they do not make a song or would be overwritten."""
    if args.out.suffix.lower() not in WRITABLE:
        raise AutovoiceError("is not a format that can be written", f"-o {args.out}", f"name it {', '.join(WRITABLE)}")
    if args.accompaniment and not args.vocals:
        raise AutovoiceError("says nothing of the vocal", "--accompaniment", "name --vocals too, or the song alone")
    if not args.song and not (args.vocals and args.accompaniment):
        raise AutovoiceError("there is no song", "autovoice sing", "name one, or --vocals and --accompaniment")
    files = [path for path in (args.song, args.vocals, args.accompaniment) if path]
    for path in files:
        if args.out.exists() and path.exists() and args.out.samefile(path):
            raise AutovoiceError("would be overwritten by its own conversion", str(path), "choose another -o")
    return files


def _oddities(path: Path, console: Console) -> list[str]:
    """Says what is odd about a usable file, but for its channels and its rate, which a song keeps."""
    from autovoice.audio.io import probe

    odd = [f"{path}: {text}" for text in probe(path).warnings if not text.endswith(KEPT)]
    for text in odd:
        console.warn(text)
    return odd


def _say(console: Console, out: Path, stats: Any) -> None:
    for warning in stats.warnings:
        console.warn(warning)
    console.say(
        f"{out}: {stats.duration_s:.1f} s in {stats.seconds_used:.1f} s; the vocal has {stats.vocal_db:.1f} dB of the song's "
        f"energy and sings {stats.sung_s:.1f} s in {stats.n_phrases} phrase(s), shifted {stats.shift_st:+g} semitones"
    )
