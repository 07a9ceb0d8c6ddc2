"""Times a server over loopback: its start, its memory, requests alone and together, a live stream, and how many streams it holds.

python -m scripts.time_server --voice carlo.wav --bundle bundle/ --minutes 10

Nothing else should run on the machine. Prints JSON.
"""

import argparse
import io
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import soundfile as sf
import soxr

from autovoice.client import Client
from scripts.own_server import started
from scripts.time_stream import Heard, speak

OPTIONS = (
    "serve.requests_per_minute=10000000",
    "serve.audio_s_per_day=1e9",
    "serve.quality_sample=0",
    "serve.max_streams=64",
)
CLIP_S, STREAM_RATE = 10.0, 16000
BOUND_MS, BOUNDS_MS = 100.0, (100.0, 120.0, 150.0)
N_ALONE, N_TOGETHER, N_JOBS, TRIAL_S = 15, 8, 24, 20.0


def percentiles(times_s: list[float]) -> dict[str, float]:
    """p50 and p95 in seconds."""
    return {"p50_s": round(float(np.percentile(times_s, 50)), 3), "p95_s": round(float(np.percentile(times_s, 95)), 3)}


def timed(ask: Callable[[], object]) -> float:
    """Seconds that it takes."""
    begun_s = time.perf_counter()
    ask()
    return time.perf_counter() - begun_s


def requests(client: Client, voice: str, clip: Path, pid: int) -> dict[str, Any]:
    """Each preset alone; then balanced, one after the other and eight at once."""
    found: dict[str, Any] = {}
    for preset in ("fast", "balanced", "quality"):
        client.convert(clip, voice, preset)
        found[preset] = percentiles(
            [timed(lambda preset=preset: client.convert(clip, voice, preset)) for _ in range(N_ALONE)]
        )
    balanced = lambda _=0: timed(lambda: client.convert(clip, voice, "balanced"))  # noqa: E731
    alone_s = sum(balanced() for _ in range(N_JOBS))
    with ThreadPoolExecutor(N_TOGETHER) as pool:
        begun_s = time.perf_counter()
        times_s = list(pool.map(balanced, range(N_JOBS)))
        together_s = time.perf_counter() - begun_s
    found["one_after_the_other"] = {"audio_s_per_s": round(N_JOBS * CLIP_S / alone_s, 1)}
    rate = {
        "audio_s_per_s": round(N_JOBS * CLIP_S / together_s, 1),
        "of_one_after_the_other": round(alone_s / together_s, 3),
    }
    found["eight_at_once"] = percentiles(times_s) | rate | {"memory_mb": memory_mb(pid)}
    return found


def streams(address: str, voice: str, wav: np.ndarray, minutes: float) -> dict[str, Any]:
    """One for `minutes`; then as many more as all can hear within BOUND_MS."""
    pcm = (np.clip(wav, -1, 1) * 32767).astype("<i2").tobytes()
    run: Callable[[float], Heard] = lambda duration_s: speak(address, voice, pcm, STREAM_RATE, duration_s)  # noqa: E731
    run(5.0)
    found: dict[str, Any] = {"one": run(60 * minutes).facts(*BOUNDS_MS), "most": 0}
    for n in range(1, 17):
        with ThreadPoolExecutor(n) as pool:
            heard = list(pool.map(run, [TRIAL_S] * n))
        found[f"{n}_at_once"] = [one.facts(*BOUNDS_MS) for one in heard]
        if any(one.late or one.error or np.percentile(one.delay_ms, 95) > BOUND_MS for one in heard):
            break
        found["most"] = n
    return found


def memory_mb(pid: int) -> int:
    """Resident."""
    return round(psutil.Process(pid).memory_info().rss / 1e6)


def clip_of(voice: Path) -> tuple[np.ndarray, bytes]:
    """The recording as CLIP_S seconds at STREAM_RATE -> (samples, WAV)."""
    wav, rate = sf.read(voice, dtype="float32", always_2d=True)
    wav = soxr.resample(wav.mean(1), rate, STREAM_RATE)
    wav = np.resize(wav, round(CLIP_S * STREAM_RATE))
    sf.write(buffer := io.BytesIO(), wav, STREAM_RATE, format="WAV")
    return wav, buffer.getvalue()


def main() -> int:
    """All of it against a server of its own."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--voice", type=Path, required=True, help="a recording of 5 s of speech or more")
    parser.add_argument("--bundle", help="an exported bundle; without: graphs of this installation")
    parser.add_argument("--minutes", type=float, default=10.0, help="of the one stream")
    parser.add_argument("options", nargs="*", help="serve.KEY=VALUE")
    args = parser.parse_args()
    bundle = ("--bundle", args.bundle) if args.bundle else ()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        begun_s = time.monotonic()
        server, address = started(folder, *bundle, *OPTIONS, *args.options)
        found: dict[str, Any] = {"cores": os.cpu_count(), "cold_start_s": round(time.monotonic() - begun_s, 2)}
        found["memory_idle_mb"] = memory_mb(server.pid)
        try:
            wav, clip = clip_of(args.voice)
            (path := folder / "clip.wav").write_bytes(clip)
            client = Client(address)
            voice = client.clone("timed", [args.voice], "for timing")["id"]
            found |= requests(client, voice, path, server.pid)
            found["streams"] = streams(address, voice, wav, args.minutes)
            found["memory_end_mb"] = memory_mb(server.pid)
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(60)
    print(json.dumps(found, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
