"""Measures every file once, in worker processes, and every pair from its files."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from autovoice.audio.io import load_wav
from autovoice.evaluation.cache import MeasureCache
from autovoice.evaluation.pairs import Pair
from autovoice.metrics import pitch
from autovoice.metrics.speaker import cosine, joined
from autovoice.processes import worker_pool

RATE = 16000
METRICS = {  # unit of each, in the order of the report
    "secs": "cosine", "campp": "cosine", "cer": "share", "wer": "share", "f0_rmse_hz": "Hz", "f0_rmse_cents": "cents",
    "f0_corr": "r", "gpe": "share", "vde": "share", "dnsmos_ovrl": "MOS", "dnsmos_sig": "MOS", "dnsmos_bak": "MOS",
    "dmos": "MOS", "pesq": "MOS-LQO", "stoi": "share", "shift_st": "semitones", "dur_ratio": "ratio", "rtf": "x real time",
}  # fmt: skip
F0_METRICS: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "f0_rmse_hz": pitch.f0_rmse_hz, "f0_rmse_cents": pitch.f0_rmse_cents, "f0_corr": pitch.f0_corr,
    "gpe": pitch.gpe, "vde": pitch.vde,
}  # fmt: skip
Paths = tuple[Path, ...]
Facts = dict[str, Any]


@dataclass
class Row:
    """Metrics of one pair. values: only those that apply, None where one failed; faults: why."""

    pair: Pair
    values: dict[str, float | None] = field(default_factory=dict)
    anchors: dict[str, dict[str, float]] = field(default_factory=dict)  # metric -> floor, ceiling
    extra: dict[str, float] = field(default_factory=dict)  # similarity to the source
    faults: dict[str, str] = field(default_factory=dict)

    def put(self, name: str, value: float | None, fault: str = "") -> None:
        """Keeps a finite value; anything else is a failure with its reason."""
        good = value is not None and math.isfinite(value)
        self.values[name] = value if good else None
        if not good:
            self.faults[name] = fault or "not defined for this audio"


def _measures() -> dict[str, Callable[[np.ndarray], Any]]:
    from autovoice.metrics.asr import transcribe
    from autovoice.metrics.campplus import campplus_embedding
    from autovoice.metrics.distill_mos import distill_mos
    from autovoice.metrics.dnsmos import dnsmos
    from autovoice.metrics.f0_tracker import track_f0
    from autovoice.metrics.secs import secs_embedding

    return {
        "secs": secs_embedding, "campp": campplus_embedding, "f0": track_f0, "asr": transcribe,
        "dnsmos": lambda wav: tuple(dnsmos(wav)), "dmos": distill_mos, "duration": len,
    }  # fmt: skip


def measure_files(job: tuple[Paths, tuple[str, ...], MeasureCache]) -> Facts:
    """Facts of one file (or of several joined): measure -> value, and measure + " fault" -> reason where it failed."""
    paths, needs, kept = job
    try:
        known = {need: kept.get(paths, need) for need in needs}
    except OSError:
        known = {}
    facts: Facts = {need: value for need, value in known.items() if value is not None}
    missing = [need for need in needs if need not in facts]
    return facts | (_measure_anew(paths, missing, kept) if missing else {})


def _measure_anew(paths: Paths, needs: list[str], kept: MeasureCache) -> Facts:
    import torch

    torch.set_num_threads(1)
    facts: Facts = {}
    try:
        wavs = [load_wav(path, RATE) for path in paths]
        wav = wavs[0] if len(wavs) == 1 else joined(wavs)
    except Exception as error:  # a file that cannot be measured is reported as failed, with its reason
        return {f"{need} fault": f"{error}" for need in needs}
    with threadpool_limits(1, "blas"):  # sums of another order would be other numbers
        for need in needs:
            try:
                facts[need] = _measures()[need](wav)
                kept.put(paths, need, facts[need])
            except Exception as error:
                facts[f"{need} fault"] = f"{type(error).__name__}: {error}"
    return facts


def measure_copy(job: tuple[Path, Path, MeasureCache]) -> Facts:
    """PESQ and STOI of a copy against its recording, both from the first sample, cut to the shorter."""
    from autovoice.metrics.copy import pesq, stoi

    facts: Facts = {}
    *files, kept = job
    for name, metric in (("pesq", pesq), ("stoi", stoi)):
        try:
            facts[name] = kept.get(files, name)
            if facts[name] is None:
                reference, result = (load_wav(path, RATE) for path in files)
                n = min(len(reference), len(result))
                facts[name] = metric(reference[:n], result[:n])
                kept.put(files, name, facts[name])
        except Exception as error:
            facts[f"{name} fault"] = f"{type(error).__name__}: {error}"
    return facts


def halves(refs: Paths) -> tuple[Paths, Paths]:
    """References parted in two, for a ceiling where no other recordings of the target are given."""
    return refs[: len(refs) // 2], refs[len(refs) // 2 :]


def _needs(pairs: list[Pair], wanted: set[str]) -> dict[Paths, tuple[str, ...]]:
    """What must be measured of each file or set of files."""
    needs: dict[Paths, set[str]] = {}
    speaker = wanted & {"secs", "campp"}
    for pair in pairs:
        own = speaker | (wanted & {"f0", "dnsmos", "dmos", "duration"}) | (wanted & {"asr"} if pair.english else set())
        for files in ((pair.source,), (pair.converted,)):
            needs.setdefault(files, set()).update(own)
        sets = [pair.target_refs, pair.ceiling_refs, *(halves(pair.target_refs) if not pair.ceiling_refs else ())]
        for files in sets:
            if files:
                needs.setdefault(files, set()).update(speaker)
    return {files: tuple(sorted(measures)) for files, measures in needs.items()}


def compute(
    pairs: list[Pair],
    wanted: set[str],
    num_workers: int,
    kept: MeasureCache,
    on_progress: Callable[[float], None] | None = None,
) -> list[Row]:
    """A Row a pair, in order. wanted: secs, campp, f0, asr, dnsmos, dmos, copy, duration; what is kept is not measured."""
    needs = _needs(pairs, wanted)
    copies = [(pair.source, pair.converted) for pair in pairs if pair.kind == "copy" and "copy" in wanted]
    facts: dict[Any, Facts] = {}
    jobs = [(files, measures, kept) for files, measures in needs.items()]
    with worker_pool(num_workers) as pool:
        results: Iterator[Facts] = pool.map(measure_files, jobs, chunksize=2)
        for i, ((files, *_), result) in enumerate(zip(jobs, results, strict=True)):
            facts[files] = result
            if on_progress:
                on_progress((i + 1) / len(jobs))
        for key, result in zip(copies, pool.map(measure_copy, [(*copy, kept) for copy in copies]), strict=True):
            facts[("copy", *key)] = result
    return [_row(pair, facts, wanted) for pair in pairs]


def _row(pair: Pair, facts: dict[Any, Facts], wanted: set[str]) -> Row:
    row = Row(pair)
    source, converted = facts[(pair.source,)], facts[(pair.converted,)]
    for name in ("secs", "campp"):
        if name in wanted:
            _similarity(row, name, facts)
    if "asr" in wanted and pair.english:
        _words(row, source, converted)
    if "f0" in wanted:
        _pitch(row, source, converted)
    if "dnsmos" in wanted:
        for i, name in enumerate(("dnsmos_ovrl", "dnsmos_sig", "dnsmos_bak")):
            value = converted["dnsmos"][i] if "dnsmos" in converted else None
            row.put(name, value, str(converted.get("dnsmos fault", "")))
            if "dnsmos" in source:
                row.anchors[name] = {"ceiling": source["dnsmos"][i]}
    if "dmos" in wanted:
        row.put("dmos", converted.get("dmos"), str(converted.get("dmos fault", "")))
        if "dmos" in source:
            row.anchors["dmos"] = {"ceiling": source["dmos"]}
    if "copy" in wanted and pair.kind == "copy":
        own = facts[("copy", pair.source, pair.converted)]
        for name in ("pesq", "stoi"):
            row.put(name, own.get(name), own.get(f"{name} fault", ""))
    if "duration" in wanted:
        both = "duration" in source and "duration" in converted
        ratio = converted["duration"] / source["duration"] if both else None
        row.put("dur_ratio", ratio, str(converted.get("duration fault", source.get("duration fault", ""))))
    if pair.rtf is not None:
        row.put("rtf", pair.rtf)
    return row


def _similarity(row: Row, name: str, facts: dict[Any, Facts]) -> None:
    pair, target = row.pair, facts[row.pair.target_refs]
    source, converted = facts[(pair.source,)], facts[(pair.converted,)]
    fault = converted.get(f"{name} fault") or target.get(f"{name} fault") or ""
    row.put(name, cosine(converted[name], target[name]) if name in converted and name in target else None, fault)
    anchors = {}
    if name in source and name in target:
        anchors["floor"] = cosine(source[name], target[name])
        if name in converted:
            row.extra[f"{name}_source"] = cosine(converted[name], source[name])
    first, second = (pair.ceiling_refs, pair.target_refs) if pair.ceiling_refs else halves(pair.target_refs)
    if first and name in facts[first] and name in facts[second]:
        anchors["ceiling"] = cosine(facts[first][name], facts[second][name])
    row.anchors[name] = anchors


def _words(row: Row, source: Facts, converted: Facts) -> None:
    from autovoice.metrics.asr import cer, wer

    reference = row.pair.text or source.get("asr")
    fault = converted.get("asr fault") or ("" if row.pair.text else source.get("asr fault")) or ""
    for name, metric in (("cer", cer), ("wer", wer)):
        row.put(
            name, None if reference is None or "asr" not in converted else metric(reference, converted["asr"]), fault
        )
        if row.pair.text and "asr" in source:
            row.anchors[name] = {"ceiling": metric(row.pair.text, source["asr"])}


def _pitch(row: Row, source: Facts, converted: Facts) -> None:
    fault = converted.get("f0 fault") or source.get("f0 fault") or ""
    if "f0" not in source or "f0" not in converted:
        for name in (*F0_METRICS, "shift_st"):
            row.put(name, None, fault)
        return
    n = min(len(source["f0"]), len(converted["f0"]))
    before, after = source["f0"][:n], converted["f0"][:n]
    measured_st = pitch.estimate_shift_st(before, after)
    row.put("shift_st", measured_st)
    shift_st = measured_st if row.pair.pitch_st is None else row.pair.pitch_st
    intended = pitch.shifted(before, shift_st) if math.isfinite(shift_st) else before
    for name, metric in F0_METRICS.items():
        row.put(name, metric(intended, after))
