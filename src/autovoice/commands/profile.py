"""Say where the time of a conversion goes, stage by stage.

examples:
  autovoice profile talk.wav --voice ada
  autovoice profile talk.wav --voice ada --preset fast --flame flame.html
"""

import tempfile
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from autovoice.commands.console import Console, add_voices
from autovoice.commands.convert import PRESETS, configuration, converter_on, device, folder_of_voice, target_voice
from autovoice.errors import DataError


def add_arguments(parser: ArgumentParser) -> None:
    """profile SOURCE (--voice NAME | --reference PATH...) [--preset P] [--flame OUT.html]."""
    parser.add_argument("source", type=Path, metavar="SOURCE", help="a recording")
    target = parser.add_mutually_exclusive_group(required=True)
    target.add_argument("--voice", metavar="NAME", help="a voice made by `autovoice clone`")
    target.add_argument("--reference", nargs="+", type=Path, metavar="PATH", help="recordings of the target, used once")
    parser.add_argument(
        "--preset", choices=PRESETS, default="balanced", help="speed against quality (default: balanced)"
    )
    parser.add_argument("--flame", type=Path, metavar="OUT.html", help="also write a flame graph (extra `profile`)")
    parser.add_argument(
        "--device", type=device, default="auto", metavar="cpu|cuda|cuda:N|auto", help="default: auto, CUDA if any"
    )
    add_voices(parser)


def run(args: Namespace) -> int:
    """Converts once to warm up, once under the stopwatch, and writes no result."""
    console = Console(args)
    if args.flame and args.flame.suffix.lower() != ".html":
        raise DataError("is no .html file", f"--flame {args.flame}", "name it OUT.html")
    folder = folder_of_voice(args)
    started = time.perf_counter()
    from autovoice.spans import Stopwatch, traced

    converter = converter_on(args.device)
    load_s = time.perf_counter() - started
    voice, watch = target_voice(args, console, folder, converter), Stopwatch()
    with tempfile.TemporaryDirectory() as scratch:
        how = (args.source, Path(scratch) / "out.wav", voice, configuration().presets[args.preset])
        converter.convert_file(*how)
        with _flame(args.flame), traced(watch):
            stats = converter.convert_file(*how)
    shares = dict(sorted(watch.seconds.items(), key=lambda item: -item[1]))
    shares["other"] = max(0.0, stats.seconds_used - sum(shares.values()))
    rows = [
        [n, f"{1000 * s:.1f}", f"{s / stats.seconds_used:.1%}", str(watch.calls.get(n, ""))] for n, s in shares.items()
    ]
    took = f"{stats.duration_s:.2f} s in {stats.seconds_used:.3f} s (RTF {stats.rtf:.3f}), loaded in {load_s:.2f} s"
    console.table(f"{args.source.name}: {took}", ["stage", "ms", "share", "calls"], rows)
    facts = {"duration_s": stats.duration_s, "seconds_used": stats.seconds_used, "rtf": stats.rtf, "load_s": load_s}
    console.result({**facts, "preset": args.preset, "stages_s": shares})
    return 0


@contextmanager
def _flame(out: Path | None) -> Iterator[None]:
    """Writes a flame graph of the block."""
    if out is None:
        yield
        return
    try:
        from pyinstrument import Profiler
        from pyinstrument.renderers import HTMLRenderer
    except ModuleNotFoundError as error:
        raise DataError(f"--flame needs the package {error.name}", "", "pip install 'autovoice[profile]'") from error
    from autovoice.files import write_text

    with Profiler(interval=0.001) as profiler:
        yield
    write_text(out, profiler.output(HTMLRenderer()))
