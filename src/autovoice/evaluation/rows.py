"""What is measured of a pair: names and units of the metrics, and one pair's values."""

import math
from dataclasses import dataclass, field

import numpy as np

from autovoice.evaluation.pairs import Pair

RATE = 16000
METRICS = {  # unit of each, in the order of the report
    "secs": "cosine", "campp": "cosine", "secs_place": "share", "campp_place": "share", "cer": "share", "wer": "share",
    "cer_b": "share", "wer_b": "share", "f0_rmse_hz": "Hz", "f0_rmse_cents": "cents", "f0_corr": "r", "gpe": "share",
    "octave": "share", "vde": "share", "dnsmos_ovrl": "MOS", "dnsmos_sig": "MOS", "dnsmos_bak": "MOS", "dmos": "MOS",
    "pesq": "MOS-LQO", "stoi": "share", "mrstft": "distance", "mcd": "dB", "chroma": "cosine", "vibrato_hz_err": "Hz",
    "vibrato_cents_err": "cents", "leakage_db": "dB", "si_sdr_db": "dB", "shift_st": "semitones", "dur_ratio": "ratio",
    "loudness_db": "LU", "clip_share": "share", "silence_share": "share", "bright_db": "dB", "noise_db": "dB",
    "rtf": "x real time", "latency_ms": "ms", "memory_mb": "MB",
}  # fmt: skip
MEASURES = ("secs", "campp", "f0", "asr", "asr_b", "dnsmos", "dmos", "copy", "duration", "signal", "mcd", "singing")


@dataclass
class Row:
    """Metrics of one pair. values: only those that apply, None where one failed; faults: why."""

    pair: Pair
    values: dict[str, float | None] = field(default_factory=dict)
    anchors: dict[str, dict[str, float]] = field(default_factory=dict)  # metric -> floor, ceiling
    extra: dict[str, float] = field(default_factory=dict)  # similarity to the source
    embeddings: dict[str, dict[str, np.ndarray]] = field(default_factory=dict)  # encoder -> refs, ceiling, source
    faults: dict[str, str] = field(default_factory=dict)

    def put(self, name: str, value: float | None, fault: str = "") -> None:
        """Keeps a finite value; anything else is a failure with its reason."""
        good = value is not None and math.isfinite(value)
        self.values[name] = value if good else None
        if not good:
            self.faults[name] = fault or "not defined for this audio"
