"""Convert many recordings: a table of jobs or a folder, by several workers, continued where it was interrupted.

examples:
  autovoice batch jobs.csv --voice ada -o converted/
  autovoice batch talks/ --reference someone.flac -o converted/ --workers 4
  autovoice batch jobs.csv --voice ada -o /shared/converted/ --engine ray
"""

import os
import time
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections import Counter
from dataclasses import asdict, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

from autovoice.batch.jobs import Job, Rules, jobs_of_folder, jobs_of_table
from autovoice.batch.ledger import Ledger, Outcome
from autovoice.commands import convert, sing, speak
from autovoice.commands.batch_task import KINDS, failed, tasks_of, voice_of_reference, work
from autovoice.commands.console import Console, add_voices
from autovoice.commands.convert import PRESETS, device, pitch, seed
from autovoice.commands.faults import MISUSE
from autovoice.commands.recordings import expand
from autovoice.engines import ENGINES
from autovoice.errors import AutovoiceError, DataError
from autovoice.files import write_csv, write_json

FORMATS = {"convert": sorted(convert.WRITABLE), "sing": sing.WRITABLE, "speak": speak.WRITABLE}


def add_arguments(parser: ArgumentParser) -> None:
    """batch JOBS.csv|FOLDER [--voice NAME | --reference PATH...] -o OUT and how."""
    parser.add_argument(
        "jobs", type=Path, metavar="JOBS", help="a CSV with a row a recording, or a folder of recordings"
    )
    target = parser.add_mutually_exclusive_group()
    target.add_argument("--voice", metavar="NAME", help="a voice made by `autovoice clone`, for rows that name none")
    target.add_argument("--reference", nargs="+", type=Path, metavar="PATH", help="recordings of the target instead")
    parser.add_argument("-o", "--out", required=True, type=Path, metavar="OUT", help="the folder of the results")
    parser.add_argument(
        "--preset", choices=PRESETS, default="balanced", help="speed against quality (default: balanced)"
    )
    parser.add_argument(
        "--pitch", type=pitch, default="auto", metavar="auto|SEMITONES", help="key shift (default: auto)"
    )
    parser.add_argument("--engine", choices=ENGINES, default="local", help="who works (default: local; ray: a cluster)")
    parser.add_argument(
        "--workers", type=workers, default=0, metavar="N", help="how many at once (default: by the number of cores)"
    )
    parser.add_argument(
        "--device", type=device, default="auto", metavar="cpu|cuda|cuda:N|auto", help="default: auto, CUDA if any"
    )
    parser.add_argument("--seed", type=seed, default=0, metavar="N", help="same seed, same result (default: 0)")
    parser.add_argument(
        "--no-watermark", action="store_true", help="leave out the inaudible mark; the provenance says so"
    )
    add_voices(parser)


def workers(text: str) -> int:
    """A whole number from 1 to 999."""
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 1000):
        raise ArgumentTypeError(f"'{text}' is not a whole number from 1 to 999")
    return int(text)


def run(args: Namespace) -> int:
    """Does what is not done yet, writes OUT/summary.csv and summary.json; 2 where something failed."""
    console, started = Console(args), time.perf_counter()
    jobs = plan(args)
    ledger, at_once = Ledger(args.out.resolve()), _at_once(args, len(jobs))
    reference = None if all(job.voice for job in jobs) else voice_of_reference(args, console)
    if args.no_watermark:
        console.warn("no watermark: nothing in the sound will tell that it is converted")
    outcomes: dict[Path, Outcome] = {}
    with ledger.held():
        for name in ("summary.csv", "summary.json"):
            (ledger.root / name).unlink(missing_ok=True)  # of an earlier run
        ledger.sweep(job.out for job in jobs)
        tasks = tasks_of(jobs, args, ledger.root, at_once, reference)
        num_gpus = 1 if args.device.startswith("cuda") else 0
        with console.progress(f"{len(jobs)} recordings") as on_progress:
            for task, result in ENGINES[args.engine](work, tasks, at_once, num_gpus):
                outcome = result or failed(task.job, "its worker died each time; is there enough memory?")
                outcomes[task.job.out] = outcome
                if outcome.error:
                    known = outcome.source in outcome.error
                    console.error(outcome.error if known else f"{outcome.source}: {outcome.error}")
                on_progress(len(outcomes) / len(jobs))
        ledger.sweep(job.out for job in jobs)  # of workers that died
        return _conclude(console, ledger.root, [outcomes[job.out] for job in jobs], time.perf_counter() - started)


def plan(args: Namespace) -> list[Job]:
    """The jobs of the table or folder, each checked; nothing is made yet. Raises AutovoiceError."""
    if args.out.exists() and not args.out.is_dir():
        raise AutovoiceError("is a file", f"-o {args.out}", "name a folder")
    default = Job(0, None, args.out, "convert", args.voice or "", args.preset, str(args.pitch))
    checks = {"kind": _kind, "preset": _preset, "pitch": pitch, "voice": lru_cache(_voice_check(args))}
    if args.jobs.is_dir():
        checks["voice"](default.voice)
        return jobs_of_folder(args.jobs, expand([args.jobs]), args.out, default)
    if not args.jobs.is_file():
        raise DataError("no such table or folder", str(args.jobs), "name a CSV with the column source, or a folder")
    return jobs_of_table(args.jobs, args.out, default, Rules(FORMATS, checks))


def _kind(text: str) -> None:
    if text not in KINDS:
        raise ArgumentTypeError(f"kind '{text}' is none of {', '.join(KINDS)}")


def _preset(text: str) -> None:
    if text not in PRESETS:
        raise ArgumentTypeError(f"preset '{text}' is none of {', '.join(PRESETS)}")


def _voice_check(args: Namespace) -> Any:
    def check(name: str) -> None:
        if name:
            convert.folder_of_voice(Namespace(voice=name, voices=args.voices))
        elif not args.reference:
            raise AutovoiceError("no voice is named", "", "give --voice or --reference, or fill the column voice")

    return check


def _at_once(args: Namespace, n_jobs: int) -> int:
    """How many work at once; 0 leaves it to the cluster."""
    if args.engine == "ray":
        return args.workers
    return min(n_jobs, args.workers or max(1, (os.cpu_count() or 2) // 2))


def _conclude(console: Console, root: Path, outcomes: list[Outcome], seconds: float) -> int:
    """Writes the summary and says it in a line."""
    counts = Counter(outcome.status for outcome in outcomes)
    rows = [asdict(outcome) for outcome in outcomes]
    table = [{**row, "warnings": "; ".join(row["warnings"])} for row in rows]
    write_csv(root / "summary.csv", [field.name for field in fields(Outcome)], table)
    summary = {**{name: counts[name] for name in ("done", "kept", "failed")}, "seconds": seconds, "jobs": rows}
    write_json(root / "summary.json", summary)
    console.result(summary)
    said = ", ".join(f"{counts[name]} {name}" for name in ("done", "kept", "failed") if counts[name])
    console.say(f"{root}: {said} in {seconds:.1f} s; see summary.csv there")
    return MISUSE if counts["failed"] else 0
