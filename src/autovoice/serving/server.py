"""All that a running server holds, made once."""

import shutil
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from sqlalchemy import RowMapping

from autovoice.config import Config
from autovoice.serving.database import open_database
from autovoice.serving.engine import Engine
from autovoice.serving.faults import ApiError
from autovoice.serving.jobs import ENDED, Jobs
from autovoice.serving.keys import Caller, Keys, everyone, unauthorised
from autovoice.serving.limits import Quota, RateLimit
from autovoice.serving.quality import QualityWatch
from autovoice.serving.ratings import Ratings
from autovoice.serving.storage import Storage, remove
from autovoice.serving.streams import Streams
from autovoice.serving.telemetry import Telemetry, tracer_of
from autovoice.serving.voices import Voices
from autovoice.serving.work import Worker

LOOPBACK = ("127.0.0.1", "::1", "localhost")
INCOMING_S = 3600.0  # that an upload which no job took may lie


class Server:
    """Database, files, model and workers; routes reach it as request.app.state.server."""

    def __init__(self, config: Config, engine: Engine | None = None) -> None:
        settings = self.settings = config.serve
        self.config, self.data = config, Path(settings.data)
        self.database = open_database(settings.database, self.data)
        self.storage = Storage(self.data, settings.storage)
        self.engine = engine or Engine(config)
        self.jobs = Jobs(self.database, settings.queue, settings.lease_s)
        self.keys = Keys(self.database)
        self.ratings = Ratings(self.database)
        self.rate = RateLimit(settings.requests_per_minute)
        self.quota = Quota(self.database, settings.audio_s_per_day)
        where = (self.storage, Path(settings.voices), settings.voices_per_key, config.audio.output_rate)
        self.voices = Voices(self.database, *where)
        self.telemetry = Telemetry()
        self.telemetry.queue.set_function(self.jobs.waiting)
        self.streams = Streams(settings.max_streams, self.telemetry.streams)
        self.telemetry.watch_disk(self.storage.local)
        self.tracer = tracer_of(settings.traces)
        self.quality = QualityWatch(settings.quality_sample, Path(settings.baseline), self.telemetry)
        self.worker = Worker(self)
        self.draining = False

    @property
    def needs_key(self) -> bool:
        """Everywhere but on loopback, and there too where it is configured."""
        return self.settings.require_key or self.settings.host not in LOOPBACK

    def start(self) -> None:
        """Loads the models and begins to work, unless the server ends meanwhile."""
        if not self.engine.ready:
            self.engine.load()
        if self.draining:
            return
        self.telemetry.model_load_s.set(self.engine.load_s)
        self.telemetry.watch_device(self.engine.converter.device)
        self.worker.start()

    def stop(self) -> None:
        """What runs may end; what waits stays in the database."""
        self.draining = True
        self.worker.stop(self.settings.drain_s)
        self.quality.stop()
        self.database.dispose()

    def caller(self, key: str | None) -> Caller:
        """Who asks; raises ApiError 401, and 429 for one who asks too often."""
        if key:
            caller = self.keys.caller(key)
        elif self.needs_key:
            raise unauthorised("no_key", "Send a key as 'Authorization: Bearer KEY'; `autovoice keys add` makes one.")
        else:
            caller = everyone()
        self.rate.take(caller.owner)
        return caller

    def submit(self, facts: dict[str, Any], seconds: float) -> RowMapping:
        """Queues a job against its owner's quota; raises ApiError 429."""
        self.jobs.require_room()
        self.quota.take(facts["owner"], seconds)
        row = self.jobs.add(facts)
        self.worker.wake()
        return row

    def remove(self, job: str, owner: str) -> None:
        """Cancels a job that waits or runs, forgets one that has ended; its files go in either case. Raises ApiError 404."""
        self.jobs.get(job, owner)
        if not self.jobs.cancel(job):
            self.jobs.delete(job)
        self.storage.delete(f"jobs/{job}")
        self.worker.hub.tell(job)

    def drop_files_of_cancelled(self, job: str) -> None:
        """What a job wrote before it learnt that it was cancelled; not where another process does it now."""
        with suppress(ApiError):
            if self.jobs.get(job)["status"] not in ("cancelled",):
                return
        self.storage.delete(f"jobs/{job}")

    def clean(self) -> None:
        """Removes jobs past their time, and files that no job or voice knows."""
        for job in self.jobs.ended_before(time.time() - self.settings.retention_s):
            self.jobs.delete(job)
            self.storage.delete(f"jobs/{job}")
        for kind, known in (("jobs", self.jobs.ids()), ("voices", self.voices.ids())):
            for name in self.storage.on_disk(kind) - known:
                if self._old(self.storage.local / kind / name):
                    shutil.rmtree(self.storage.local / kind / name, ignore_errors=True)
        for path in (self.storage.local / "incoming").iterdir():
            if self._old(path):
                remove(path)

    def _old(self, path: Path) -> bool:
        with suppress(FileNotFoundError):
            return path.stat().st_mtime < time.time() - INCOMING_S
        return False


def ended(row: RowMapping) -> bool:
    """Whether a job will not change any more."""
    return row["status"] in ENDED
