"""How much a key may ask: requests a minute in this process, seconds of audio a day in the database."""

import threading
import time
from collections import OrderedDict
from datetime import UTC, datetime

from sqlalchemy import Engine, insert, select, update
from sqlalchemy.exc import IntegrityError

from autovoice.serving.database import USAGE
from autovoice.serving.faults import ApiError

KEPT = 10_000  # callers whose buckets are remembered


class RateLimit:
    """A token bucket a caller: `per_minute` requests at once, refilled evenly."""

    def __init__(self, per_minute: int) -> None:
        self.per_minute = per_minute
        self._lock = threading.Lock()
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, caller: str) -> None:
        """Raises ApiError 429 where the caller has none left."""
        now = time.monotonic()
        with self._lock:
            left, before = self._buckets.pop(caller, (float(self.per_minute), now))
            left = min(self.per_minute, left + (now - before) * self.per_minute / 60)
            self._buckets[caller] = (max(left - 1, 0) if left >= 1 else left, now)
            if len(self._buckets) > KEPT:
                self._buckets.popitem(last=False)
        if left < 1:
            wait_s = max(1, round((1 - left) * 60 / self.per_minute))
            what = f"More than {self.per_minute} requests a minute; try again in {wait_s} s."
            raise ApiError(429, "too_many_requests", what, {"Retry-After": str(wait_s)})


class Quota:
    """Seconds of audio (or of speech asked for) a caller and day, UTC."""

    def __init__(self, engine: Engine, per_day_s: float) -> None:
        self.engine, self.per_day_s = engine, per_day_s

    def take(self, caller: str, seconds: float) -> None:
        """Adds to today's; raises ApiError 429 where that is more than allowed, and then adds nothing."""
        day = datetime.now(UTC).date().isoformat()
        mine = (USAGE.c.owner == caller, USAGE.c.day == day)
        with self.engine.begin() as connection:
            known = connection.execute(select(USAGE.c.seconds).where(*mine)).first()
        if known is None:
            try:
                with self.engine.begin() as connection:
                    connection.execute(insert(USAGE).values(owner=caller, day=day, seconds=0.0))
            except IntegrityError:  # another request was faster
                pass
        within = USAGE.c.seconds + seconds <= self.per_day_s
        with self.engine.begin() as connection:
            query = update(USAGE).where(*mine, within).values(seconds=USAGE.c.seconds + seconds)
            if not connection.execute(query).rowcount:
                what = f"More than {self.per_day_s:.0f} s of audio a day; the quota begins anew at midnight UTC."
                raise ApiError(429, "quota", what, {"Retry-After": str(_seconds_to_midnight())})


def _seconds_to_midnight() -> int:
    now = datetime.now(UTC)
    return 86400 - (now.hour * 3600 + now.minute * 60 + now.second)
