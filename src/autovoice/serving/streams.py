"""Who is connected to /v1/stream: places for those who have greeted, and word to all when the server ends."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import Gauge

from autovoice.serving.faults import ApiError

FAREWELL_S = 5.0  # that clients may take to receive their rest at the server's end


class Streams:
    """At most `most` places. Used from the server's event loop alone."""

    def __init__(self, most: int, gauge: Gauge) -> None:
        self.most, self.taken = most, 0
        self.ending = asyncio.Event()
        self._gauge = gauge
        self._connected: set[asyncio.Task] = set()

    @contextmanager
    def connection(self) -> Iterator[None]:
        """While a client is connected: `end` waits for it."""
        task = asyncio.current_task()
        assert task is not None
        self._connected.add(task)
        try:
            yield
        finally:
            self._connected.discard(task)

    @contextmanager
    def place(self) -> Iterator[None]:
        """While a client streams; raises ApiError 429 where all places are taken."""
        if self.taken >= self.most:
            raise ApiError(429, "busy", "All streams are taken; try again later.")
        self.taken += 1
        self._gauge.set(self.taken)
        try:
            yield
        finally:
            self.taken -= 1
            self._gauge.set(self.taken)

    async def end(self) -> None:
        """Tells all that the server ends, and gives them FAREWELL_S to take what is theirs."""
        self.ending.set()
        if self._connected:
            await asyncio.wait(self._connected, timeout=FAREWELL_S)


def going() -> ApiError:
    """What a client is told at the server's end."""
    return ApiError(503, "going", "The server is about to end; connect again.")
