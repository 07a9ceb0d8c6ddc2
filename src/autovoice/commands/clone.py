"""Clone a voice from recordings of one person.

example:
  autovoice clone ada ada_1.wav ada_2.flac --consent "Ada agreed by letter, 2 May"
"""

import shutil
import tempfile
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from autovoice.commands.console import Console, add_voices
from autovoice.commands.recordings import load_checked
from autovoice.errors import DataError

if TYPE_CHECKING:  # it imports torch, which --help must not wait for
    from autovoice.voice import VoiceProfile


def add_arguments(parser: ArgumentParser) -> None:
    """clone NAME PATH... [--consent TEXT] [--voices DIR] [--replace]."""
    parser.add_argument("name", metavar="NAME", help="the voice's name: letters, digits, spaces, - and _")
    parser.add_argument(
        "paths", nargs="+", type=Path, metavar="PATH", help="recordings, or folders of them; 10 s or more"
    )
    parser.add_argument("--consent", default="", metavar="TEXT", help="how the person agreed; kept with the voice")
    parser.add_argument("--replace", action="store_true", help="replace an existing voice of that name")
    add_voices(parser)
    parser.set_defaults(collects=("paths", Path))


def run(args: Namespace) -> int:
    """Writes voices/NAME and says how good the voice is."""
    from autovoice.config import AudioConfig
    from autovoice.voice import clone_voice, voice_dir

    console = Console(args)
    folder = voice_dir(args.voices, args.name)
    if folder.exists() and not args.replace:
        raise DataError("a voice of that name exists", str(folder), "choose another name or give --replace")
    wavs, warnings = load_checked(args.paths, console)
    with console.progress(f"cloning {args.name}") as on_progress:
        voice = clone_voice(folder.name, wavs, args.consent, on_progress)
    save_whole(voice, folder, AudioConfig().output_rate)
    for reason in voice.reasons:
        console.warn(reason)
    console.say(
        f"{folder}: {voice.speech_s:.1f} s of speech used, verdict {voice.verdict}, "
        f"similarity spread {voice.spread:.2f}, median pitch {voice.f0_median_hz:.0f} Hz"
    )
    console.result({"voice": str(folder), **voice.facts(), "warnings": warnings})
    return 0


def save_whole(voice: "VoiceProfile", folder: Path, sample_rate: int) -> None:
    """Saves beside `folder` and swaps it in, so that a failure leaves neither half a voice nor a lost one."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=".cloning-", dir=folder.parent))
    try:
        voice.save(temporary / "new", sample_rate)
        if folder.exists():
            folder.rename(temporary / "old")
        (temporary / "new").rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
