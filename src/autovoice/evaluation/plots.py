"""What DVC draws: a few small tables, and pictures of spectrograms with f0. The same rows give the same files to the bit."""

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import matplotlib
import numpy as np
import soundfile as sf
from threadpoolctl import threadpool_limits

from autovoice.audio.io import load_native, load_wav
from autovoice.evaluation.anchors import ANCHOR
from autovoice.evaluation.cache import MeasureCache
from autovoice.evaluation.report_clips import MAX_PLAYED_S
from autovoice.evaluation.rows import RATE, Row
from autovoice.files import replacing
from autovoice.librosa_alone import librosa
from autovoice.metrics.f0_tracker import track_f0
from autovoice.metrics.pitch import shifted

matplotlib.use("Agg")
import matplotlib.pyplot as plt

N_PICTURES = 4
F0_PAIRS, F0_FRAMES = 20, 25  # of a system and of a pair, spread evenly: a cloud that can be read
T = TypeVar("T")


def write_plots(folder: Path, rows: list[Row], kept: MeasureCache) -> None:
    """Below `folder`: similarity.csv (a line a pair), pareto.csv (a system), f0_scatter.csv (a frame),
    reference_seconds.csv (a pair), and f0 overlays of some conversions without faults. kept: where f0 is looked up."""
    names = ("secs", "campp", "cer", "f0_rmse_hz")
    facts = ((row.pair.system, row.pair.source.stem, row.pair.target_speaker) for row in rows)
    lines = (
        (i, *who, *(row.values.get(n) for n in names)) for i, (row, who) in enumerate(zip(rows, facts, strict=True))
    )
    _write(folder / "similarity.csv", ("pair", "system", "source", "target", *names), lines)
    _write(folder / "pareto.csv", ("system", "secs", "campp", "cer"), pareto(rows))
    _write(folder / "f0_scatter.csv", ("pair", "system", "source_hz", "converted_hz"), f0_scatter(rows, kept))
    _write(folder / "reference_seconds.csv", ("pair", "system", "seconds", "secs", "campp"), reference_seconds(rows))
    conversions = [row for row in rows if row.pair.kind == "conversion" and not row.faults]
    for i, row in enumerate(conversions[:: max(1, len(conversions) // N_PICTURES)][:N_PICTURES]):
        with replacing(folder / f"f0_{i}.png") as temporary:
            temporary.write_bytes(picture(row))


def _write(path: Path, head: Sequence[str], lines: Iterable[Sequence[Any]]) -> None:
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(head)
        writer.writerows([_cell(value) for value in line] for line in lines)


def _cell(value: Any) -> Any:
    return "" if value is None else f"{value:.5g}" if isinstance(value, float) else value


def pareto(rows: list[Row]) -> list[tuple[str, float, float, float]]:
    """(system, mean secs, mean campp, mean cer) of conversions; systems that lack one of them are left out."""
    found = []
    for system in sorted({row.pair.system for row in rows}):
        own = [row for row in rows if row.pair.system == system and row.pair.kind != "copy"]
        columns = [[v for row in own if (v := row.values.get(name)) is not None] for name in ("secs", "campp", "cer")]
        if all(columns):
            secs, campp, cer = (float(np.mean(column)) for column in columns)
            found.append((system, secs, campp, cer))
    return found


def f0_scatter(rows: list[Row], kept: MeasureCache) -> list[tuple[int, str, float, float]]:
    """(pair, system, source f0 in Hz after the pair's shift, converted f0 in Hz) of frames voiced in both.

    Pairs and frames are taken at even distances, no more than F0_PAIRS and F0_FRAMES; anchors are left out.
    """
    by_system: dict[str, list[tuple[int, Row]]] = defaultdict(list)
    for i, row in enumerate(rows):
        if row.values.get("f0_rmse_hz") is not None and not row.pair.system.startswith(ANCHOR):
            by_system[row.pair.system].append((i, row))
    found = []
    for system, own in by_system.items():
        for i, row in _spread(own, F0_PAIRS):
            found += [(i, system, source, made) for source, made in _spread(_frames(row, kept), F0_FRAMES)]
    return found


def _frames(row: Row, kept: MeasureCache) -> list[tuple[float, float]]:
    source, made = (_track(path, kept) for path in (row.pair.source, row.pair.converted))
    shift = row.pair.pitch_st if row.pair.pitch_st is not None else row.values.get("shift_st")
    pairs = zip(shifted(source, shift or 0.0), made, strict=False)  # cut to the shorter, as the metrics are
    return [(float(a), float(b)) for a, b in pairs if a > 0 and b > 0]


def _track(path: Path, kept: MeasureCache) -> np.ndarray:
    known = kept.get((path,), "f0")
    if known is None:
        with threadpool_limits(1, "blas"):  # as it was measured
            known = track_f0(load_wav(path, RATE))
    return np.asarray(known)


def _spread(values: list[T], n: int) -> list[T]:
    """n of the values at even distances, first and last among them; all where there are no more."""
    if len(values) <= n:
        return values
    return [values[round(i * (len(values) - 1) / (n - 1))] for i in range(n)]


def reference_seconds(rows: list[Row]) -> list[tuple[int, str, float, float | None, float | None]]:
    """(pair, system, seconds of its references together, secs, campp) of conversions that have a similarity."""
    found = []
    for i, row in enumerate(rows):
        secs, campp = row.values.get("secs"), row.values.get("campp")
        if row.pair.kind != "copy" and (secs is not None or campp is not None):
            found.append((i, row.pair.system, sum(map(_seconds, row.pair.target_refs)), secs, campp))
    return found


@cache
def _seconds(path: Path) -> float:
    try:
        return float(sf.info(path).duration)
    except (sf.LibsndfileError, RuntimeError):  # a container that only the decoder knows
        wav, rate = load_native(path)
        return len(wav) / rate


def picture(row: Row) -> bytes:
    """PNG: log spectrograms of source and result, one above the other, each with its f0."""
    figure, axes = plt.subplots(2, 1, figsize=(9, 4.2), sharex=True, layout="constrained")
    for axis, path, name in zip(axes, (row.pair.source, row.pair.converted), ("source", "converted"), strict=True):
        wav = load_wav(path, RATE)[: int(MAX_PLAYED_S * RATE)]
        level = librosa.amplitude_to_db(np.abs(librosa.stft(wav, n_fft=512, hop_length=160)), ref=np.max, top_db=70)
        seconds = len(wav) / RATE
        axis.imshow(level, origin="lower", aspect="auto", extent=(0, seconds, 0, RATE / 2), cmap="magma")
        f0 = track_f0(wav)
        axis.plot(np.arange(len(f0)) / 100, np.where(f0 > 0, 10 * f0, np.nan), color="cyan", lw=1.2)
        axis.set_ylabel(f"{name}, Hz")
    axes[1].set_xlabel("s (cyan: 10 x f0)")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=70, metadata={"Software": None})
    plt.close(figure)
    return buffer.getvalue()
