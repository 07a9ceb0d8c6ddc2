"""Speed and memory of each preset on this machine: a table, and bench.json for machines.

python -m autovoice.bench --threads 1 2 --out bench.json
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from autovoice.errors import AutovoiceError
from autovoice.files import write_json

PRESETS = ("fast", "balanced", "quality")
LONG_S, SHORT_S, TURNS = 60.0, 3.0, 12
COLUMNS = ("preset", "threads", "RTF", "latency p50 ms", "latency p95 ms", "peak memory MB")


def demo_recordings(folder: Path) -> tuple[Path, Path]:
    """One recording each of two speakers, the longest they have: (source, target)."""
    speakers = sorted(p for p in folder.glob("*") if p.is_dir())
    if len(speakers) < 2:
        raise AutovoiceError(
            "needs two speakers", str(folder), "name a folder of <speaker>/<recording> with --recordings"
        )
    first, second = (max(s.glob("*.*"), key=lambda p: p.stat().st_size) for s in (speakers[0], speakers[-1]))
    return first, second


def measure(preset: str, threads: int, source: Path, target: Path) -> dict[str, Any]:
    """Runs in a process of its own: rtf over a minute, latency of whole 3 s sentences in ms, peak memory in MB."""
    import torch

    from autovoice.audio.io import load_wav
    from autovoice.config import compose
    from autovoice.convert import VoiceConverter
    from autovoice.voice import clone_voice

    torch.set_num_threads(threads)
    converter, settings = VoiceConverter("cpu"), compose().presets[preset]
    rate = converter.audio.sample_rate
    recording = load_wav(target, converter.audio.output_rate)[: 30 * converter.audio.output_rate]
    voice = clone_voice("bench", [recording], encoder=converter.encoder)
    wav = np.resize(load_wav(source, rate), int(LONG_S * rate))
    converter.convert(wav[: int(SHORT_S * rate)], voice, settings)  # warm-up: first calls allocate
    started = time.perf_counter()
    converter.convert(wav, voice, settings)
    rtf = (time.perf_counter() - started) / LONG_S
    turns_ms = []
    for i in range(TURNS):
        start = int(i * SHORT_S * rate)
        started = time.perf_counter()
        converter.convert(wav[start : start + int(SHORT_S * rate)], voice, settings)
        turns_ms.append((time.perf_counter() - started) * 1000)
    p50, p95 = np.percentile(turns_ms, [50, 95])
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    facts = {"rtf": rtf, "latency_p50_ms": float(p50), "latency_p95_ms": float(p95), "peak_memory_mb": peak_mb}
    return {"preset": preset, "threads": threads, **facts}


def in_own_process(preset: str, threads: int, source: Path, target: Path) -> dict[str, Any]:
    """Peak memory and thread pools are per process."""
    command = [sys.executable, "-m", "autovoice.bench", "--child", preset, str(threads), str(source), str(target)]
    environment = os.environ | {"OMP_NUM_THREADS": str(threads), "OMP_WAIT_POLICY": "PASSIVE"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        raise AutovoiceError(
            f"failed: {done.stderr.strip().splitlines()[-1:]}", f"{preset}, {threads} threads", "run autovoice doctor"
        )
    return json.loads(done.stdout.strip().splitlines()[-1])


def show(rows: list[dict[str, Any]]) -> None:
    """Prints the table."""
    from rich.console import Console
    from rich.table import Table

    table = Table(*COLUMNS, title=f"Conversion: {LONG_S:.0f} s at once (RTF), {SHORT_S:.0f} s sentences (latency)")
    for row in rows:
        numbers = (f"{row['rtf']:.3f}", f"{row['latency_p50_ms']:.0f}", f"{row['latency_p95_ms']:.0f}")
        table.add_row(row["preset"], str(row["threads"]), *numbers, f"{row['peak_memory_mb']:.0f}")
    Console(width=None if sys.stdout.isatty() else 120).print(table)


def main() -> int:
    """Measures every preset at every number of threads."""
    parser = argparse.ArgumentParser(
        prog="python -m autovoice.bench", description=__doc__.splitlines()[0] if __doc__ else ""
    )
    parser.add_argument("--recordings", type=Path, default=Path("data/raw/demo"), help="<speaker>/<recording>")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--presets", nargs="+", default=list(PRESETS), choices=PRESETS)
    parser.add_argument("--out", type=Path, default=Path("data/bench.json"))
    parser.add_argument("--child", nargs=4, help=argparse.SUPPRESS)
    args = parser.parse_args()
    try:
        if args.child:
            preset, threads, source, target = args.child
            print(json.dumps(measure(preset, int(threads), Path(source), Path(target))))
            return 0
        from autovoice.reproducibility import environment_record

        source, target = demo_recordings(args.recordings)
        rows = [in_own_process(preset, n, source, target) for preset in args.presets for n in args.threads]
        show(rows)
        write_json(args.out, {"rows": rows, "provenance": environment_record()})
    except AutovoiceError as error:
        print(f"bench: {error.sentence}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
