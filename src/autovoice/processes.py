"""Worker processes, started afresh: a forked copy of a process that has used torch's threads can hang."""

import multiprocessing
import os
import threading
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.connection import wait


def worker_pool(num_workers: int) -> ProcessPoolExecutor:
    """A pool whose workers import what they need themselves; functions and arguments must pickle."""
    return ProcessPoolExecutor(num_workers, multiprocessing.get_context("spawn"), _end_with_parent)


def _end_with_parent() -> None:
    """A worker whose parent was killed ends at once: it must not write beside the run that is started next."""
    parent = multiprocessing.parent_process()
    if parent:
        threading.Thread(target=lambda: (wait([parent.sentinel]), os._exit(1)), daemon=True).start()
