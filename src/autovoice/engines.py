"""Who does many tasks: processes of this computer, or a Ray cluster. A task whose worker dies is tried again."""

import importlib
import logging
import os
import socket
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from queue import SimpleQueue
from typing import Any, TypeVar

from autovoice.errors import AutovoiceError
from autovoice.processes import worker_pool

Task = TypeVar("Task")
Result = TypeVar("Result")
ATTEMPTS = 3
REACHED_S = 10.0


def run_local(
    work: Callable[[Task], Result], tasks: Sequence[Task], num_workers: int, num_gpus: float = 0
) -> Iterator[tuple[Task, Result | None]]:
    """(task, work(task)) in the order of their ends, num_workers at a time; None where its worker died ATTEMPTS times.

    work must be a function of a module. num_gpus is the cluster's affair.
    """
    idle: SimpleQueue = SimpleQueue()
    for _ in range(num_workers):
        idle.put(worker_pool(1))  # one process each: who dies takes nobody else's task along

    def attempt(task: Task) -> Result | None:
        worker = idle.get()
        try:
            for _ in range(ATTEMPTS):
                try:
                    return worker.submit(work, task).result()
                except BrokenProcessPool:
                    worker.shutdown()
                    worker = worker_pool(1)
            return None
        finally:
            idle.put(worker)

    with ThreadPoolExecutor(num_workers) as threads:
        futures = {threads.submit(attempt, task): task for task in tasks}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        finally:
            threads.shutdown(wait=True, cancel_futures=True)
            while not idle.empty():
                idle.get().shutdown()


def _connected_ray() -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        ray = importlib.import_module("ray")
    except ModuleNotFoundError as error:
        raise AutovoiceError("needs the package ray", "--engine ray", "pip install 'autovoice[ray]'") from error
    host, _, port = os.environ.get("RAY_ADDRESS", "").removeprefix("ray://").rpartition(":")
    try:
        if host and port.isdigit():  # ray itself would go on trying for minutes
            socket.create_connection((host, int(port)), timeout=REACHED_S).close()
        ray.init(log_to_driver=False, logging_level=logging.CRITICAL)
    except (OSError, ValueError) as error:
        what = f"the cluster cannot be reached ({' '.join(str(error).split())[:200].rstrip('.')})"
        raise AutovoiceError(what, "--engine ray", "check RAY_ADDRESS and `ray status`") from error
    return ray


def run_ray(
    work: Callable[[Task], Result], tasks: Sequence[Task], num_workers: int, num_gpus: float = 0
) -> Iterator[tuple[Task, Result | None]]:
    """As run_local, on the cluster of RAY_ADDRESS, else on one that is started here; num_workers 0: as many as it has CPUs.

    A task takes one CPU, and num_gpus. Nodes must have autovoice and see the same files. Raises AutovoiceError without ray.
    """
    ray = _connected_ray()
    num_workers = num_workers or int(ray.cluster_resources().get("CPU", 1))
    remote = ray.remote(num_cpus=1, num_gpus=num_gpus, max_retries=ATTEMPTS - 1)(work)
    waiting = iter(tasks)
    running: dict[Any, Task] = {}
    try:
        while True:
            running |= {remote.remote(task): task for task in islice(waiting, num_workers - len(running))}
            if not running:
                return
            (ended,), _ = ray.wait(list(running), num_returns=1)
            try:
                result = ray.get(ended)
            except ray.exceptions.RayTaskError:  # of the work itself
                raise
            except ray.exceptions.RayError:  # of the worker or its node, after all attempts
                result = None
            yield running.pop(ended), result
    finally:
        ray.shutdown()


ENGINES = {"local": run_local, "ray": run_ray}
