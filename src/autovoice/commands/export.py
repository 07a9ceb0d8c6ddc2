"""Write a bundle that converts without torch: graphs, weights, voices, card, licences and the hash of every file.

examples:
  autovoice export base -o bundle/
  autovoice export ada june -o bundle/ --format onnx --replace
"""

import tempfile
from argparse import ArgumentParser, Namespace
from pathlib import Path

from autovoice.commands.console import Console, add_voices
from autovoice.commands.convert import configuration
from autovoice.errors import DataError

BASE = "base"  # without any voice
EXTRA = ("torch", "onnx")


def add_arguments(parser: ArgumentParser) -> None:
    """export NAME... -o DIR [--format bundle|onnx] [--fp16] [--replace] [--voices DIR]."""
    parser.add_argument(
        "names", nargs="+", metavar="VOICE|base", help="voices of `autovoice clone`; base: none of them"
    )
    parser.add_argument("-o", "--out", required=True, type=Path, metavar="DIR", help="the folder to write")
    parser.add_argument(
        "--format",
        choices=("bundle", "onnx"),
        default="bundle",
        help="onnx leaves out the weights that only torch reads (default: bundle)",
    )
    parser.add_argument("--fp16", action="store_true", help="graphs that compute in float16: for a GPU")
    parser.add_argument("--replace", action="store_true", help="replace an earlier bundle there")
    add_voices(parser)


def run(args: Namespace) -> int:
    """Writes and verifies the bundle beside its place, then puts it there."""
    from importlib.util import find_spec

    console, voices = Console(args), voices_of(args)
    if missing := [name for name in EXTRA if find_spec(name) is None]:
        raise DataError(f"the package {missing[0]} is missing", "", "pip install 'autovoice[train]'")
    check_place(args.out, args.replace)
    from autovoice.bundle import verify_bundle
    from autovoice.export.bundle import write_bundle

    config = configuration()
    args.out.absolute().parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".exporting-", dir=args.out.absolute().parent) as name:
        made = Path(name) / "new"
        write_bundle(made, voices, config.audio, config.content, config.presets, {}, args.format, args.fp16)
        verify_bundle(made)
        if args.out.exists():
            args.out.rename(Path(name) / "old")
        made.rename(args.out)
    size_mb = sum(path.stat().st_size for path in args.out.rglob("*") if path.is_file()) / 1e6
    console.say(f"{args.out}: {len(voices)} voices, {size_mb:.0f} MB")
    console.result({"out": str(args.out), "voices": sorted(voices), "size_mb": size_mb})
    return 0


def voices_of(args: Namespace) -> dict[str, tuple[Path, Path | None]]:
    """name -> (folder, adapted weights or None); raises DataError for a voice that is not there."""
    from autovoice.voice import VoiceProfile, voice_dir

    folders = {name: voice_dir(args.voices, name) for name in args.names if name != BASE}
    return {name: (folder, VoiceProfile.load(folder).adapted) for name, folder in folders.items()}


def check_place(out: Path, replace: bool) -> None:
    """Raises DataError where something lies that is no bundle, or one that is not to be replaced."""
    from autovoice.bundle import MANIFEST

    if out.is_file() or (out.is_dir() and any(out.iterdir()) and not (out / MANIFEST).is_file()):
        raise DataError("is no bundle", f"-o {out}", "name a new or an empty folder")
    if (out / MANIFEST).is_file() and not replace:
        raise DataError("a bundle is there", f"-o {out}", "choose another folder or give --replace")
