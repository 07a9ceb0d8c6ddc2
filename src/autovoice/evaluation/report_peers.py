"""The table against published peers: their figures, and ours in the columns that are measured in the same way."""

import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from autovoice.evaluation.anchors import ANCHOR
from autovoice.evaluation.peers import COLUMNS, Group, peers
from autovoice.evaluation.report_html import details, table

CEILING = 0.83  # CAM++ of two recordings of one reader: where `share` is 100 %
MEASURES = {"sig": "dnsmos_sig", "bak": "dnsmos_bak", "ovrl": "dnsmos_ovrl"}  # column -> metric, where they differ
PERCENT = ("cer", "wer")
DIGITS = {"cer": 1, "wer": 1, "f0_rmse_hz": 1, "sig": 2, "bak": 2, "ovrl": 2, "dmos": 2}  # after the point; else 3
OPEN = "samples"  # the group that compares best

Metrics = Mapping[str, dict[str, Any]]


def peers_part(summary: dict[str, Any], kinds: Mapping[str, str]) -> str:
    """Group by group: our own systems of that kind first, then the peers; each column says whether it compares.

    kinds: system -> kind of its pairs.
    """
    parts = ["<p>The first rows are this run's. A column that is measured in another way stays empty there.</p>"]
    for group in peers():
        own = [_own(group, system, summary) for system, kind in kinds.items() if _fits(group, system, kind)]
        rows = [[escape(row["system"]), *(plain(row[name]) for name in group.columns)] for row in group.rows]
        head = ["system", *(_heading(group, name) for name in group.columns)]
        note = f"<p><small>Source: {escape(group.source)}. {escape(group.comparable)}</small></p>"
        body = table(group.title, head, [*own, *rows], own=len(own)) + note
        parts.append(details(group.title, body, group.name == OPEN))
    return "".join(parts)


def _fits(group: Group, system: str, kind: str) -> bool:
    return bool(group.same) and kind == group.kind and not system.startswith(ANCHOR)


def _heading(group: Group, name: str) -> str:
    if name == "n":
        return COLUMNS[name]
    said = "same measure" if name in group.same else f"≠ {group.differs.get(name, 'measured otherwise')}"
    return f"{COLUMNS[name]}<small>{escape(said)}</small>"


def _own(group: Group, system: str, summary: dict[str, Any]) -> list[str]:
    found = own_figures(summary["systems"][system], summary.get("extra", {}).get(system, {}), group.less_source)
    cells = [found.get(name, "") if name in (*group.same, "n") else "" for name in group.columns]
    return [f"{escape(system)} <small>this run</small>", *map(plain, cells)]


def own_figures(metrics: Metrics, extra: Mapping[str, Any], less_source: Sequence[str] = ()) -> dict[str, str]:
    """column of peers.csv -> our figure in the same unit; nothing where it was not measured."""
    found = {"n": str(max((m["n"] for m in metrics.values()), default=0))}
    for column in COLUMNS:
        metric = metrics.get(MEASURES.get(column, column), {})
        value, source = metric.get("mean"), metric.get("ceiling")  # the ceiling of quality is the source itself
        if value is None or (column in less_source and source is None):
            continue
        if column in less_source:
            found[column] = f"{value - source:+.2f}"
        else:
            found[column] = f"{value * (100 if column in PERCENT else 1):.{DIGITS.get(column, 3)}f}"
    campp = metrics.get("campp", {})
    if campp.get("mean") is not None and campp.get("floor") is not None and campp["floor"] < CEILING:
        found["share"] = f"{100 * (campp['mean'] - campp['floor']) / (CEILING - campp['floor']):.0f}"
    if extra.get("closer") is not None:
        found["closer"] = f"{100 * extra['closer']:.0f}"
    return found


def plain(figure: str) -> str:
    """A published figure as the page writes numbers: .81 as 0.81, with a minus; a dash for none."""
    return escape(re.sub(r"(?<![\d.])\.(?=\d)", "0.", re.sub(r"^-(?=[\d.])", "−", figure))) or "–"
