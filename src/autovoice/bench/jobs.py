"""One measurement: what it is of, and how it is run in a process of its own, because memory and threads are per process."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from autovoice.errors import AutovoiceError

PRESETS = ("fast", "balanced", "quality")
BASELINES = ("world", "griffin-lim")
STREAM_S, BATCH_RECORDING_S = 20.0, 10.0
Row = dict[str, Any]


@dataclass(frozen=True)
class Job:
    """kind: speed | length | batch | stream | speak; threads: of torch, a recording; length_s: of what is converted at once.

    at_once: recordings that are converted side by side.
    """

    kind: str
    system: str
    device: str
    threads: int
    length_s: float
    at_once: int = 1


def plan(
    systems: Sequence[str],
    threads: Sequence[int],
    devices: Sequence[str],
    rtf_length_s: float,
    lengths_s: Sequence[float],
    batches: Sequence[int],
) -> list[Job]:
    """Every system on the CPU with every number of threads, presets on each device against length and batch."""
    presets, most = [name for name in systems if name in PRESETS], max(threads)
    jobs = [Job("speed", name, "cpu", n, rtf_length_s) for name in systems for n in threads]
    jobs += [Job("speed", name, device, most, rtf_length_s) for device in devices[1:] for name in presets]
    for device in devices:
        jobs += [Job("length", name, device, most, length_s) for name in presets for length_s in lengths_s]
        jobs += [Job("batch", name, device, 1, BATCH_RECORDING_S, n) for name in presets for n in batches]
    return jobs


def in_own_process(job: Job, source: Path, target: Path) -> Row:
    """The job's fields and what was measured; raises AutovoiceError with the last thing that a failed process said."""
    command = [sys.executable, "-m", "autovoice.bench.child", json.dumps(asdict(job)), str(source), str(target)]
    environment = os.environ | {"OMP_NUM_THREADS": str(job.threads), "OMP_WAIT_POLICY": "PASSIVE"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        said = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        where = f"{job.kind} of {job.system} on {job.device}, {job.length_s:g} s"
        raise AutovoiceError(f"failed ({said.rstrip('.')})", where, "run autovoice doctor")
    return json.loads(done.stdout.strip().splitlines()[-1])
