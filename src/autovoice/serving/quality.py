"""The quality of what is served: a sample of the conversions is measured as evaluation measures, and held to the baseline."""

import hashlib
import logging
import queue
import threading
from collections import defaultdict, deque
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from autovoice.audio.io import load_wav
from autovoice.files import read_json
from autovoice.serving.telemetry import Telemetry
from autovoice.voice import VoiceProfile

LOGGER = logging.getLogger(__name__)
RATE = 16000
WAITING = 4  # conversions that wait to be measured; more are left out
REMEMBERED = 50  # measured ones that the mean is over
MAX_S = 20.0  # of each that are heard


def measured(source: np.ndarray, converted: np.ndarray, voice: VoiceProfile, shift_st: float) -> dict[str, float]:
    """source, converted: mono 16 kHz -> secs, f0_rmse_hz, and cer where a recogniser is installed; NaN where undefined."""
    from autovoice.metrics.f0_tracker import track_f0
    from autovoice.metrics.pitch import f0_rmse_hz, shifted
    from autovoice.metrics.secs import secs_embedding
    from autovoice.metrics.speaker import cosine

    found = {
        "secs": cosine(secs_embedding(converted), voice.spk_emb),
        "f0_rmse_hz": f0_rmse_hz(shifted(track_f0(source), shift_st), track_f0(converted)),
    }
    if find_spec("faster_whisper") and find_spec("jiwer"):
        from autovoice.metrics.asr import cer, transcribe

        found["cer"] = cer(transcribe(source), transcribe(converted))
    return found


class QualityWatch:
    """Measures in a thread of its own; what comes while WAITING wait already is left out."""

    def __init__(self, share: float, baseline: Path, telemetry: Telemetry) -> None:
        self.share, self.telemetry = share, telemetry
        self.means = _means(baseline)
        self.last: dict[tuple[str, str], deque[float]] = defaultdict(lambda: deque(maxlen=REMEMBERED))
        self._waiting: queue.Queue[Callable[[], None] | None] = queue.Queue(WAITING)
        self._thread = threading.Thread(target=self._run, daemon=True, name="quality")
        self._thread.start()

    def offer(self, job: str, source: Path, converted: Path, voice: VoiceProfile, preset: str, shift_st: float) -> None:
        """Measures this conversion if the hash of its id falls into the share."""
        if int(hashlib.sha256(job.encode()).hexdigest()[:8], 16) / 2**32 >= self.share:
            return
        try:
            wavs = [load_wav(path, RATE)[: int(MAX_S * RATE)] for path in (source, converted)]
            self._waiting.put_nowait(lambda: self.note(preset, measured(wavs[0], wavs[1], voice, shift_st)))
        except (queue.Full, OSError):
            return

    def note(self, preset: str, values: dict[str, float]) -> None:
        """Moves the mean of each metric, and how far it is from the baseline's."""
        for metric, value in values.items():
            if not np.isfinite(value):
                continue
            self.last[metric, preset].append(value)
            mean = float(np.mean(self.last[metric, preset]))
            self.telemetry.quality.labels(metric, preset).set(mean)
            if (known := self.means.get(preset, {}).get(metric)) is not None:
                self.telemetry.drift.labels(metric, preset).set(mean - known)

    def stop(self) -> None:
        """Lets what is being measured end."""
        self._waiting.put(None)
        self._thread.join(10)

    def _run(self) -> None:
        while (work := self._waiting.get()) is not None:
            try:
                work()
            except Exception as error:  # silence has no voice; what cannot be measured says nothing of quality
                LOGGER.info("not measured", extra={"reason": type(error).__name__})


def _means(baseline: Path) -> dict[str, dict[str, float]]:
    """preset -> metric -> mean of the baseline's zero-shot system; empty without a baseline."""
    if not baseline.is_file():
        return {}
    systems = read_json(baseline, "autovoice gate --update").get("systems", {})
    kept = {
        name.removeprefix("zero-shot/"): metrics for name, metrics in systems.items() if name.startswith("zero-shot/")
    }
    return {preset: {name: value["mean"] for name, value in metrics.items()} for preset, metrics in kept.items()}
