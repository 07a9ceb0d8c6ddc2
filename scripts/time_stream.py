"""A client that speaks to /v1/stream as a microphone does, and notes how late each moment comes back."""

import json
import time
from dataclasses import dataclass, field
from threading import Thread
from typing import Any

import numpy as np
from websockets.sync.client import connect

from autovoice.client import HEADER

CHUNK_S = 0.02


@dataclass
class Heard:
    """What a listener got: delay_ms of each block's first sample, from its being spoken to its arrival; late: blocks left out."""

    delay_ms: list[float] = field(default_factory=list)
    compute_ms_p95: list[float] = field(default_factory=list)
    late: int = 0
    error: str = ""

    def underruns(self, bound_ms: float) -> int:
        """Blocks too late for somebody who plays everything bound_ms late, and those that never came."""
        return self.late + sum(delay > bound_ms for delay in self.delay_ms)

    def facts(self, *bounds_ms: float) -> dict[str, Any]:
        """As JSON."""
        delays = self.delay_ms or [float("nan")]
        return {
            "blocks": len(self.delay_ms),
            "delay_ms_p50": round(float(np.percentile(delays, 50)), 1),
            "delay_ms_p95": round(float(np.percentile(delays, 95)), 1),
            "delay_ms_max": round(max(delays), 1),
            "compute_ms_p95": round(float(np.median(self.compute_ms_p95 or [np.nan])), 1),
            "underruns": {f"{bound_ms:.0f}_ms": self.underruns(bound_ms) for bound_ms in bounds_ms},
            "late": self.late,
            **({"error": self.error} if self.error else {}),
        }


def speak(address: str, voice: str, pcm: bytes, rate: int, duration_s: float) -> Heard:
    """pcm: s16le mono, said again and again, a block of 20 ms when its last sample would have been recorded."""
    heard = Heard()
    with connect(address.replace("http", "ws", 1) + "/v1/stream", open_timeout=60, compression=None) as ws:
        ws.send(json.dumps({"rate": rate, "voice": voice}))
        ready = json.loads(ws.recv())
        if ready["type"] != "ready":
            heard.error = ready["message"]
            return heard
        begun_s = time.monotonic()
        sender = Thread(target=_send, args=(ws, pcm, rate, duration_s, begun_s), daemon=True)
        sender.start()
        _listen(ws, heard, rate, ready["lag_ms"] / 1000, begun_s)
        sender.join()
    return heard


def _send(ws: Any, pcm: bytes, rate: int, duration_s: float, begun_s: float) -> None:
    size = 2 * round(rate * CHUNK_S)
    blocks = [pcm[at : at + size] for at in range(0, len(pcm) - size + 1, size)]
    for number in range(round(duration_s / CHUNK_S)):
        time.sleep(max(0.0, begun_s + (number + 1) * CHUNK_S - time.monotonic()))
        ws.send(HEADER.pack(number) + blocks[number % len(blocks)])
    ws.send(json.dumps({"type": "end"}))


def _listen(ws: Any, heard: Heard, rate: int, lag_s: float, begun_s: float) -> None:
    n_samples = 0
    for message in ws:
        now_s = time.monotonic()
        if isinstance(message, bytes):
            spoken_s = begun_s + n_samples / rate - lag_s
            heard.delay_ms.append(1000 * (now_s - spoken_s))
            n_samples += (len(message) - HEADER.size) // 2
            continue
        said = json.loads(message)
        heard.late = said.get("late", heard.late)
        if said["type"] == "stats":
            heard.compute_ms_p95.append(said["compute_ms_p95"])
        if said["type"] == "error":
            heard.error = said["message"]
