"""Threads that take jobs from the database and do them: short conversions together, one of anything else."""

import asyncio
import logging
import threading
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from sqlalchemy import RowMapping

from autovoice.serving.faults import ApiError, told
from autovoice.serving.tasks import run_task
from autovoice.spans import traced
from autovoice.voice import Progress

if TYPE_CHECKING:
    from autovoice.serving.server import Server

LOGGER = logging.getLogger(__name__)
LOOK_S = 0.5  # between looks for what other processes queued
REPORT_S = 0.2  # between notes of progress, which also learn of a cancellation
HOUSEKEEPING_S = 60.0


class Stopped(Exception):
    """The job was cancelled, or is another process's by now."""


class Released(Exception):
    """The server ends before the job could."""


class Hub:
    """Tells who waits for a job in this process that something changed; who waits looks into the database all the same."""

    def __init__(self) -> None:
        self._waiting: dict[str, set[asyncio.Event]] = defaultdict(set)
        self._loop: asyncio.AbstractEventLoop | None = None

    async def wait(self, job: str, timeout_s: float) -> None:
        """Until the job changes, or the time is over."""
        self._loop = asyncio.get_running_loop()
        event = asyncio.Event()
        self._waiting[job].add(event)
        try:
            await asyncio.wait_for(event.wait(), timeout_s)
        except TimeoutError:
            pass
        finally:
            self._waiting[job].discard(event)
            if not self._waiting[job]:
                del self._waiting[job]

    def tell(self, job: str) -> None:
        """From any thread."""
        loop = self._loop
        if loop is not None and not loop.is_closed() and job in self._waiting:
            loop.call_soon_threadsafe(self._set, job)

    def _set(self, job: str) -> None:
        for event in self._waiting.get(job, ()):
            event.set()


class Worker:
    """serve.workers threads that convert, and one that keeps house: leases, lost jobs, retention."""

    def __init__(self, server: "Server") -> None:
        self.server, self.hub = server, Hub()
        self._ending, self._giving_up = threading.Event(), threading.Event()
        self._work = threading.Semaphore(0)
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Continues what an earlier process left."""
        self.server.jobs.recover()
        names = [(self._convert, f"worker {i}") for i in range(self.server.settings.workers)] + [
            (self._keep_house, "house")
        ]
        for run, name in names:
            thread = threading.Thread(target=run, name=name, daemon=True)
            thread.start()
            self._threads.append(thread)  # only what runs can be joined, whoever calls stop meanwhile

    def wake(self) -> None:
        """A job was added."""
        self._work.release()

    def stop(self, drain_s: float) -> None:
        """Lets what runs end, but no longer than drain_s; then it goes back to the queue."""
        self._ending.set()
        for _ in self._threads:
            self._work.release()
        until = time.monotonic() + drain_s
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        self._giving_up.set()
        for thread in self._threads:
            thread.join(5.0)

    def _convert(self) -> None:
        server = self.server
        while not self._ending.is_set():
            try:
                rows = server.jobs.claim(server.engine.at_once)
            except Exception:
                LOGGER.exception("the database does not answer")
                time.sleep(LOOK_S)
                continue
            if not rows:
                self._work.acquire(timeout=LOOK_S)
                continue
            server.telemetry.batch.observe(len(rows))
            if len(rows) == 1:
                self._do(rows[0])
                continue
            with ThreadPoolExecutor(len(rows)) as pool:  # the converter gathers what its callers ask at the same time
                list(pool.map(self._do, rows))

    def _do(self, row: RowMapping) -> None:
        server, started = self.server, time.perf_counter()
        status, error, facts = "done", None, {}
        try:
            with traced(server.tracer):
                facts = run_task(server, row, self._reporter(row["id"]))
        except Stopped:
            status = "cancelled"
        except Released:
            return server.jobs.release(row["id"])
        except Exception as problem:
            status, (_, code, message) = "failed", told(problem, row["name"])
            error = {"code": code, "message": message}
            if code == "fault":
                LOGGER.error("job failed", exc_info=problem, extra={"job": row["id"], "kind": row["kind"]})
        self._end(row, status, error, facts, time.perf_counter() - started)

    def _end(self, row: RowMapping, status: str, error: dict | None, facts: dict, used_s: float) -> None:
        server, job = self.server, row["id"]
        values: dict[str, Any] = {
            "facts": {**row["facts"], **facts},
            "error": error,
            "options": _without_text(row["options"]),
        }
        if facts.get("duration_s") is not None:
            values["duration_s"] = facts["duration_s"]
        if status == "done":
            values["progress"] = 1.0
        if not server.jobs.finish(job, status, **values):
            status = "cancelled"
            server.drop_files_of_cancelled(job)
        self.hub.tell(job)
        telemetry, kind = server.telemetry, row["kind"]
        telemetry.jobs.labels(kind, status).inc()
        telemetry.job_s.labels(kind).observe(used_s)
        if status == "done" and facts.get("duration_s"):
            telemetry.audio_s.labels(kind).inc(facts["duration_s"])
            telemetry.rtf.labels(kind, row["preset"]).observe(facts["rtf"])
        LOGGER.info("job", extra={"job": job, "kind": kind, "status": status, "seconds": round(used_s, 3)})

    def _reporter(self, job: str) -> Progress:
        """What the work calls with its share done; raises Stopped, Released, or ApiError once the time is over."""
        until = time.monotonic() + self.server.settings.job_timeout_s
        last_s = 0.0

        def report(share: float) -> None:
            nonlocal last_s
            now = time.monotonic()
            if self._giving_up.is_set():
                raise Released
            if now > until:
                raise ApiError(504, "timeout", "The job took longer than this server allows; send a shorter recording.")
            if now - last_s >= REPORT_S:
                last_s = now
                if not self.server.jobs.progress(job, share):
                    raise Stopped
                self.hub.tell(job)

        return report

    def _keep_house(self) -> None:
        cleaned_s = 0.0
        while not self._ending.wait(min(5.0, self.server.settings.lease_s / 3)):
            try:
                self.server.jobs.renew()
                if self.server.jobs.recover():
                    self.wake()
                if time.monotonic() - cleaned_s > HOUSEKEEPING_S:
                    cleaned_s = time.monotonic()
                    self.server.clean()
            except Exception:
                LOGGER.exception("housekeeping failed")


def _without_text(options: dict) -> dict:
    """What was said is not kept longer than the work needs it."""
    return {name: value for name, value in options.items() if name != "text"}
