"""What a person opens: the report of one run, and the comparison of two."""

import math
from collections import Counter
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from autovoice.evaluation.cache import MeasureCache
from autovoice.evaluation.items import Item
from autovoice.evaluation.report_clips import MAX_PLAYED_S
from autovoice.evaluation.report_compare import Change, Pairs, changes, compare_data, differing, paired
from autovoice.evaluation.report_data import run_data
from autovoice.evaluation.report_html import (
    all_metrics,
    calibration_part,
    chip,
    contents,
    details,
    facts_table,
    heading,
    number,
    overview,
    page,
    table,
    verdict_part,
)
from autovoice.evaluation.report_peers import peers_part
from autovoice.evaluation.rows import METRICS
from autovoice.files import write_text

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
PARTS = {
    "overview": "Overview",
    "distributions": "Distributions",
    "list": "Pairs",
    "peers": "Published peers",
    "provenance": "What it stands on",
}
NO_CLAIM = "no difference shown"
CLAIMS = ("worse", "better", "changed")
COMPARED = ("metric", "A", "B", "B − A", "95 % interval", "effect", "p (Holm)", "n", "says")


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
    kinds = {item.system: item.who["kind"] for item in items}
    parts = [
        f"<h1>Evaluation</h1><p>{escape(_stand(summary, len(items)))}</p>",
        contents(PARTS),
        verdict_part(verdict),
        f'<h2 id="overview">{PARTS["overview"]}</h2><p><small>{ANCHORS_EXPLAINED}</small></p>',
        overview(summary, verdict, {system for system, kind in kinds.items() if kind == "copy"}),
        all_metrics(summary),
        calibration_part(summary.get("calibration", {})),
        _explore("Distributions", "Pairs", data, items),
        f'<h2 id="peers">{PARTS["peers"]}</h2>{peers_part(summary, kinds)}',
        f'<h2 id="provenance">{PARTS["provenance"]}</h2>',
        details("Commit, data, packages", facts_table("provenance", summary.get("provenance", {}))),
    ]
    write_text(path, page("Evaluation", "\n".join(parts), data))


def _stand(summary: dict[str, Any], n: int) -> str:
    facts = summary.get("provenance", {})
    commit, inputs = facts.get("git_sha") or "unknown", facts.get("inputs_sha256") or "unknown"
    machine = facts.get("hardware", {}).get("cpu", "unknown hardware")
    return f"{n} pairs of {len(summary['systems'])} systems; commit {short(commit)}, inputs {short(inputs)}, {machine}"


def short(sha: str) -> str:
    """The first twelve digits of a hash, and what reproducibility.git_sha adds where code differed from the commit."""
    digits, dash, more = sha.partition("-")
    return digits[:12] + dash + more


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
        contents({"changes": "Changes", "distributions": "Differences", "list": "Pairs", "differing": "The runs"}),
        f'<h2 id="changes">Changes</h2><p><small>{COMPARISON_EXPLAINED.format(min_items=min_items)}</small></p>',
        "".join(_changes_part(system, pairs[system], found) for system in pairs),
        _explore("Differences, B − A", "Pairs", data, flat),
        f'<h2 id="differing">What differs between the runs</h2>{_differing_part(differ)}',
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


def _differing_part(differ: list[tuple[str, str, str]]) -> str:
    rows = [list(map(escape, row)) for row in differ]
    return table("what differs", ("what", "A", "B"), rows, "facts") if rows else "<p>Nothing that is known.</p>"


def _changes_part(system: str, pairs: Pairs, found: list[Change]) -> str:
    """A system's changes: how many of each kind, and the table, closed where nothing is claimed."""
    other, own = pairs[0][0].system, [change for change in found if change.system == system]
    title = escape(system if other == system else f"{other} → {system}")
    said = Counter(change.verdict for change in own)
    chips = "".join(f' <span class="chip {claim}">{said[claim]} {claim}</span>' for claim in CLAIMS if said[claim])
    name = f"changes of {system}"
    body = details(f"{len(own)} metrics", table(name, COMPARED, map(_change_row, own)), opened=bool(chips))
    return f"<h3>{title}{chips or f' {chip(NO_CLAIM)}'}</h3>{body}"


def _change_row(change: Change) -> list[str]:
    d = change.difference
    effect = "–" if math.isinf(d.effect) else number(d.effect)
    word = f'<span class="{change.verdict.split()[0]}">{change.verdict}</span>'
    means = (number(change.before), number(change.after), number(d.mean), f"{number(d.low)} to {number(d.high)}")
    p = "–" if change.p_holm is None else f"{change.p_holm:.3f}"
    return [heading(change.metric, METRICS[change.metric]), *means, effect, p, str(d.n), word]
