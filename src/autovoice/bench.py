"""Speed and memory of each preset on this machine, beside two baselines: tables, a plot, and bench.json for machines.

python -m autovoice.bench --threads 1 2 --lengths 1 60 3600 --out bench.json
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import track

from autovoice.errors import AutovoiceError
from autovoice.files import write_json

PRESETS = ("fast", "balanced", "quality")
BASELINES = ("world", "griffin-lim")
LONG_S, SHORT_S, TURNS = 60.0, 3.0, 12
LENGTHS_OF = "balanced"  # the system that is measured at several lengths
RATE = 16000
COLUMNS = ("system", "threads", "RTF", "latency p50 ms", "latency p95 ms", "peak memory MB", "parameters M")


def demo_recordings(folder: Path) -> tuple[Path, Path]:
    """One recording each of two speakers, the longest they have: (source, target)."""
    speakers = sorted(p for p in folder.glob("*") if p.is_dir())
    if len(speakers) < 2:
        raise AutovoiceError(
            "needs two speakers", str(folder), "name a folder of <speaker>/<recording> with --recordings"
        )
    first, second = (max(s.glob("*.*"), key=lambda p: p.stat().st_size) for s in (speakers[0], speakers[-1]))
    return first, second


def system_of(name: str, target: Path) -> tuple[Callable[[np.ndarray], object], int]:
    """-> (a conversion of mono 16 kHz audio by the preset or baseline, its parameters)."""
    from autovoice.audio.io import load_wav
    from autovoice.baselines import griffin_lim, world_convert
    from autovoice.config import compose
    from autovoice.convert import VoiceConverter
    from autovoice.voice import clone_voice

    if name == "world":
        references = [load_wav(target, RATE)[: 30 * RATE]]
        return lambda wav: world_convert(wav, references, RATE), 0
    if name == "griffin-lim":
        return lambda wav: griffin_lim(wav, RATE), 0
    converter, settings = VoiceConverter("cpu"), compose().presets[name]
    recording = load_wav(target, converter.audio.output_rate)[: 30 * converter.audio.output_rate]
    voice = clone_voice("bench", [recording], encoder=converter.encoder, audio=converter.audio)
    networks = (converter.encoder, converter.generator_of(voice))
    n_parameters = sum(p.numel() for network in networks for p in network.parameters())
    return lambda wav: converter.convert(wav, voice, settings), n_parameters


def measure(name: str, threads: int, length_s: float, source: Path, target: Path) -> dict[str, Any]:
    """Runs in a process of its own: rtf over length_s, latency of whole 3 s sentences in ms, peak memory in MB."""
    import torch

    from autovoice.audio.io import load_wav

    torch.set_num_threads(threads)
    convert, n_parameters = system_of(name, target)
    wav = np.resize(load_wav(source, RATE), int(max(length_s, TURNS * SHORT_S) * RATE))
    convert(wav[: int(SHORT_S * RATE)])  # warm-up: first calls allocate
    started = time.perf_counter()
    convert(wav[: int(length_s * RATE)])
    rtf = (time.perf_counter() - started) / length_s
    turns_ms = []
    for i in range(TURNS):
        start = int(i * SHORT_S * RATE)
        started = time.perf_counter()
        convert(wav[start : start + int(SHORT_S * RATE)])
        turns_ms.append((time.perf_counter() - started) * 1000)
    p50, p95 = np.percentile(turns_ms, [50, 95])
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    facts = {"rtf": rtf, "latency_p50_ms": float(p50), "latency_p95_ms": float(p95), "peak_memory_mb": peak_mb}
    return {"system": name, "threads": threads, "length_s": length_s, **facts, "parameters": n_parameters}


def in_own_process(name: str, threads: int, length_s: float, source: Path, target: Path) -> dict[str, Any]:
    """Peak memory and thread pools are per process."""
    child = [name, str(threads), str(length_s), str(source), str(target)]
    command = [sys.executable, "-m", "autovoice.bench", "--child", *child]
    environment = os.environ | {"OMP_NUM_THREADS": str(threads), "OMP_WAIT_POLICY": "PASSIVE"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        raise AutovoiceError(
            f"failed: {done.stderr.strip().splitlines()[-1:]}", f"{name}, {threads} threads", "run autovoice doctor"
        )
    return json.loads(done.stdout.strip().splitlines()[-1])


def show(rows: list[dict[str, Any]]) -> None:
    """Prints the table."""
    from rich.console import Console
    from rich.table import Table

    table = Table(*COLUMNS, title=f"Conversion: {LONG_S:.0f} s at once (RTF), {SHORT_S:.0f} s sentences (latency)")
    for row in rows:
        numbers = (f"{row['rtf']:.3f}", f"{row['latency_p50_ms']:.0f}", f"{row['latency_p95_ms']:.0f}")
        size = f"{row['parameters'] / 1e6:.1f}" if row["parameters"] else "-"
        name = row["system"] if row["length_s"] == LONG_S else f"{row['system']}, {row['length_s']:g} s"
        table.add_row(name, str(row["threads"]), *numbers, f"{row['peak_memory_mb']:.0f}", size)
    Console(width=None if sys.stdout.isatty() else 120).print(table)


def plot(rows: list[dict[str, Any]], path: Path) -> None:
    """RTF of each system at the most threads, and RTF and memory against length."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    most = max(row["threads"] for row in rows)
    bars = [row for row in rows if row["threads"] == most and row["length_s"] == LONG_S]
    lengths = sorted((row for row in rows if row["system"] == LENGTHS_OF), key=lambda row: row["length_s"])
    lengths = [row for row in lengths if row["threads"] == most]
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(12, 3.5), layout="constrained")
    left.bar([row["system"] for row in bars], [row["rtf"] for row in bars])
    left.set(ylabel="x real time", title=f"{LONG_S:.0f} s, {most} threads")
    left.tick_params(axis="x", rotation=30)
    for axis, key, label in ((middle, "rtf", "x real time"), (right, "peak_memory_mb", "peak MB")):
        axis.plot([row["length_s"] for row in lengths], [row[key] for row in lengths], "o-")
        axis.set(xscale="log", xlabel=f"{LENGTHS_OF}: seconds at once", ylabel=label, ylim=(0, None))
    figure.savefig(path, dpi=100)


def main() -> int:
    """Measures every preset and baseline at every number of threads, and the balanced preset at every length."""
    parser = argparse.ArgumentParser(
        prog="python -m autovoice.bench", description=__doc__.splitlines()[0] if __doc__ else ""
    )
    parser.add_argument("--recordings", type=Path, default=Path("data/raw/demo"), help="<speaker>/<recording>")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--systems", nargs="+", default=[*PRESETS, *BASELINES], choices=[*PRESETS, *BASELINES])
    parser.add_argument("--lengths", type=float, nargs="+", default=[1, 10, 600], help="seconds, balanced only")
    parser.add_argument("--out", type=Path, default=Path("data/bench.json"))
    parser.add_argument("--child", nargs=5, help=argparse.SUPPRESS)
    args = parser.parse_args()
    try:
        if args.child:
            name, threads, length_s, source, target = args.child
            print(json.dumps(measure(name, int(threads), float(length_s), Path(source), Path(target))))
            return 0
        from autovoice.reproducibility import environment_record

        source, target = demo_recordings(args.recordings)
        jobs = [(name, n, LONG_S) for name in args.systems for n in args.threads]
        jobs += [(LENGTHS_OF, max(args.threads), length_s) for length_s in args.lengths if length_s != LONG_S]
        rows = [in_own_process(*job, source, target) for job in track(jobs, "measuring", transient=True)]
        show(rows)
        write_json(args.out, {"rows": rows, "provenance": environment_record()})
        plot(rows, args.out.with_suffix(".png"))
    except AutovoiceError as error:
        print(f"bench: {error.sentence}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
