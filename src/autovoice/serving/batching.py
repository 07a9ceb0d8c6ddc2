"""Joins what several conversions ask of the networks at the same time into one pass."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from autovoice.networks import Encoder, Filters, Networks, OutOfMemory, Steps, Target

Arrays = tuple[np.ndarray, ...]


@dataclass(eq=False)
class _Call:
    """What one thread asks; made: its rows of the answer, or why there is none."""

    kind: tuple[Any, ...]
    asked: tuple[Any, ...]
    made: Arrays | BaseException | None = None


class Batched:
    """autovoice.networks.Networks that make one pass at a time, of all that waits for the same kind of pass.

    Nobody waits for company: who finds the networks idle has them at once, and what comes meanwhile is the next pass. A row is
    made alike in a batch and alone, but for rounding. A batch that the device cannot hold is made row by row.
    """

    def __init__(self, networks: Networks, most: int) -> None:
        """most: rows of a pass."""
        self.networks, self.most = networks, most
        self.audio, self.config, self.weights = networks.audio, networks.config, networks.weights
        self._turn = threading.Condition()
        self._waiting: list[_Call] = []
        self._busy = False

    @property
    def device(self) -> str:
        """Theirs."""
        return self.networks.device

    def pitch(self, wav: np.ndarray, f0_min_hz: float, f0_max_hz: float) -> tuple[np.ndarray, np.ndarray]:
        """As Networks.pitch; it takes too little of a device to wait for others."""
        return self.networks.pitch(wav, f0_min_hz, f0_max_hz)

    def content(self, wav: np.ndarray, encoder: Encoder = "large") -> np.ndarray:
        """As Networks.content."""

        def together(calls: Sequence[_Call]) -> Arrays:
            return (self.networks.content(np.concatenate([call.asked[0] for call in calls]), encoder),)

        return self._ask(_Call(("content", encoder, wav.shape), (wav,)), together)[0]

    def generate(self, content: np.ndarray, f0: np.ndarray, loudness: np.ndarray, targets: Sequence[Target]) -> Filters:
        """As Networks.generate."""

        def together(calls: Sequence[_Call]) -> Arrays:
            content, f0, loudness = (np.concatenate([call.asked[i] for call in calls]) for i in range(3))
            return self.networks.generate(content, f0, loudness, [target for call in calls for target in call.asked[3]])

        kind = ("generate", content.shape, targets[0].weights, len(targets[0].ref_content))
        return Filters(*self._ask(_Call(kind, (content, f0, loudness, targets)), together))

    def embed_speaker(self, wav: np.ndarray) -> np.ndarray:
        """As Networks.embed_speaker."""
        return self.networks.embed_speaker(wav)

    def steps(self, target: Target) -> Steps:
        """As Networks.steps; a stream waits for nobody."""
        return self.networks.steps(target)

    def forget(self) -> None:
        """As Networks.forget."""
        self.networks.forget()

    def leave_device(self) -> None:
        """As Networks.leave_device."""
        self.networks.leave_device()

    def _ask(self, call: _Call, together: Callable[[Sequence[_Call]], Arrays]) -> Arrays:
        """The call's rows; raises what making them raised."""
        with self._turn:
            self._waiting.append(call)
            self._turn.wait_for(lambda: call.made is not None or not self._busy)
            calls = [] if call.made is not None else self._taken(call)
            self._busy = self._busy or bool(calls)
        if calls:
            try:
                _make(calls, together)
            finally:
                with self._turn:
                    self._busy = False
                    self._turn.notify_all()
        if isinstance(call.made, BaseException):
            raise call.made
        assert call.made is not None
        return call.made

    def _taken(self, call: _Call) -> list[_Call]:
        """The call and those that waited longest for its kind of pass, no longer waiting."""
        alike = [other for other in self._waiting if other.kind == call.kind and other is not call]
        calls = [call, *alike[: self.most // len(call.asked[0]) - 1]]
        self._waiting = [other for other in self._waiting if other not in calls]
        return calls


def _make(calls: Sequence[_Call], together: Callable[[Sequence[_Call]], Arrays]) -> None:
    """Sets what was made of each call."""
    try:
        made = together(calls)
        at = 0
        for call in calls:
            n = len(call.asked[0])
            call.made = tuple(rows[at : at + n] for rows in made)
            at += n
    except OutOfMemory as error:
        if len(calls) == 1:
            calls[0].made = error
        for call in calls if len(calls) > 1 else ():
            _make([call], together)
    except Exception as error:
        for call in calls:
            call.made = error
