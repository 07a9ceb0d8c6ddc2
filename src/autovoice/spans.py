"""Where time goes: work is divided into named stages, and whoever asks is told when each begins and ends."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TypeVar

T = TypeVar("T")
Tracer = Callable[[str], AbstractContextManager]
_TRACER: ContextVar[Tracer | None] = ContextVar("tracer", default=None)


@contextmanager
def stage(name: str) -> Iterator[None]:
    """A stage of the work, as a `with` block or as a decorator of a function; costs nothing where nobody asked."""
    tracer = _TRACER.get()
    if tracer is None:
        yield
        return
    with tracer(name):
        yield


def staged(name: str, items: Iterable[T]) -> Iterator[T]:
    """The items, the making of each being a stage."""
    source = iter(items)
    while True:
        with stage(name):
            try:
                item = next(source)
            except StopIteration:
                return
        yield item


@contextmanager
def traced(tracer: Tracer | None) -> Iterator[None]:
    """Stages of this thread's work inside the block are reported to `tracer`."""
    token = _TRACER.set(tracer)
    try:
        yield
    finally:
        _TRACER.reset(token)


@dataclass
class Stopwatch:
    """A tracer that adds up seconds by stage; what a stage spends in others within it counts there alone."""

    seconds: dict[str, float] = field(default_factory=dict)
    calls: dict[str, int] = field(default_factory=dict)
    _inner_s: list[float] = field(default_factory=lambda: [0.0])

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        self._inner_s.append(0.0)
        try:
            yield
        finally:
            took, inner = time.perf_counter() - started, self._inner_s.pop()
            self._inner_s[-1] += took
            self.seconds[name] = self.seconds.get(name, 0.0) + took - inner
            self.calls[name] = self.calls.get(name, 0) + 1
