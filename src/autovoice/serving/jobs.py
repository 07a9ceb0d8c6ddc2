"""Jobs in the database: added once, claimed once, continued after a restart."""

import os
import secrets
import socket
import time
from collections.abc import Sequence
from functools import cache
from typing import Any

import psutil
from sqlalchemy import Engine, RowMapping, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from autovoice.serving.database import JOBS
from autovoice.serving.faults import ApiError

ENDED = ("done", "failed", "cancelled")


@cache
def this_worker() -> str:
    """Host, process id and its start, which tell a process from a later one of the same id."""
    return f"{socket.gethostname()}/{os.getpid()}/{psutil.Process().create_time():.2f}"


def new_id() -> str:
    """32 hexadecimal digits from the system's randomness: a name for files that no client chose, and none can guess."""
    return secrets.token_hex(16)


class Jobs:
    """The table of jobs. Every change is one statement with its condition, so that processes cannot step on each other."""

    def __init__(self, engine: Engine, queue: int, lease_s: float) -> None:
        self.engine, self.queue, self.lease_s = engine, queue, lease_s

    def known(self, owner: str, token: str | None, body_sha256: str) -> RowMapping | None:
        """The job of an idempotency key; raises ApiError 409 where it was another request's."""
        if not token:
            return None
        found = self._one(select(JOBS).where(JOBS.c.owner == owner, JOBS.c.token == token))
        if found and found["body_sha256"] != body_sha256:
            raise ApiError(409, "token_reused", "This Idempotency-Key was used for another request; take a new one.")
        return found

    def add(self, facts: dict[str, Any]) -> RowMapping:
        """facts: columns of JOBS -> the job, or the one of its idempotency key; raises ApiError 429 where the queue is full."""
        self.require_room()
        row = {"status": "queued", "created": time.time(), "facts": {}, **facts}
        try:
            with self.engine.begin() as connection:
                connection.execute(insert(JOBS).values(row))
        except IntegrityError:
            known = self.known(facts["owner"], facts.get("token"), facts.get("body_sha256", ""))
            if known is None:
                raise
            return known
        return self.get(row["id"])

    def waiting(self) -> int:
        """How many jobs wait."""
        with self.engine.connect() as connection:
            query = select(func.count()).select_from(JOBS).where(JOBS.c.status == "queued")
            return int(connection.execute(query).scalar_one())

    def require_room(self) -> None:
        """Raises ApiError 429 where the queue is full; Retry-After is when half of it should be done."""
        if (waiting := self.waiting()) >= self.queue:
            retry_s = str(max(1, min(120, waiting)))
            raise ApiError(429, "busy", f"{waiting} jobs wait already; try again later.", {"Retry-After": retry_s})

    def get(self, job: str, owner: str | None = None) -> RowMapping:
        """A job; with `owner`, only of that one. Raises ApiError 404."""
        query = select(JOBS).where(JOBS.c.id == job)
        found = self._one(query if owner is None else query.where(JOBS.c.owner == owner))
        if found is None:
            raise ApiError(404, "no_such_job", "There is no such job; it may have been deleted.")
        return found

    def newest(self, owner: str, limit: int) -> Sequence[RowMapping]:
        """The owner's jobs, newest first."""
        return self._all(select(JOBS).where(JOBS.c.owner == owner).order_by(JOBS.c.created.desc()).limit(limit))

    def claim(self, most: int) -> list[RowMapping]:
        """The oldest that waits, and up to `most` in all where they are short conversions; each goes to one process."""
        waiting = self._all(select(JOBS).where(JOBS.c.status == "queued").order_by(JOBS.c.created).limit(most + 8))
        mine: list[RowMapping] = []
        for row in waiting:
            if len(mine) == most or (mine and not (alike(mine[0]) and alike(row) == alike(mine[0]))):
                continue
            now = time.time()
            values = {"status": "running", "worker": this_worker(), "started": now, "lease": now + self.lease_s}
            if self._changed(update(JOBS).where(JOBS.c.id == row["id"], JOBS.c.status == "queued").values(values)):
                mine.append(row)
        return mine

    def progress(self, job: str, share: float) -> bool:
        """Notes how far a running job is and renews its lease; -> whether it is still ours to do."""
        return self._mine(job, progress=min(1.0, share), lease=time.time() + self.lease_s)

    def finish(self, job: str, status: str, **values: Any) -> bool:
        """Ends a running job; -> False where it is not ours any more: it was cancelled, or another process took it over."""
        return self._mine(job, status=status, ended=time.time(), worker=None, lease=None, **values)

    def release(self, job: str) -> None:
        """Gives a running job back to the queue."""
        self._mine(job, status="queued", worker=None, lease=None, started=None, progress=0.0)

    def renew(self) -> None:
        """Renews the lease of all that this process runs."""
        query = update(JOBS).where(JOBS.c.worker == this_worker(), JOBS.c.status == "running")
        self._changed(query.values(lease=time.time() + self.lease_s))

    def recover(self) -> int:
        """Queues again what runs in a process that is gone: at once where it was on this host, else when its lease ends."""
        running = self._all(select(JOBS.c.id, JOBS.c.worker, JOBS.c.lease).where(JOBS.c.status == "running"))
        lost = [row for row in running if (row["lease"] or 0) < time.time() or _gone(row["worker"] or "")]
        again = {"status": "queued", "worker": None, "lease": None, "started": None, "progress": 0.0}
        return sum(
            self._changed(
                update(JOBS)
                .where(JOBS.c.id == row["id"], JOBS.c.status == "running", JOBS.c.worker == row["worker"])
                .values(again)
            )
            for row in lost
        )

    def cancel(self, job: str) -> bool:
        """Ends a job that waits or runs, and forgets what it was asked to say; -> False where it had ended before."""
        values = {"status": "cancelled", "options": {}, "ended": time.time(), "worker": None, "lease": None}
        return bool(self._changed(update(JOBS).where(JOBS.c.id == job, JOBS.c.status.not_in(ENDED)).values(values)))

    def delete(self, job: str) -> None:
        """Forgets a job."""
        self._changed(delete(JOBS).where(JOBS.c.id == job))

    def ended_before(self, time_s: float) -> list[str]:
        """Ids of jobs that ended before that time."""
        query = select(JOBS.c.id).where(JOBS.c.status.in_(ENDED), JOBS.c.ended < time_s)
        return [row["id"] for row in self._all(query)]

    def ids(self) -> set[str]:
        """Of all jobs that may have files: those of a cancelled one are gone."""
        return {row["id"] for row in self._all(select(JOBS.c.id).where(JOBS.c.status != "cancelled"))}

    def _mine(self, job: str, **values: Any) -> bool:
        query = update(JOBS).where(JOBS.c.id == job, JOBS.c.status == "running", JOBS.c.worker == this_worker())
        return bool(self._changed(query.values(values)))

    def _changed(self, statement: Any) -> int:
        with self.engine.begin() as connection:
            return int(connection.execute(statement).rowcount)

    def _one(self, query: Any) -> RowMapping | None:
        with self.engine.connect() as connection:
            return connection.execute(query).mappings().first()

    def _all(self, query: Any) -> Sequence[RowMapping]:
        with self.engine.connect() as connection:
            return connection.execute(query).mappings().all()


def alike(row: RowMapping) -> tuple[str, str] | None:
    """What jobs must have in common to be made together; None for those that are made alone."""
    short = row["kind"] == "convert" and row["options"].get("short")
    return (row["kind"], row["preset"]) if short else None


def _gone(worker: str) -> bool:
    """Whether a process of this host has ended; of other hosts nothing is known."""
    host, _, rest = worker.partition("/")
    number, _, born = rest.partition("/")
    if host != socket.gethostname() or not number.isdigit():
        return False
    try:
        return abs(psutil.Process(int(number)).create_time() - float(born)) > 1.0
    except (psutil.Error, ValueError):
        return True
