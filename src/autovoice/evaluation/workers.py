"""Who measures: processes of this computer, or a Ray cluster."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from autovoice.engines import run_ray
from autovoice.errors import AutovoiceError
from autovoice.processes import worker_pool

Map = Callable[[Callable[[Any], Any], Sequence[Any]], Iterator[Any]]


@contextmanager
def workers(engine: str, num_workers: int) -> Iterator[Map]:
    """A map(work, jobs) whose answers come in the order of the jobs.

    engine: local, with num_workers processes; or ray, a job a CPU of the cluster, whose nodes see the files under the same paths.
    """
    if engine == "ray":
        yield _on_cluster
        return
    with worker_pool(num_workers) as pool:
        yield lambda work, jobs: pool.map(work, jobs, chunksize=2)


def _on_cluster(work: Callable[[Any], Any], jobs: Sequence[Any]) -> Iterator[Any]:
    """Raises AutovoiceError where a job's workers died again and again."""
    done: dict[int, Any] = {}
    number = 0
    tasks = [(at, work, job) for at, job in enumerate(jobs)]
    for (at, *_), result in run_ray(_done, tasks, 0) if jobs else ():
        if result is None:
            what = f"measuring {jobs[at][0]} ended its worker again and again"
            raise AutovoiceError(what, "--engine ray", "look at the nodes' memory; what was measured is kept")
        done[at] = result
        while number in done:
            yield done.pop(number)
            number += 1


def _done(task: tuple[int, Callable[[Any], Any], Any]) -> Any:
    _, work, job = task
    return work(job)
