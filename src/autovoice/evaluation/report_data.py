"""What the page's script draws: rows with their numbers, and which of them can be played."""

import json
import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from autovoice.errors import DataError
from autovoice.evaluation.cache import MeasureCache
from autovoice.evaluation.items import Item
from autovoice.evaluation.regression import EITHER_WAY, HIGHER_IS_BETTER
from autovoice.evaluation.report_clips import make_clips, seconds_of
from autovoice.evaluation.rows import METRICS
from autovoice.files import read_json

MAX_AUDIO_S = 1500.0  # of all clips: the page stays under 15 MB
WORST_BY = ("campp", "cer", "f0_rmse_cents", "dmos", "secs", "dnsmos_ovrl")  # whose worst items are played first
NEUTRAL = {"dur_ratio": 1.0, "loudness_db": 0.0}  # of metrics with a right value; elsewhere the median is taken
MEANING = {
    "secs": "likeness to the target, Resemblyzer", "secs_place": "0 a stranger, 1 the same voice",
    "campp": "likeness to the target by the judge, CAM++", "campp_place": "0 a stranger, 1 the same voice",
    "cer": "characters misheard", "wer": "words misheard", "cer_b": "characters misheard, second recogniser",
    "wer_b": "words misheard, second recogniser", "f0_rmse_hz": "pitch error", "f0_rmse_cents": "pitch error",
    "f0_corr": "melody kept", "gpe": "frames over 20 % off pitch", "vde": "voicing errors", "octave": "octave errors",
    "dnsmos_ovrl": "predicted quality, overall", "dnsmos_sig": "predicted quality, speech",
    "dnsmos_bak": "predicted quality, background", "dmos": "predicted naturalness", "pesq": "copies only",
    "stoi": "copies only", "mrstft": "copies only", "mcd": "where the target said the same", "chroma": "singing only",
    "vibrato_hz_err": "singing only", "vibrato_cents_err": "singing only", "shift_st": "measured pitch shift",
    "dur_ratio": "converted over source", "loudness_db": "converted minus source", "clip_share": "samples in flat tops",
    "silence_share": "silent frames", "bright_db": "treble against bass", "noise_db": "noise floor",
    "rtf": "seconds used a second of audio", "latency_ms": "delay", "memory_mb": "memory used",
}  # fmt: skip


def direction(metric: str) -> int:
    """1 where higher is better, -1 where lower is, 0 where any change is one."""
    return 0 if metric in EITHER_WAY else (1 if metric in HIGHER_IS_BETTER else -1)


def severity(metric: str, value: float | None, neutral: float) -> float:
    """How bad a value is, for sorting; -inf where there is none."""
    if value is None or not math.isfinite(value):
        return -math.inf
    sign = direction(metric)
    return -sign * value if sign else abs(value - neutral)


def worst_first(items: Sequence[Item]) -> list[int]:
    """Indices in the order in which items earn a player: of each system in turn, the worst by each metric in turn."""
    queues: dict[tuple[str, str], list[int]] = {}
    by_system: dict[str, list[int]] = defaultdict(list)
    for i, item in enumerate(items):
        by_system[item.system].append(i)
    for metric in WORST_BY:
        for system, own in by_system.items():
            found = sorted(own, key=lambda i: (metric in items[i].faults, _bad(items[i], metric)), reverse=True)
            queues[metric, system] = found
    order = dict.fromkeys(i for rank in zip(*_padded(queues.values()), strict=True) for i in rank if i is not None)
    return list(order)


def _bad(item: Item, metric: str) -> float:
    return severity(metric, item.values.get(metric), NEUTRAL.get(metric, 0.0))


def _padded(queues: Iterable[list[int]]) -> list[list[int | None]]:
    rows = list(queues)
    longest = max(map(len, rows), default=0)
    return [[*row, *[None] * (longest - len(row))] for row in rows]


class Clips:
    """The distinct files that the page plays, within MAX_AUDIO_S."""

    def __init__(self) -> None:
        self.paths: dict[Path, int] = {}
        self.seconds = 0.0

    def take(self, named: list[tuple[str, Path]]) -> list[list[Any]]:
        """[label, index] of each file, or nothing where the page would grow too large."""
        new = {path.resolve() for _, path in named} - self.paths.keys()
        more = sum(seconds_of(path) for path in new)
        if self.seconds + more > MAX_AUDIO_S:
            return []
        self.seconds += more
        return [[label, self.paths.setdefault(path.resolve(), len(self.paths))] for label, path in named]


def row_of(item: Item) -> dict[str, Any]:
    """Who, which numbers, what failed; without players."""
    keep = ("system", "kind", "preset", "source_speaker", "target_speaker", "sex", "lang", "text")
    who = {name: item.who[name] for name in keep}
    values = {name: v for name, v in item.values.items() if name in METRICS and v is not None and math.isfinite(v)}
    return who | {"name": item.name, "v": values, "failed": item.faults, "clips": [], "files": item.files["converted"]}


def run_data(items: Sequence[Item], summary: dict[str, Any], kept: MeasureCache, num_workers: int) -> dict[str, Any]:
    """Everything that the script of one run's report needs."""
    rows, clips = [row_of(item) for item in items], Clips()
    for i in worst_first(items):
        item = items[i]
        files = {name: item.paths(column)[0] for name, column in SHOWN_FILES}
        rows[i]["clips"] = clips.take(list(files.items()))
    systems = {
        system: {name: [m[key] for key in ("mean", "low", "high", "floor", "ceiling")] for name, m in metrics.items()}
        for system, metrics in summary["systems"].items()
    }
    made = make_clips(clips.paths, kept, num_workers)
    return {"mode": "run", "metrics": metrics_of(rows), "rows": rows, "clips": made, "systems": systems}


SHOWN_FILES = (("source", "source"), ("reference", "target_refs"), ("converted", "converted"))


def metrics_of(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The metrics that any row has, in the report's order."""
    present = {name for row in rows for name in (*row["v"], *row["failed"])}
    return [
        {"name": n, "unit": unit, "way": direction(n), "neutral": NEUTRAL.get(n), "what": MEANING.get(n, "")}
        for n, unit in METRICS.items()
        if n in present
    ]


def read_verdict(path: Path) -> dict[str, Any]:
    """verdict.json as the gate wrote it; raises DataError when it is missing or not one."""
    verdict = read_json(path, "autovoice gate")
    if not isinstance(verdict, dict) or not {"status", "systems", "faults", "n_checks"} <= verdict.keys():
        raise DataError("is not a verdict", str(path), "run autovoice gate again")
    return verdict


def embedded(data: dict[str, Any]) -> str:
    """JSON that can stand inside a script element. Raises ValueError on NaN."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
