"""How much memory this process took, and how busy it kept a GPU."""

import importlib.util
import resource
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

SAMPLE_EVERY_S = 0.1


def peak_memory_mb() -> float:
    """Most memory that this process has had resident, in MiB.

    Linux: VmHWM, because ru_maxrss also remembers the process that started this one.
    """
    status = Path("/proc/self/status")
    if status.is_file():
        fields = dict(line.split(":", 1) for line in status.read_text(encoding="ascii", errors="replace").splitlines())
        return int(fields["VmHWM"].split()[0]) / 1024
    unit = 2**20 if sys.platform == "darwin" else 1024  # macOS counts bytes
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def gpu_memory_mb(device: str) -> float | None:
    """Most memory that tensors have had on the GPU, in MiB; None on the CPU."""
    return None if device == "cpu" else torch.cuda.max_memory_allocated(device) / 2**20


@contextmanager
def gpu_utilisation(device: str) -> Iterator[list[int]]:
    """Samples of the share of time, in %, in which the GPU computed during the block; empty on a CPU or without pynvml."""
    samples: list[int] = []
    if device == "cpu" or importlib.util.find_spec("pynvml") is None:
        yield samples
        return
    done = threading.Event()

    def look() -> None:
        while not done.wait(SAMPLE_EVERY_S):
            samples.append(torch.cuda.utilization(device))

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield samples
    finally:
        done.set()
        thread.join()
