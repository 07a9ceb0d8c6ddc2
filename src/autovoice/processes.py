"""Worker processes, started afresh: a forked copy of a process that has used torch's threads can hang."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor


def worker_pool(num_workers: int) -> ProcessPoolExecutor:
    """A pool whose workers import what they need themselves; functions and arguments must pickle."""
    return ProcessPoolExecutor(num_workers, multiprocessing.get_context("spawn"))
