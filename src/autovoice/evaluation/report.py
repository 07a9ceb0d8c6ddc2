"""The page that a person opens: tables with intervals, then the worst pairs with players, spectrograms and f0."""

import base64
import csv
import html
import io
from pathlib import Path
from typing import Any

import librosa
import matplotlib
import numpy as np
import soundfile as sf

from autovoice.audio.io import load_wav
from autovoice.errors import AudioError
from autovoice.evaluation.compute import METRICS, RATE, Row
from autovoice.files import replacing, write_text
from autovoice.metrics.f0_tracker import track_f0

matplotlib.use("Agg")
import matplotlib.pyplot as plt

MAX_PAIRS = 18  # with players: the page stays under 15 MB
MAX_PLAYED_S = 12.0
N_PLOTS = 4
STYLE = """
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 76rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; margin: 1rem 0; display: block; overflow-x: auto; }
th, td { text-align: right; padding: .25rem .6rem; border-bottom: 1px solid #8884; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; } small { opacity: .7; }
section { border-top: 1px solid #8886; padding: 1rem 0; } img { max-width: 100%; background: #fff; border-radius: 4px; }
audio { width: 15rem; vertical-align: middle; } figure { display: inline-block; margin: 0 1rem .5rem 0; }
"""


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


def _player(path: Path) -> str:
    wav = load_wav(path, RATE)[: int(MAX_PLAYED_S * RATE)]
    buffer = io.BytesIO()
    sf.write(buffer, wav, RATE, format="MP3")
    return f'<audio controls preload="none" src="data:audio/mpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"></audio>'


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"


def _table(summary: dict[str, Any]) -> str:
    parts = []
    for system, metrics in summary["systems"].items():
        rows = "".join(
            f"<tr><td>{name} <small>{m['unit']}</small></td><td>{_number(m['mean'])}</td>"
            f"<td>{_number(m['low'])} to {_number(m['high'])}</td><td>{_number(m['floor'])}</td>"
            f"<td>{_number(m['ceiling'])}</td><td>{m['n']}</td><td>{m['n_failed'] or ''}</td></tr>"
            for name, m in metrics.items()
            if m["n"] or m["n_failed"]
        )
        more = summary["extra"].get(system, {})
        note = ", ".join(f"{name} {_number(value)}" for name, value in more.items() if value is not None)
        columns = ("metric", "mean", "95 % interval", "floor", "ceiling", "n", "failed")
        head = "<tr>" + "".join(f"<th>{column}</th>" for column in columns) + "</tr>"
        parts.append(f"<h2>{html.escape(system)}</h2><table>{head}{rows}</table><p><small>{note}</small></p>")
    return "".join(parts)


def shown_rows(rows: list[Row]) -> list[Row]:
    """The pairs that the page plays: of each system in turn, the least like its target first."""
    queues: dict[str, list[Row]] = {}
    for row in sorted(
        rows, key=lambda r: (r.values.get("campp") is not None, r.values.get("campp") or 0, r.pair.number)
    ):
        queues.setdefault(row.pair.system, []).append(row)
    shown: list[Row] = []
    while any(queues.values()) and len(shown) < MAX_PAIRS:
        for queue in queues.values():
            if queue and len(shown) < MAX_PAIRS:
                shown.append(queue.pop(0))
    return shown


def _section(row: Row) -> str:
    pair = row.pair
    title = f"{pair.system}: {pair.source.stem} to {pair.target_speaker or pair.target_refs[0].stem}"
    values = ", ".join(f"{name} {_number(row.values[name])}" for name in METRICS if row.values.get(name) is not None)
    faults = "".join(f"<p><b>{html.escape(n)} failed:</b> {html.escape(f)}</p>" for n, f in row.faults.items())
    try:
        files = {"source": pair.source, "reference": pair.target_refs[0], "converted": pair.converted}
        players = "".join(f"<figure>{name} {_player(path)}</figure>" for name, path in files.items())
        image = f'<img alt="spectrograms and f0" src="data:image/png;base64,{base64.b64encode(picture(row)).decode()}">'
    except AudioError as error:
        players, image = "", f"<p>{html.escape(str(error))}</p>"
    return (
        f"<section><h3>{html.escape(title)}</h3><p>{players}</p>{image}<p><small>{values}</small></p>{faults}</section>"
    )


def _all_pairs(rows: list[Row]) -> str:
    columns = ("secs", "campp", "cer", "f0_rmse_hz", "f0_corr", "dnsmos_ovrl", "dmos", "shift_st")
    head = "".join(f"<th>{name}</th>" for name in ("system", "source", "target", *columns, "failed"))
    body = ""
    for row in rows:
        who = (row.pair.system, row.pair.source.stem, row.pair.target_speaker or row.pair.target_refs[0].stem)
        numbers = "".join(f"<td>{_number(row.values.get(name))}</td>" for name in columns)
        names = "".join(f"<td>{html.escape(text)}</td>" for text in who)
        body += f"<tr>{names}{numbers}<td>{html.escape(', '.join(row.faults))}</td></tr>"
    return f"<details><summary>All {len(rows)} pairs</summary><table><tr>{head}</tr>{body}</table></details>"


def write_report(path: Path, rows: list[Row], summary: dict[str, Any]) -> None:
    """A self-contained page, light and dark."""
    shown, facts = shown_rows(rows), summary["provenance"]
    stand = f"commit {facts['git_sha'] or 'unknown'}, inputs {facts['inputs_sha256'][:12]}, {facts['hardware']['cpu']}"
    page = f"""<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Evaluation</title><style>{STYLE}</style><h1>Evaluation</h1>
<p>{len(rows)} pairs; {html.escape(stand)}. Floor: the source as it is. Ceiling: other recordings of the target (similarity),
the source itself (DNSMOS, Distill-MOS), the source's own recognition (CER, WER, where the text is known).</p>
{_table(summary)}{_all_pairs(rows)}
<h2>Pairs, the least like the target first</h2><p><small>{len(shown)} of {len(rows)} are played here.</small></p>
{"".join(_section(row) for row in shown)}</html>
"""
    write_text(path, page)


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
