"""The tasks of a batch: jobs with all that a worker needs to do them, and the work itself, in whatever process."""

import os
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from autovoice import __version__
from autovoice.batch.jobs import Job
from autovoice.batch.ledger import FOLDER, Ledger, Outcome, fingerprint
from autovoice.commands import convert, sing, speak
from autovoice.commands.console import Console
from autovoice.commands.convert import configuration, converter_on
from autovoice.commands.faults import FAULT, explain
from autovoice.files import sha256_file

KINDS = {"convert": convert, "sing": sing, "speak": speak}
VOICE_FILES = ("voice.json", "voice.safetensors", "weights.safetensors")
REFERENCE = "reference"  # what `convert` calls the voice of --reference


@dataclass(frozen=True)
class Task:
    """A job with all that a worker needs to do it. facts: what the result depends on, but for the source."""

    job: Job
    root: Path
    voices: Path
    options: tuple[str, ...]
    facts: Mapping[str, Any]
    num_threads: int
    debug: bool


def voice_of_reference(args: Namespace, console: Console) -> Any:
    """The voice of --reference, cloned once for all workers."""
    voice = convert.target_voice(args, console, None, converter_on(args.device))
    converter_on.cache_clear()  # the workers have their own
    return replace(voice, recordings=[])


def tasks_of(jobs: list[Job], args: Namespace, root: Path, at_once: int, reference: Any) -> list[Task]:
    """The jobs as tasks; the voice of --reference, if any, is kept where all workers find it."""
    from autovoice.config import AudioConfig
    from autovoice.weights import BASE_GENERATOR

    own = root / FOLDER / "voices"
    if reference:
        reference.save(own / REFERENCE, AudioConfig().output_rate)
    options = (f"--device={args.device}", f"--seed={args.seed}", *(["--no-watermark"] if args.no_watermark else []))
    common = {"version": __version__, "weights": sha256_file(BASE_GENERATOR), "options": options[1:]}
    num_threads = max(1, (os.cpu_count() or 1) // at_once) if args.engine == "local" else 1  # a CPU a task of Ray's
    hashes = lru_cache(_voice_hashes)
    tasks = []
    for job in jobs:
        voices = args.voices.resolve() if job.voice else own
        job = replace(job, voice=job.voice or REFERENCE)
        facts = {**common, "voice": hashes(voices, job.voice), **_facts(job)}
        tasks.append(Task(job, root, voices, options, facts, num_threads, args.debug))
    return tasks


def _facts(job: Job) -> dict[str, Any]:
    """What the result depends on besides the files: the job's own words and what the configuration makes of them."""
    config = configuration()
    words = {name: getattr(job, name) for name in ("kind", "voice", "pitch", "text")}
    settings = [config.presets[job.preset], *{"convert": [], "sing": [config.song], "speak": [config.tts]}[job.kind]]
    return {**words, "preset": job.preset, "settings": [asdict(part) for part in settings]}


def _voice_hashes(voices: Path, voice: str) -> list[tuple[float, str]]:
    """The share of each voice of a blend, 1 of a single one, and the SHA-256 of its files."""
    folders = convert.folder_of_voice(Namespace(voice=voice, voices=voices)) or {}
    paths = [(share, folder / name) for folder, share in folders.items() for name in VOICE_FILES]
    return [(share, sha256_file(path) if path.is_file() else "") for share, path in paths]


class _Listener(Console):
    """Says nothing, and remembers the warnings."""

    def __init__(self) -> None:
        super().__init__(Namespace(json=True, command="batch"))
        self.warnings: list[str] = []

    def warn(self, text: str) -> None:
        self.warnings.append(text)


def work(task: Task) -> Outcome:
    """Does a task, in whatever process; what is done already is kept, and a bad recording is an outcome too."""
    job, ledger = task.job, Ledger(task.root)
    try:
        source = sha256_file(job.source) if job.source else ""
        inputs = fingerprint({**task.facts, "source": source})
        if kept := ledger.kept(job.out, inputs):
            return kept
        outcome = _make(task)
        ledger.enter(job.out, inputs, outcome)
        return outcome
    except Exception as error:
        sentence, code = explain(error)
        if task.debug and code == FAULT:
            raise
        return failed(job, sentence)


def _make(task: Task) -> Outcome:
    """Runs the command that makes the result, with the models that this process holds."""
    import torch

    torch.set_num_threads(min(task.num_threads, torch.get_num_threads()))
    job, console, args = task.job, _Listener(), _arguments(task)
    if job.kind == "convert":
        converter = converter_on(args.device)
        voice = convert.target_voice(args, console, convert.folder_of_voice(args), converter)
        facts = convert.convert_one(args.sources[0], Path(args.out), args, console, voice, converter)
    else:
        facts = sing.sing_one(args, console) if job.kind == "sing" else speak.speak_one(args, console)
    used, duration_s = facts["seconds_used"], facts["duration_s"]
    made = (duration_s, used, used / max(duration_s, 1e-9), console.warnings)
    return Outcome(str(job.source or ""), str(job.out), "done", *made)


def _arguments(task: Task) -> Namespace:
    """The task as the command's own arguments: what the table does not say is as on the command line."""
    job, parser = task.job, ArgumentParser()
    KINDS[job.kind].add_arguments(parser)
    argv = ["-o", str(job.out), f"--voice={job.voice}", "--voices", str(task.voices), f"--preset={job.preset}"]
    argv += [*task.options, *([] if job.kind == "speak" else [f"--pitch={job.pitch}"])]
    given = ["--file", str(job.source)] if job.kind == "speak" and job.source else ["--", str(job.source or job.text)]
    return parser.parse_args([*argv, *given])


def failed(job: Job, sentence: str) -> Outcome:
    """The outcome of a job that `sentence` says the fault of."""
    return Outcome(str(job.source or f"line {job.line}"), str(job.out), "failed", error=sentence)
