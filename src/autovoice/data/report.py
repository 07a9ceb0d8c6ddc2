"""What prepare found, as a CSV, as counts, as a table on the terminal and as a page."""

import csv
import html
from collections import Counter, defaultdict
from pathlib import Path

from rich.table import Table

from autovoice.data.manifest import SPLITS, Segment
from autovoice.data.validate import Check
from autovoice.files import replacing, write_json, write_text

STYLE = """
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; margin: 1rem 0; }
th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid #8884; vertical-align: middle; }
td.n { text-align: right; font-variant-numeric: tabular-nums; }
.ok { color: #2a7; } .warning { color: #b80; } .left { color: #d33; font-weight: 600; }
svg { width: 12rem; height: 2rem; } polyline { fill: none; stroke: currentColor; stroke-width: 1; }
"""


def seconds_by_split(segments: list[Segment]) -> dict[str, dict[str, float]]:
    """speaker -> split -> seconds."""
    totals: dict[str, dict[str, float]] = defaultdict(lambda: dict.fromkeys(SPLITS, 0.0))
    for segment in segments:
        totals[segment.speaker][segment.split] += segment.duration_s
    return {speaker: totals[speaker] for speaker in sorted(totals)}


def write_validation(out: Path, checks: list[Check], segments: list[Segment]) -> None:
    """validation.csv (a row a file) and validation.json (counts)."""
    with replacing(out / "validation.csv") as temporary, temporary.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(
            ("speaker", "recording", "status", "reason", "duration_s", "sample_rate", "snr_db", "level_dbfs", "sha256")
        )
        for c in checks:
            numbers = (f"{c.duration_s:.3f}", c.sample_rate, f"{c.snr_db:.1f}", f"{c.level_dbfs:.1f}")
            writer.writerow(
                (c.recording.speaker, c.recording.recording_id, c.status, "; ".join(c.reasons), *numbers, c.sha256)
            )
    counts = Counter(check.status for check in checks)
    totals = seconds_by_split(segments)
    facts = {"files": len(checks), "ok": counts["ok"], "warnings": counts["warning"], "left_out": counts["left out"]}
    seconds = {f"{split}_s": round(sum(t[split] for t in totals.values()), 2) for split in SPLITS}
    write_json(out / "validation.json", facts | seconds | {"segments": len(segments), "speakers": len(totals)})


def summary_table(checks: list[Check], segments: list[Segment]) -> Table:
    """A row a speaker."""
    table = Table("speaker", "files", "left out", "warnings", *(f"{split} s" for split in SPLITS), title="Recordings")
    totals = seconds_by_split(segments)
    for speaker in sorted({c.recording.speaker for c in checks}):
        own = Counter(c.status for c in checks if c.recording.speaker == speaker)
        seconds = totals.get(speaker, dict.fromkeys(SPLITS, 0.0))
        counts = (str(own.total()), str(own["left out"]), str(own["warning"]))
        table.add_row(speaker, *counts, *(f"{seconds[split]:.1f}" for split in SPLITS))
    return table


def problem_table(checks: list[Check]) -> Table:
    """A row a file that is not simply ok."""
    table = Table("file", "verdict", "reason", title="Files with remarks")
    for check in checks:
        if check.status != "ok":
            table.add_row(str(check.recording.path), check.status, "; ".join(check.reasons))
    return table


def _picture(check: Check) -> str:
    if not check.envelope:
        return ""
    n, top = len(check.envelope), max(*check.envelope, 1e-3)
    points = [f"{i:.0f},{20 - 19 * v / top:.1f}" for i, v in enumerate(check.envelope)]
    points += [f"{n - 1 - i:.0f},{20 + 19 * v / top:.1f}" for i, v in enumerate(reversed(check.envelope))]
    view = f'viewBox="0 0 {n} 40" preserveAspectRatio="none" role="img" aria-label="waveform"'
    return f'<svg {view}><polyline points="{" ".join(points)}"/></svg>'


def _row(cells: list[str], tag: str = "td") -> str:
    return "<tr>" + "".join(cell if cell.startswith("<td") else f"<{tag}>{cell}</{tag}>" for cell in cells) + "</tr>"


def write_report(path: Path, checks: list[Check], segments: list[Segment]) -> None:
    """A self-contained page, light and dark: totals a speaker, then every file, the worst first."""
    totals = seconds_by_split(segments)
    speakers = [_row(["speaker", "files", "left out", *(f"{split}, s" for split in SPLITS)], "th")]
    for speaker in sorted({c.recording.speaker for c in checks}):
        own = [c for c in checks if c.recording.speaker == speaker]
        numbers = [str(len(own)), str(sum(c.status == "left out" for c in own))]
        seconds = [f"{totals.get(speaker, {}).get(split, 0.0):.1f}" for split in SPLITS]
        speakers.append(_row([html.escape(speaker), *(f'<td class="n">{n}</td>' for n in [*numbers, *seconds])]))
    order = {"left out": 0, "warning": 1, "ok": 2}
    files = [_row(["file", "verdict", "reason", "s", "Hz", "dB", "waveform"], "th")]
    for c in sorted(checks, key=lambda c: order[c.status]):
        verdict = f'<span class="{c.status.split()[0]}">{c.status}</span>'
        numbers = [f'<td class="n">{n}</td>' for n in (f"{c.duration_s:.1f}", c.sample_rate, f"{c.snr_db:.0f}")]
        files.append(
            _row(
                [
                    html.escape(c.recording.recording_id),
                    verdict,
                    html.escape("; ".join(c.reasons)),
                    *numbers,
                    _picture(c),
                ]
            )
        )
    page = f"""<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Recordings</title><style>{STYLE}</style><h1>Recordings</h1>
<p>{len(checks)} files, {sum(c.status == "left out" for c in checks)} left out. Files left out are never replaced.</p>
<h2>Speakers</h2><table>{"".join(speakers)}</table><h2>Files</h2><table>{"".join(files)}</table></html>
"""
    write_text(path, page)
