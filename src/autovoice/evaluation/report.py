"""What a person opens: the report of one run, the comparison of two; and the plots that DVC draws."""

import csv
import io
import math
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

import librosa
import matplotlib
import numpy as np

from autovoice.audio.io import load_wav
from autovoice.evaluation.cache import MeasureCache
from autovoice.evaluation.items import Item
from autovoice.evaluation.report_clips import MAX_PLAYED_S
from autovoice.evaluation.report_compare import Change, Pairs, changes, compare_data, differing, paired
from autovoice.evaluation.report_data import run_data
from autovoice.evaluation.report_html import (
    all_metrics,
    details,
    facts_table,
    heading,
    number,
    overview,
    page,
    peers_part,
    table,
    verdict_part,
)
from autovoice.evaluation.rows import METRICS, RATE, Row
from autovoice.files import replacing, write_text
from autovoice.metrics.f0_tracker import track_f0

matplotlib.use("Agg")
import matplotlib.pyplot as plt

Run = tuple[str, list[Item], dict[str, Any]]  # name, items, summary
ANCHORS_EXPLAINED = (
    "Mean, 95 % interval; the bar leads from floor (the source as it is) to ceiling (other recordings of the target; for "
    "predicted quality the source itself; for CER and WER the recogniser on the source)."
)
COMPARISON_EXPLAINED = (
    "Intervals and p: bootstrap of the paired differences, whole clusters of source and target speaker drawn. Effect: mean "
    "difference over its standard deviation. p is corrected by Holm for the number of metrics of a system; a difference is "
    "claimed under 0.05, and from {min_items} items."
)
N_PLOTS = 4
COMPARED = ("metric", "A", "B", "B − A", "95 % interval", "effect", "p (Holm)", "n", "says")


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


def write_report(
    path: Path,
    items: list[Item],
    summary: dict[str, Any],
    verdict: dict[str, Any] | None = None,
    kept: MeasureCache | None = None,
    num_workers: int = 1,
) -> None:
    """One self-contained page, light and dark, without requests: tables, distributions, and the pairs with players.

    verdict: verdict.json of the gate, None where nobody judged; kept: where encoded audio is looked up and kept. A file
    that cannot be read is named in its place.
    """
    data = run_data(items, summary, kept or MeasureCache(None), num_workers)
    parts = [
        f"<h1>Evaluation</h1><p>{escape(_stand(summary, len(items)))}</p>",
        verdict_part(verdict),
        f"<h2>Overview</h2><p><small>{ANCHORS_EXPLAINED}</small></p>",
        overview(summary, verdict, {item.system for item in items if item.who["kind"] == "copy"}),
        all_metrics(summary),
        details("Calibration", facts_table(summary["calibration"])) if "calibration" in summary else "",
        _explore("Distributions", "Pairs", data, items),
        peers_part(),
        details("What it stands on", facts_table(summary.get("provenance", {}))),
    ]
    write_text(path, page("Evaluation", "\n".join(parts), data))


def _stand(summary: dict[str, Any], n: int) -> str:
    facts = summary.get("provenance", {})
    commit, inputs = facts.get("git_sha") or "unknown", facts.get("inputs_sha256") or "unknown"
    machine = facts.get("hardware", {}).get("cpu", "unknown hardware")
    return f"{n} pairs of {len(summary['systems'])} systems; commit {commit[:12]}, inputs {inputs[:12]}, {machine}"


def _explore(first: str, second: str, data: dict[str, Any], items: list[Item]) -> str:
    played = sum(bool(row["clips"]) for row in data["rows"])
    note = (
        ""
        if played == len(data["rows"])
        else f" {played} of {len(items)} pairs can be played, the worst of each system."
    )
    return (
        f'<div class="explore"><div id="tools"></div><section id="distributions"><h2>{first}</h2></section>'
        f'<section id="list"><h2>{second}</h2><p><small>Recordings are cut to {MAX_PLAYED_S:g} s.{note}</small></p>'
        "</section></div><noscript><p>Distributions and pairs need JavaScript.</p></noscript>"
    )


def write_comparison(
    path: Path,
    runs: tuple[Run, Run],
    match: Mapping[str, str],
    min_items: int,
    kept: MeasureCache | None = None,
    num_workers: int = 1,
) -> list[Change]:
    """A page of two runs, A and B, item by item; returns what changed. Raises DataError where they share no item."""
    (name_a, items_a, before), (name_b, items_b, after) = runs
    pairs = paired(items_a, items_b, match)
    found = changes(pairs, min_items)
    data = compare_data(pairs, found, kept or MeasureCache(None), num_workers)
    flat = [b for own in pairs.values() for _, b in own]
    differ = differing(before.get("provenance", {}), after.get("provenance", {}))
    parts = [
        f"<h1>Comparison</h1><p>A: {escape(name_a)}, {escape(_stand(before, len(items_a)))}.<br>"
        f"B: {escape(name_b)}, {escape(_stand(after, len(items_b)))}.</p>",
        f"<p>{len(flat)} items are in both, paired by the audio of source and references; {_same(data)} of them are the "
        f"same audio. {len(items_a) - len(flat)} lines of A and {len(items_b) - len(flat)} of B are in one only (anchors "
        "count there).</p>",
        *_warnings(differ),
        "".join(_changes_part(system, pairs[system], found) for system in pairs),
        f"<p><small>{COMPARISON_EXPLAINED.format(min_items=min_items)}</small></p>",
        _explore("Differences, B − A", "Pairs", data, flat),
        details("What differs between the runs", table(("what", "A", "B"), [list(map(escape, row)) for row in differ])),
    ]
    write_text(path, page("Comparison", "\n".join(parts), data))
    return found


def _same(data: dict[str, Any]) -> int:
    return sum(row["same"] for row in data["rows"])


def _warnings(differ: list[tuple[str, str, str]]) -> list[str]:
    """Whatever makes a comparison doubtful, said before its numbers."""
    known = [what for what, *values in differ if what.startswith("definitions ") and "none" not in values]
    measures = [what.removeprefix("definitions ") for what in known]
    if not measures:
        return []
    names = escape(", ".join(measures))
    return [f'<p class="bad">Defined otherwise in A and B, so that their numbers do not compare: {names}.</p>']


def _changes_part(system: str, pairs: Pairs, found: list[Change]) -> str:
    other = pairs[0][0].system
    title = escape(system if other == system else f"{other} → {system}")
    rows = []
    for change in (change for change in found if change.system == system):
        d, p = change.difference, change.p_holm
        effect = "–" if math.isinf(d.effect) else number(d.effect)
        word = f'<span class="{change.verdict.split()[0]}">{change.verdict}</span>'
        means = (number(change.before), number(change.after), number(d.mean), f"{number(d.low)} to {number(d.high)}")
        cells = (*means, effect, "–" if p is None else f"{p:.3f}", str(d.n), word)
        rows.append([heading(change.metric, METRICS[change.metric]), *cells])
    return f"<h2>{title}</h2>{table(COMPARED, rows)}"


def write_plots(folder: Path, rows: list[Row]) -> None:
    """similarity.csv (a line a pair, for dvc plots) and f0 overlays of the first pairs of each kind."""
    names = ("secs", "campp", "cer", "f0_rmse_hz")
    with replacing(folder / "similarity.csv") as temporary, temporary.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(("pair", "system", "source", "target", *names))
        for i, row in enumerate(rows):
            values = [row.values.get(name) for name in names]
            facts = (row.pair.system, row.pair.source.stem, row.pair.target_speaker)
            writer.writerow((i, *facts, *("" if v is None else f"{v:.5g}" for v in values)))
    conversions = [row for row in rows if row.pair.kind == "conversion" and row.pair.converted.is_file()]
    for i, row in enumerate(conversions[:: max(1, len(conversions) // N_PLOTS)][:N_PLOTS]):
        with replacing(folder / f"f0_{i}.png") as temporary:
            temporary.write_bytes(picture(row))
