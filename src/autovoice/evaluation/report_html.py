"""The parts of the page that need no script: verdict, tables, peers, provenance; and the page around them."""

from collections.abc import Container, Iterable
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from autovoice.evaluation.anchors import ANCHOR
from autovoice.evaluation.report_data import MEANING, direction, embedded
from autovoice.evaluation.rows import METRICS

PAGE = Path(__file__).parent / "page"
SCRIPTS = ("dom.js", "sound.js", "strips.js", "report.js")
HEADLINE = ("secs", "campp", "cer", "f0_rmse_hz", "f0_corr", "dnsmos_ovrl", "dmos", "rtf")
ARROW = {1: "↑", -1: "↓", 0: ""}
WAYS = {1: "higher is better", -1: "lower is better", 0: "any change is one"}
MARK = {"green": "✓", "red": "✕", "not enough data": "?"}
MAX_FOUND = 8  # items of a fault that have a button


def number(value: float | None) -> str:
    """Three digits that matter; a dash where there is none."""
    if value is None:
        return "–"
    text = f"{value:#.3g}" if abs(value) < 999.5 else f"{value:.0f}"
    return ("0" if value == 0 else text).replace("-", "−")


def table(name: str, head: Iterable[str], rows: Iterable[Iterable[str]], kind: str = "", own: int = 0) -> str:
    """An HTML table that can be scrolled by keyboard; cells are markup already.

    name: what a screen reader calls it, unique in its page; own: how many of the first rows are emphasised.
    """
    top = "".join(f'<th scope="col">{cell}</th>' for cell in head)
    body = "".join(_line(list(row), i < own) for i, row in enumerate(rows))
    scroller = f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(name)}">'
    return f'{scroller}<table class="{kind}"><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'


def _line(cells: list[str], own: bool) -> str:
    row = '<tr class="own">' if own else "<tr>"
    return f'{row}<th scope="row">{cells[0]}</th>{"".join(f"<td>{cell}</td>" for cell in cells[1:])}</tr>'


def heading(metric: str, unit: str) -> str:
    """A metric's name, its way and unit."""
    way = direction(metric)
    title = escape(f"{MEANING.get(metric, metric)}; {WAYS[way]}")
    return f'<abbr title="{title}">{metric}</abbr> {ARROW[way]}<small>{escape(unit)}</small>'


def chip(status: str) -> str:
    """A verdict as a coloured word with a mark, so that it is no colour alone."""
    return f'<span class="chip {status.replace(" ", "-")}">{MARK.get(status, "·")} {escape(status)}</span>'


def verdict_part(verdict: dict[str, Any] | None) -> str:
    """What the gate said, and of which items; that nobody judged is said too."""
    if verdict is None:
        return '<p class="verdict none">Not judged: no verdict of the gate was given.</p>'
    faults = "".join(_fault(fault) for fault in verdict["faults"])
    notes = "".join(f"<li>{escape(note)}</li>" for note in verdict.get("notes", []))
    status = verdict["status"]
    count = f"{len(verdict['faults'])} faults in" if verdict["faults"] else "No fault in"
    return (
        f'<section class="verdict {status.replace(" ", "-")}"><h2>{chip(status)} Gate</h2>'
        f"<p>{count} {verdict['n_checks']} checks.</p>"
        f"{f'<ul class=faults>{faults}</ul>' if faults else ''}{f'<ul class=notes>{notes}</ul>' if notes else ''}</section>"
    )


def _fault(fault: dict[str, Any]) -> str:
    where = " ".join(filter(None, (fault["system"], fault["metric"])))
    facts = {"system": fault["system"], "metric": fault["metric"]}
    data = "".join(f' data-{key}="{escape(value)}"' for key, value in facts.items())
    buttons = "".join(
        f'<button type="button" class="find" data-find="{escape(item)}"{data}>{escape(item)}</button>'
        for item in fault.get("items", [])[:MAX_FOUND]
    )
    more = len(fault.get("items", [])) - MAX_FOUND
    items = (
        f'<div class="items">{buttons}{f"<small>and {more} more</small>" if more > 0 else ""}</div>' if buttons else ""
    )
    return f"<li><b>{escape(fault['kind'])}</b> {escape(where)}: {escape(fault['message'])}{items}</li>"


def overview(summary: dict[str, Any], verdict: dict[str, Any] | None, copies: Container[str] = ()) -> str:
    """A row a system: the main metrics with intervals, and where they lie between floor and ceiling.

    copies: systems that only copy, whose floor is the voice itself.
    """
    judged = (verdict or {}).get("systems", {})
    names = [name for name in HEADLINE if any(_has(m.get(name)) for m in summary["systems"].values())]
    units = {name: next(m[name]["unit"] for m in summary["systems"].values() if name in m) for name in names}
    rows = []
    for system in _ordered(summary["systems"]):
        metrics = summary["systems"][system]
        n = max((m["n"] + m["n_failed"] for m in metrics.values()), default=0)
        status = f" {chip(judged[system])}" if system in judged else ""
        nearer = summary.get("extra", {}).get(system, {}).get("closer")
        cells = [_cell(metrics[name], system not in copies) if name in metrics else "–" for name in names]
        cells.append("–" if nearer is None else f"{nearer:.0%}")
        rows.append([f"{escape(system)}{status} <small>n {n}</small>", *cells])
    head = ["system", *(heading(n, units[n]) for n in names), "nearer target<small>than source</small>"]
    return table("overview", head, rows, "overview")


def _has(metric: dict[str, Any] | None) -> bool:
    return bool(metric and (metric["n"] or metric["n_failed"]))


def _ordered(systems: Iterable[str]) -> list[str]:
    return sorted(systems, key=lambda name: (name.startswith(ANCHOR), name))


def _cell(metric: dict[str, Any], bar: bool = True) -> str:
    if not _has(metric):
        return "–"
    failed = f'<small class="bad">{metric["n_failed"]} failed</small>' if metric["n_failed"] else ""
    if metric["mean"] is None:
        return failed
    between = f"<small>{number(metric['low'])} to {number(metric['high'])}</small>"
    return f"<b>{number(metric['mean'])}</b>{between}{_bar(metric) if bar else ''}{failed}"


def _bar(metric: dict[str, Any]) -> str:
    """The place of mean and interval between floor (left) and ceiling (right), as a drawing."""
    floor, ceiling = metric["floor"], metric["ceiling"]
    if floor is None or ceiling is None or ceiling <= floor:
        return ""
    low, mean, high = (
        min(max((metric[key] - floor) / (ceiling - floor), 0), 1) * 80 for key in ("low", "mean", "high")
    )
    title = f"floor {number(floor)}, ceiling {number(ceiling)}"
    return (
        f'<svg class="bar" viewBox="0 0 80 8" role="img" aria-label="{title}"><title>{title}</title>'
        f'<path d="M0 4H80" class="rail"/><path d="M{low:.1f} 4H{high:.1f}" class="span"/>'
        f'<circle cx="{min(max(mean, 3), 77):.1f}" cy="4" r="3"/></svg>'
    )


def all_metrics(summary: dict[str, Any]) -> str:
    """Every metric of every system."""
    systems = _ordered(summary["systems"])
    names = [name for name in METRICS if any(_has(m.get(name)) for m in summary["systems"].values())]
    rows = []
    for name in names:
        own = [summary["systems"][system].get(name) for system in systems]
        unit = next(m["unit"] for m in own if m)
        rows.append([heading(name, unit), *(_cell(m) if m else "–" for m in own)])
    return details("All metrics", table("all metrics", ["metric", *map(escape, systems)], rows))


def details(title: str, body: str, opened: bool = False) -> str:
    """A part that opens on demand."""
    return f'<details class="fold"{" open" if opened else ""}><summary>{escape(title)}</summary>{body}</details>'


def facts_table(name: str, facts: dict[str, Any]) -> str:
    """Facts, one a line; a group of them is one line."""
    return table(name, ("what", "value"), ([escape(key), _fact(value)] for key, value in facts.items()), "facts")


def _fact(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{escape(str(key))} {_fact(one)}" for key, one in value.items()) or "–"
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return "–" if value in (None, "") else escape(text)


def calibration_part(calibration: dict[str, dict[str, Any]]) -> str:
    """What each encoder says of strangers and of the same person in this very corpus."""
    head = ("encoder", "same speaker", "different speakers", "equal error rate", "threshold", "trials: same, different")
    rows = []
    for encoder, c in calibration.items():
        numbers = [number(c[key]) for key in ("same", "different", "eer", "threshold")]
        rows.append([escape(encoder), *numbers, f"{c['n_same']}, {c['n_different']}"])
    note = "<p><small>Made of this evaluation's own recordings, so that a similarity means something.</small></p>"
    return details("Calibration", note + table("calibration", head, rows)) if rows else ""


def contents(parts: dict[str, str]) -> str:
    """Links to the parts of the page; id -> name."""
    links = "".join(f'<a href="#{key}">{escape(name)}</a>' for key, name in parts.items())
    return f'<nav aria-label="contents">{links}</nav>'


def page(title: str, body: str, data: dict[str, Any]) -> str:
    """The whole document: style, body, data and script in one file that asks nothing of anyone."""
    style = (PAGE / "report.css").read_text(encoding="utf-8")
    script = "\n".join((PAGE / name).read_text(encoding="utf-8") for name in SCRIPTS)
    skeleton = Template((PAGE / "report.html").read_text(encoding="utf-8"))
    return skeleton.substitute(title=escape(title), style=style, body=body, data=embedded(data), script=script)
