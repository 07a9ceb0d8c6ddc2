"""Clone a voice from recordings of one person.

example:
  autovoice clone ada ada_1.wav ada_2.flac --consent "Ada agreed by letter, 2 May" --consent-file letter.pdf
"""

import shutil
import tempfile
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from autovoice.commands.console import Console, add_bundle, add_voices
from autovoice.commands.recordings import load_checked
from autovoice.errors import DataError
from autovoice.files import sha256_file

if TYPE_CHECKING:  # it imports torch, which --help must not wait for
    from autovoice.voice import VoiceProfile


def add_arguments(parser: ArgumentParser) -> None:
    """clone NAME PATH... [--consent TEXT] [--consent-file PATH] [--voices DIR] [--replace]."""
    parser.add_argument("name", metavar="NAME", help="the voice's name: letters, digits, spaces, - and _")
    parser.add_argument(
        "paths", nargs="+", type=Path, metavar="PATH", help="recordings, or folders of them; 10 s or more"
    )
    parser.add_argument("--consent", default="", metavar="TEXT", help="how the person agreed; kept with the voice")
    parser.add_argument(
        "--consent-file", type=Path, metavar="PATH", help="what shows it: a letter, a recording; copied into the voice"
    )
    parser.add_argument("--replace", action="store_true", help="replace an existing voice of that name")
    add_voices(parser)
    add_bundle(parser)
    parser.set_defaults(collects=("paths", Path))


def run(args: Namespace) -> int:
    """Writes voices/NAME and says how good the voice is."""
    from autovoice.bundle import load_graphs
    from autovoice.config import AudioConfig
    from autovoice.voice import clone_voice, voice_dir

    console = Console(args)
    folder = voice_dir(args.voices, args.name)
    if folder.exists() and not args.replace:
        raise DataError("a voice of that name exists", str(folder), "choose another name or give --replace")
    if args.consent_file is not None:
        check_consent(args.consent_file)
    wavs, warnings = load_checked(args.paths, console)
    with console.progress(f"cloning {args.name}") as on_progress:
        networks = load_graphs(args.bundle) if args.bundle else None
        voice = clone_voice(folder.name, wavs, args.consent.strip(), on_progress, networks)
    save_whole(voice, folder, AudioConfig().output_rate, args.consent_file)
    for reason in voice.reasons:
        console.warn(reason)
    if not voice.consent_id:
        console.warn("no consent is recorded: say with --consent or --consent-file how the person agreed")
    console.say(
        f"{folder}: {voice.speech_s:.1f} s of speech used, verdict {voice.verdict}, "
        f"similarity spread {voice.spread:.2f}, median pitch {voice.f0_median_hz:.0f} Hz"
    )
    console.result({"voice": str(folder), **voice.facts(), "warnings": warnings})
    return 0


def check_consent(path: Path) -> None:
    """Raises DataError unless path is a file with something in it."""
    if not path.is_file():
        raise DataError("no such file", f"--consent-file {path}", "name the letter or recording that shows the consent")
    if not path.stat().st_size:
        raise DataError("is empty", f"--consent-file {path}", "name the letter or recording that shows the consent")


def save_whole(voice: "VoiceProfile", folder: Path, sample_rate: int, consent_file: Path | None = None) -> None:
    """Saves beside `folder` and swaps it in, so that a failure leaves neither half a voice nor a lost one.

    consent_file: copied into the voice as consent.SUFFIX, its SHA-256 recorded.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=".cloning-", dir=folder.parent))
    try:
        if consent_file is not None:
            voice.consent_file = f"consent{consent_file.suffix.lower()}"
            (temporary / "new").mkdir()
            shutil.copyfile(consent_file, temporary / "new" / voice.consent_file)
            voice.consent_sha256 = sha256_file(temporary / "new" / voice.consent_file)
        voice.save(temporary / "new", sample_rate)
        if folder.exists():
            folder.rename(temporary / "old")
        (temporary / "new").rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
