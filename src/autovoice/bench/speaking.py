"""Speaking: milliseconds from a short sentence to about one second of audio in a cloned voice, front-end included."""

import importlib.util
import time

import numpy as np

from autovoice.bench.jobs import Row
from autovoice.bench.memory import peak_memory_mb
from autovoice.bench.systems import Preset
from autovoice.config import compose
from autovoice.tts.front_end import load_front_end

SENTENCES = ("Please come in.", "Where did they go?", "He knows the way.", "Put it on the table.")  # 1.0 to 1.1 s each


def why_no_speech() -> str:
    """What speaking lacks here; "" if nothing."""
    missing = [name for name in ("hibari", "sentencex") if importlib.util.find_spec(name) is None]
    return f"the package {missing[0]} is missing (pip install autovoice[speech])" if missing else ""


def measure_speaking(system: Preset, rounds: int = 5) -> Row:
    """Latency of each sentence, spoken `rounds` times after one round of warm-up; audio_s: their median length in seconds."""
    from autovoice.speech.speak import speak  # where why_no_speech has nothing to say

    front_end = load_front_end(compose().tts)
    turns_ms, lengths_s = [], []
    for i, text in enumerate(SENTENCES * (rounds + 1)):
        started = time.perf_counter()
        [sentence] = speak(text, system.voice, front_end, system.converter, system.settings)
        if i >= len(SENTENCES):
            turns_ms.append((time.perf_counter() - started) * 1000)
            lengths_s.append(len(sentence.wav) / system.converter.audio.output_rate)
    p50, p95 = np.percentile(turns_ms, [50, 95])
    latency = {"latency_p50_ms": float(p50), "latency_p95_ms": float(p95)}
    return latency | {"audio_s": float(np.median(lengths_s)), "peak_memory_mb": peak_memory_mb()}
