"""Measures every file once, in worker processes, and every pair from its files."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from autovoice.audio.io import load_native, load_wav
from autovoice.evaluation.cache import MeasureCache
from autovoice.evaluation.pairs import Pair
from autovoice.evaluation.rows import RATE, Row
from autovoice.evaluation.workers import workers
from autovoice.metrics import pitch, signal
from autovoice.metrics.speaker import cosine, joined

F0_METRICS: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "f0_rmse_hz": pitch.f0_rmse_hz, "f0_rmse_cents": pitch.f0_rmse_cents, "f0_corr": pitch.f0_corr,
    "gpe": pitch.gpe, "octave": pitch.octave, "vde": pitch.vde,
}  # fmt: skip
Paths = tuple[Path, ...]
Facts = dict[str, Any]


def _measures() -> dict[str, Callable[[np.ndarray], Any]]:
    from autovoice.metrics.asr import transcribe, transcribe_b
    from autovoice.metrics.campplus import campplus_embedding
    from autovoice.metrics.distill_mos import distill_mos
    from autovoice.metrics.dnsmos import dnsmos
    from autovoice.metrics.f0_tracker import track_f0
    from autovoice.metrics.secs import secs_embedding

    return {
        "secs": secs_embedding, "campp": campplus_embedding, "f0": track_f0, "asr": transcribe,
        "asr_b": transcribe_b, "dnsmos": lambda wav: tuple(dnsmos(wav)), "dmos": distill_mos, "duration": len,
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
                facts[need] = _signal(paths[0], wav) if need == "signal" else _measures()[need](wav)
                kept.put(paths, need, facts[need])
            except Exception as error:
                facts[f"{need} fault"] = f"{type(error).__name__}: {error}"
    return facts


def _signal(path: Path, wav: np.ndarray) -> dict[str, float]:
    """What metrics.signal says of a file; clipping is looked for at the file's own rate, in its worst channel."""
    native, rate = load_native(path)
    return {
        "loudness_db": signal.loudness_lufs(native.mean(1), rate),
        "clip_share": max(signal.clip_share(channel) for channel in native.T),
        "silence_share": signal.silence_share(wav),
        "bright_db": signal.bright_db(wav),
        "noise_db": signal.noise_db(wav),
    }


Together = Callable[..., float]


def _metrics_together(kind: str) -> dict[str, Together]:
    """Metrics that hear several files at once.

    kind: copy and chroma (source, converted), mcd (parallel recording, converted), separation (vocals, accompaniment, source).
    """
    from autovoice.metrics.cepstral import mcd
    from autovoice.metrics.copy import mrstft, pesq, stoi
    from autovoice.metrics.separation import leakage_db, si_sdr_db
    from autovoice.metrics.singing import chroma_similarity

    metrics: dict[str, dict[str, Together]] = {
        "mcd": {"mcd": mcd},
        "chroma": {"chroma": chroma_similarity},
        "separation": {  # a perfect one is infinite: within 100 dB, a number
            "leakage_db": lambda vocals, accompaniment, source: float(
                np.clip(leakage_db(vocals, accompaniment, source), -100, 100)
            ),
            "si_sdr_db": lambda vocals, _, source: float(np.clip(si_sdr_db(vocals, source), -100, 100)),
        },
    }
    return metrics.get(kind, {"pesq": pesq, "stoi": stoi, "mrstft": mrstft})


def measure_together(job: tuple[str, Paths, MeasureCache]) -> Facts:
    """Facts of several files, each from its first sample and all cut to the shortest."""
    kind, paths, kept = job
    facts: Facts = {}
    for name, metric in _metrics_together(kind).items():
        try:
            facts[name] = kept.get(paths, name)
            if facts[name] is None:
                wavs = [load_wav(path, RATE) for path in paths]
                n = None if name == "mcd" else min(map(len, wavs))  # that one warps time
                facts[name] = metric(*(wav[:n] for wav in wavs))
                kept.put(paths, name, facts[name])
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
        own = speaker | (wanted & {"f0", "dnsmos", "dmos", "duration", "signal"})
        own |= wanted & {"asr", "asr_b"} if pair.english else set()
        for files in ((pair.source,), (pair.converted,)):
            needs.setdefault(files, set()).update(own)
        sets = [pair.target_refs, pair.ceiling_refs, *(halves(pair.target_refs) if not pair.ceiling_refs else ())]
        for files in sets:
            if files:
                needs.setdefault(files, set()).update(speaker)
    return {files: tuple(sorted(measures)) for files, measures in needs.items()}


def _groups(pair: Pair, wanted: set[str]) -> list[tuple[str, Paths]]:
    """Which files of a pair are heard together, and for which metrics."""
    groups: list[tuple[str, Paths]] = []
    if pair.kind == "copy" and "copy" in wanted:
        groups.append(("copy", (pair.source, pair.converted)))
    if pair.parallel and "mcd" in wanted:
        groups.append(("mcd", (pair.parallel, pair.converted)))
    if pair.kind == "singing" and "singing" in wanted:
        groups.append(("chroma", (pair.source, pair.converted)))
        if pair.vocals and pair.accompaniment:
            groups.append(("separation", (pair.vocals, pair.accompaniment, pair.source)))
    return groups


def compute(
    pairs: list[Pair],
    wanted: set[str],
    num_workers: int,
    kept: MeasureCache,
    on_progress: Callable[[float], None] | None = None,
    engine: str = "local",
) -> list[Row]:
    """A Row a pair, in order. wanted: some of MEASURES; what is kept is not measured again; engine: local or ray."""
    needs = _needs(pairs, wanted)
    groups = list(dict.fromkeys(group for pair in pairs for group in _groups(pair, wanted)))
    facts: dict[Any, Facts] = {}
    jobs = [(files, measures, kept) for files, measures in needs.items()]
    with workers(engine, num_workers) as work:
        for i, ((files, *_), result) in enumerate(zip(jobs, work(measure_files, jobs), strict=True)):
            facts[files] = result
            if on_progress:
                on_progress((i + 1) / len(jobs))
        for key, result in zip(groups, work(measure_together, [(*group, kept) for group in groups]), strict=True):
            facts[key] = result
    return [_row(pair, facts, wanted) for pair in pairs]


def _row(pair: Pair, facts: dict[Any, Facts], wanted: set[str]) -> Row:
    row = Row(pair)
    source, converted = facts[(pair.source,)], facts[(pair.converted,)]
    for name in ("secs", "campp"):
        if name in wanted:
            _similarity(row, name, facts)
    for asr, suffix in (("asr", ""), ("asr_b", "_b")):
        if asr in wanted and pair.english:
            _words(row, source, converted, asr, suffix)
    if "f0" in wanted:
        _pitch(row, source, converted)
    _quality(row, source, converted, wanted)
    if "singing" in wanted and pair.kind == "singing":
        _vibrato(row, source, converted)
    for group in _groups(pair, wanted):
        for name in _metrics_together(group[0]):
            row.put(name, facts[group].get(name), facts[group].get(f"{name} fault", ""))
    if "duration" in wanted:
        both = "duration" in source and "duration" in converted
        ratio = converted["duration"] / source["duration"] if both else None
        row.put("dur_ratio", ratio, str(converted.get("duration fault", source.get("duration fault", ""))))
    for name in ("rtf", "latency_ms", "memory_mb"):
        if getattr(pair, name) is not None:
            row.put(name, getattr(pair, name))
    return row


def _quality(row: Row, source: Facts, converted: Facts, wanted: set[str]) -> None:
    """What is heard in the converted file alone; the source's own value is the ceiling."""
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
    if "signal" in wanted:
        fault = str(converted.get("signal fault", source.get("signal fault", "")))
        before, after = source.get("signal", {}), converted.get("signal", {})
        both = before and after
        row.put("loudness_db", after["loudness_db"] - before["loudness_db"] if both else None, fault)
        for name in ("clip_share", "silence_share", "bright_db", "noise_db"):
            row.put(name, after.get(name), fault)


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
    known = {"refs": target, "source": source} | ({"ceiling": facts[first]} if first else {})
    row.embeddings[name] = {which: own[name] for which, own in known.items() if name in own}


def _words(row: Row, source: Facts, converted: Facts, asr: str, suffix: str) -> None:
    from autovoice.metrics.asr import cer, wer

    reference = row.pair.text or source.get(asr)
    fault = converted.get(f"{asr} fault") or ("" if row.pair.text else source.get(f"{asr} fault")) or ""
    for plain, metric in (("cer", cer), ("wer", wer)):
        name = plain + suffix
        value = None if reference is None or asr not in converted else metric(reference, converted[asr])
        row.put(name, value, fault)
        if row.pair.text and asr in source:
            row.anchors[name] = {"ceiling": metric(row.pair.text, source[asr])}


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


def _vibrato(row: Row, source: Facts, converted: Facts) -> None:
    """How far rate and extent are from the source's; where the source has no vibrato they do not apply."""
    from autovoice.metrics.singing import vibrato

    fault = converted.get("f0 fault") or source.get("f0 fault") or "no vibrato is left"
    before = vibrato(source["f0"]) if "f0" in source else (math.nan, math.nan)
    if "f0" in source and not math.isfinite(before[0]):
        return
    after = vibrato(converted["f0"]) if "f0" in converted else (math.nan, math.nan)
    for name, old, new in zip(("vibrato_hz_err", "vibrato_cents_err"), before, after, strict=True):
        row.put(name, abs(new - old), str(fault))
