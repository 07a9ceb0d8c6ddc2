"""The rows as tables and as plots."""

import sys
from collections.abc import Sequence
from pathlib import Path

from autovoice.bench.jobs import Row

Column = tuple[str, str, str]  # heading, key of the row, format
WHERE: tuple[Column, ...] = (("system", "system", ""), ("device", "device", ""), ("threads", "threads", "d"))
MEMORY: tuple[Column, ...] = (("peak memory MB", "peak_memory_mb", ".0f"), ("GPU memory MB", "gpu_memory_mb", ".0f"))
RTF: Column = ("RTF", "rtf", ".3f")
SPEED: tuple[Column, ...] = (
    RTF,
    ("latency p50 ms", "latency_p50_ms", ".0f"),
    ("p95 ms", "latency_p95_ms", ".0f"),
    *MEMORY,
    ("parameters M", "parameters", "M"),
    ("GPU - CPU dB", "difference_db", ".0f"),
)
BATCH: tuple[Column, ...] = (
    ("at once", "at_once", "d"),
    ("s of audio a s", "audio_s_per_s", ".1f"),
    *MEMORY,
    ("GPU busy %", "gpu_utilisation_percent", ".0f"),
)
STREAM: tuple[Column, ...] = (
    ("delay ms", "delay_ms", ".1f"),
    ("block p50 ms", "block_p50_ms", ".1f"),
    ("p95 ms", "block_p95_ms", ".1f"),
    RTF,
    *MEMORY,
    ("parameters M", "parameters", "M"),
)
SPEAK: tuple[Column, ...] = (
    ("audio s", "audio_s", ".2f"),
    ("latency p50 ms", "latency_p50_ms", ".0f"),
    ("p95 ms", "latency_p95_ms", ".0f"),
    *MEMORY,
)
TABLES: dict[str, tuple[str, tuple[Column, ...]]] = {
    "speed": ("Conversion: one recording at once (RTF), 3 s sentences (latency)", SPEED),
    "length": ("Against length, file to file", (("seconds", "length_s", "g"), RTF, *MEMORY)),
    "batch": ("Against batch: recordings side by side in threads of one process", BATCH),
    "speak": ("Speaking a short sentence, front-end included", SPEAK),
    "stream": ("Live: delay without computing, time to compute a block of 20 ms", STREAM),
}


def rows_of(rows: Sequence[Row], kind: str) -> list[Row]:
    """The rows of one measurement."""
    return [row for row in rows if row["kind"] == kind]


def show(rows: Sequence[Row]) -> None:
    """Prints a table a measurement, without the columns that nothing was measured for."""
    from rich.console import Console
    from rich.table import Table

    console = Console(width=None if sys.stdout.isatty() else 120)
    for kind, (title, columns) in TABLES.items():
        chosen = rows_of(rows, kind)
        known = [column for column in (*WHERE, *columns) if any(row.get(column[1]) is not None for row in chosen)]
        table = Table(*(heading for heading, _, _ in known), title=title)
        for row in chosen:
            table.add_row(*(cell(row.get(key), style) for _, key, style in known))
        if chosen:
            console.print(table)


def cell(value: float | str | None, style: str) -> str:
    """A value as the table shows it: "-" for none, M for millions."""
    if value is None:
        return "-"
    return f"{float(value) / 1e6:.1f}" if style == "M" else format(value, style)


def plot(rows: Sequence[Row], path: Path) -> None:
    """Bars of the RTF, then RTF and memory against length, and throughput against batch."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, (bars, lengths, memory, batch) = plt.subplots(1, 4, figsize=(16, 3.8), layout="constrained")
    _bars(bars, rows_of(rows, "speed"))
    _lines(lengths, rows_of(rows, "length"), ("length_s", "rtf"), ("seconds of recording", "RTF"))
    _lines(memory, rows_of(rows, "length"), ("length_s", "peak_memory_mb"), ("seconds of recording", "peak memory MB"))
    _lines(
        batch, rows_of(rows, "batch"), ("at_once", "audio_s_per_s"), ("recordings at once", "seconds of audio a second")
    )
    figure.savefig(path, dpi=100)
    plt.close(figure)


def _bars(axis, rows: Sequence[Row]) -> None:  # type: ignore[no-untyped-def]
    """RTF: a group a system, in it a bar a device and number of threads."""
    systems = list(dict.fromkeys(row["system"] for row in rows))
    setups = list(dict.fromkeys((row["device"], row["threads"]) for row in rows))
    width = 0.8 / max(1, len(setups))
    for i, (device, threads) in enumerate(setups):
        chosen = [row for row in rows if (row["device"], row["threads"]) == (device, threads)]
        label = f"{device}, {threads} thread{'s' * (threads > 1)}"
        at = [systems.index(row["system"]) + (i - (len(setups) - 1) / 2) * width for row in chosen]
        axis.bar(at, [row["rtf"] for row in chosen], width, label=label)
    axis.set_xticks(range(len(systems)), systems, rotation=30)
    axis.set(ylabel="RTF", title="one recording at once")
    axis.legend(fontsize="small")


def _lines(axis, rows: Sequence[Row], keys: tuple[str, str], labels: tuple[str, str]) -> None:  # type: ignore[no-untyped-def]
    """A line a system and device, marked where it was measured."""
    if not rows:
        return axis.set_axis_off()
    x, y = keys
    for system, device in dict.fromkeys((row["system"], row["device"]) for row in rows):
        chosen = [row for row in rows if (row["system"], row["device"]) == (system, device)]
        chosen.sort(key=lambda row: row[x])
        axis.plot([row[x] for row in chosen], [row[y] for row in chosen], "o-", label=f"{system}, {device}")
    at = sorted({row[x] for row in rows})
    axis.set(xscale="log", xlabel=labels[0], ylabel=labels[1], ylim=(0, 1.1 * max(row[y] for row in rows)))
    axis.set_xticks(at, [f"{value:g}" for value in at])
    axis.minorticks_off()
    axis.legend(fontsize="small")
