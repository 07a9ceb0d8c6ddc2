"""The live path: how late its output is, and how long each 20 ms block takes."""

import time
from pathlib import Path

import numpy as np

from autovoice.bench.jobs import Row
from autovoice.config import PresetConfig
from autovoice.live import FRAME, LiveConverter
from autovoice.networks import Networks
from autovoice.voice import VoiceProfile
from autovoice.weights import BASE_GENERATOR, CONTENT_STUDENT, facts_of

WARM_UP_BLOCKS = 25  # half a second: first calls allocate, and the first block only fills the buffer


def why_no_stream(base: Path = BASE_GENERATOR, student: Path = CONTENT_STUDENT) -> str:
    """What the weights lack for a live conversion; "" if nothing."""
    if not student.is_file():
        return f"no {student.name} ships beside {base.name}"
    return "" if facts_of(base).get("model", {}).get("causal") else f"{base.name} is not causal"


def measure_stream(networks: Networks, voice: VoiceProfile, wav: np.ndarray, preset: PresetConfig) -> Row:
    """wav: mono 16 kHz of a second or more -> delay without computing, ms a 20 ms block, and their share of real time.

    preset: what served streams take their reference and sharpening from: fast.
    """
    live = LiveConverter(networks, voice, reference_s=preset.reference_s, sharpening=preset.sharpening)
    blocks_ms = []
    for start in range(0, len(wav) - FRAME + 1, FRAME):
        started = time.perf_counter()
        live.push(wav[start : start + FRAME])
        blocks_ms.append((time.perf_counter() - started) * 1000)
    p50, p95 = np.percentile(blocks_ms[WARM_UP_BLOCKS:], [50, 95])
    block_ms = FRAME / networks.audio.sample_rate * 1000
    return {
        "delay_ms": live.delay_s * 1000,
        "block_p50_ms": float(p50),
        "block_p95_ms": float(p95),
        "rtf": float(np.mean(blocks_ms[WARM_UP_BLOCKS:])) / block_ms,
    }
