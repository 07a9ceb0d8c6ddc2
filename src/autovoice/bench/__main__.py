"""Speed and memory of each preset on this machine, beside two baselines: tables, plots, and bench.json for machines.

python -m autovoice.bench --threads 1 2 --lengths 1 60 3600 --batches 1 4 --device cuda --out bench.json
"""

import argparse
import math
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.progress import track

from autovoice.bench.jobs import BASELINES, PRESETS, STREAM_S, Job, in_own_process, plan
from autovoice.bench.report import plot, show
from autovoice.errors import AutovoiceError
from autovoice.files import write_json

LIVE = "live"
SYSTEMS = (*PRESETS, *BASELINES, LIVE)


def positive(kind: type[int] | type[float]) -> Callable[[str], float]:
    """An argument type: a finite number above 0."""

    def read(text: str) -> float:
        try:
            value = kind(text)
        except ValueError:
            value = kind(0)
        if not 0 < value < math.inf:
            raise argparse.ArgumentTypeError(f"'{text}' is not a{' whole' if kind is int else ''} number above 0")
        return value

    return read


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """What to measure."""
    parser = argparse.ArgumentParser(
        prog="python -m autovoice.bench", description=__doc__.splitlines()[0] if __doc__ else ""
    )
    parser.add_argument("--recordings", type=Path, default=Path("data/raw/demo"), help="<speaker>/<recording>")
    parser.add_argument("--systems", nargs="+", default=[*SYSTEMS], choices=SYSTEMS)
    parser.add_argument("--threads", type=positive(int), nargs="+", default=[1, 2], help="of the CPU (default: 1 2)")
    parser.add_argument(
        "--device", default="auto", help="what to measure beside the CPU: cuda, cuda:N, auto = a GPU if any, cpu = none"
    )
    parser.add_argument("--rtf-length", type=positive(float), default=60.0, help="seconds for the RTF (default: 60)")
    parser.add_argument(
        "--lengths", type=positive(float), nargs="*", default=[1, 10, 60, 600, 3600], help="seconds, each preset"
    )
    parser.add_argument("--batches", type=positive(int), nargs="*", default=[1, 2, 4, 8], help="recordings at once")
    parser.add_argument("--out", type=Path, default=Path("data/bench.json"))
    return parser.parse_args(argv)


def jobs_of(args: argparse.Namespace) -> list[Job]:
    """Every job of the table; speaking and the live one only where they can be, else a sentence says why not."""
    from autovoice.bench.speaking import why_no_speech
    from autovoice.bench.stream import why_no_stream
    from autovoice.models.torch_networks import pick_device

    device = str(pick_device(args.device))
    devices = list(dict.fromkeys(("cpu", device)))
    systems = [name for name in args.systems if name != LIVE]
    jobs = plan(systems, args.threads, devices, args.rtf_length, args.lengths, args.batches)
    if reason := why_no_speech():
        print(f"bench: speaking is left out: {reason}.", file=sys.stderr)
    else:
        jobs += [Job("speak", name, "cpu", n, 1.0) for name in systems if name in PRESETS for n in args.threads]
    if LIVE not in args.systems:
        return jobs
    if reason := why_no_stream():
        print(f"bench: live conversion is left out: {reason}.", file=sys.stderr)
        return jobs
    return [*jobs, Job("stream", LIVE, "cpu", 1, STREAM_S)]


def main(argv: Sequence[str] | None = None) -> int:
    """Measures every preset and baseline on the CPU, presets on a GPU too, against length, against batch, speaking and live."""
    args = arguments(argv)
    try:
        from autovoice.bench.systems import demo_recordings
        from autovoice.reproducibility import environment_record

        source, target = demo_recordings(args.recordings)
        jobs = jobs_of(args)
        rows = [in_own_process(job, source, target) for job in track(jobs, "measuring", transient=True)]
        show(rows)
        write_json(args.out, {"rows": rows, "provenance": environment_record()})
        plot(rows, args.out.with_suffix(".png"))
    except AutovoiceError as error:
        print(f"bench: {error.sentence}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
