"""Audio for the report: short, small, each recording once, with its f0."""

import base64
import hashlib
import io
import json
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import soundfile as sf

from autovoice.audio.decode import open_recording
from autovoice.audio.io import load_wav, stream_blocks
from autovoice.errors import AudioError
from autovoice.evaluation.cache import MeasureCache, digest
from autovoice.evaluation.rows import RATE
from autovoice.files import write_text
from autovoice.metrics.f0_tracker import track_f0
from autovoice.processes import worker_pool

MAX_PLAYED_S = 12.0
RATES = (RATE, 24000)  # what every browser decodes; a result at 24 kHz is heard at 24 kHz
F0_PER_S = 100
VERSION = 1
MANY = 8  # clips that are worth starting processes for
Clip = dict[str, Any]


def make_clip(job: tuple[Path, MeasureCache]) -> Clip:
    """The first 12 s of a file: mp3 (base64), f0 in Hz every 10 ms (0 = unvoiced), seconds; or fault, why there is none."""
    path, kept = job
    try:
        place = _place(path, kept)
        if place and place.is_file():
            return json.loads(place.read_text(encoding="utf-8"))
        clip = _encoded(path, kept)
    except (AudioError, OSError, ValueError) as error:
        return {"fault": str(error)}
    if place:
        write_text(place, json.dumps(clip))
    return clip


def _place(path: Path, kept: MeasureCache) -> Path | None:
    if kept.folder is None or not path.is_file():
        return None
    key = hashlib.sha256(f"clip {VERSION} {MAX_PLAYED_S} {digest(path)}".encode()).hexdigest()
    return kept.folder / "clips" / key[:2] / f"{key}.json"


def _encoded(path: Path, kept: MeasureCache) -> Clip:
    with ExitStack() as stack:
        own_rate = open_recording(path, stack).sample_rate
    rate = RATES[own_rate >= RATES[1]]
    wav = next(stream_blocks(path, rate, MAX_PLAYED_S))
    buffer = io.BytesIO()
    sf.write(buffer, np.clip(wav, -1, 1), rate, format="MP3")
    f0 = kept.get((path,), "f0")
    if f0 is None:
        f0 = track_f0(wav if rate == RATE else load_wav(path, RATE)[: int(MAX_PLAYED_S * RATE)])
    seconds = len(wav) / rate
    track = [round(float(hz), 1) for hz in f0[: int(seconds * F0_PER_S) + 1]]
    return {"mp3": base64.b64encode(buffer.getvalue()).decode(), "f0": track, "seconds": round(seconds, 3)}


def make_clips(paths: Iterable[Path], kept: MeasureCache, num_workers: int) -> list[Clip]:
    """A clip a path, in order."""
    jobs = [(path, kept) for path in paths]
    if num_workers < 2 or len(jobs) < MANY:
        return [make_clip(job) for job in jobs]
    with worker_pool(num_workers) as pool:
        return list(pool.map(make_clip, jobs, chunksize=4))


def seconds_of(path: Path) -> float:
    """How long a clip of the file would be, without decoding it; MAX_PLAYED_S where its header does not say."""
    try:
        return min(MAX_PLAYED_S, sf.info(path).duration)
    except (sf.LibsndfileError, RuntimeError):
        return MAX_PLAYED_S
