"""Prints the metrics of the last evaluation, or writes them into a Markdown file between its metrics markers.

python scripts/show_metrics.py
python scripts/show_metrics.py --into README.md
python scripts/show_metrics.py --markdown
"""

import argparse
import json
import re
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from autovoice.evaluation.report import short

COLUMNS = ("metric", "mean", "95 % interval", "floor", "ceiling", "unit", "n", "failed")
SHOWN = ("secs", "campp", "cer", "f0_rmse_hz", "f0_corr", "dnsmos_ovrl", "dmos", "rtf")
MARKERS = re.compile(r"(<!-- metrics: begin[^\n]*-->\n).*?(<!-- metrics: end -->)", re.DOTALL)


def number(value: float | None) -> str:
    """Three significant digits; a dash for what could not be computed."""
    return "-" if value is None else f"{value:.3g}"


def rows_of(metrics: dict[str, Any]) -> list[tuple[str, ...]]:
    """A row a metric, without those that do not apply to the system."""
    applying = {name: m for name, m in metrics.items() if m["n"] or m.get("n_failed", 0)}
    return [
        (
            name,
            number(m["mean"]),
            f"{number(m['low'])} to {number(m['high'])}",
            number(m["floor"]),
            number(m["ceiling"]),
            m["unit"],
            str(m["n"]),
            str(m.get("n_failed", 0)),
        )
        for name, m in applying.items()
    ]


def print_all(summary: dict[str, Any], verdict: dict[str, Any] | None) -> None:
    """A table a system, then the gate's verdict."""
    console = Console(width=None if sys.stdout.isatty() else 120)
    for system, metrics in summary["systems"].items():
        table = Table(*COLUMNS, title=system, title_justify="left")
        for row in rows_of(metrics):
            table.add_row(*row)
        console.print(table)
    if verdict is not None:
        console.print("Gate: green" if verdict["green"] else f"Gate: red, {len(verdict['faults'])} faults")


def markdown(summary: dict[str, Any]) -> str:
    """A row a system: mean [interval] of the main metrics; then what the numbers stand on."""
    lines = ["| system (n) | " + " | ".join(SHOWN) + " |", "|---" * (len(SHOWN) + 1) + "|"]
    for system, metrics in summary["systems"].items():
        cells = [
            "-"
            if metrics[k]["mean"] is None
            else f"{number(metrics[k]['mean'])} [{number(metrics[k]['low'])}, {number(metrics[k]['high'])}]"
            for k in SHOWN
        ]
        lines.append(f"| {system} ({metrics['secs']['n']}) | " + " | ".join(cells) + " |")
    first = next(iter(summary["systems"].values()))
    for anchor in ("floor", "ceiling"):
        lines.append(f"| {anchor} of the first | " + " | ".join(number(first[k][anchor]) for k in SHOWN) + " |")
    p = summary["provenance"]
    where = f"{p['hardware']['cpu']}, {p['hardware']['cores']} cores"
    lines += [
        "",
        f"Commit {short(p['git_sha'])}, inputs {short(p['inputs_sha256'])}, {where}. Brackets: 95 % bootstrap intervals.",
    ]
    return "\n".join(lines) + "\n"


def gate_markdown(verdict: dict[str, Any] | None) -> str:
    """What the gate said, a row a fault."""
    if verdict is None:
        return "Gate: not run.\n"
    if not verdict["faults"]:
        return f"Gate: {'green' if verdict['green'] else 'not enough data'}.\n"
    rows = [
        f"| {f['kind']} | {f['system']} | {f['metric']} | {f['message']} | {len(f['items'])} |"
        for f in verdict["faults"]
    ]
    return (
        "\n".join(["Gate: red.", "", "| kind | system | metric | what | items |", "|---|---|---|---|---|", *rows])
        + "\n"
    )


def main() -> int:
    """Exit 1 if there is no evaluation, or no markers to write between."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument(
        "--into", type=Path, help="a Markdown file with <!-- metrics: begin --> and <!-- metrics: end -->"
    )
    parser.add_argument("--markdown", action="store_true", help="print Markdown, with the gate's verdict")
    args = parser.parse_args()
    path, gate = args.data / "metrics" / "summary.json", args.data / "gate" / "verdict.json"
    if not path.is_file():
        print(f"{path}: no evaluation yet; run make repro.", file=sys.stderr)
        return 1
    summary = json.loads(path.read_text(encoding="utf-8"))
    verdict = json.loads(gate.read_text(encoding="utf-8")) if gate.is_file() else None
    if args.markdown:
        print(markdown(summary) + "\n" + gate_markdown(verdict), end="")
        return 0
    if args.into is None:
        print_all(summary, verdict)
        return 0
    text = args.into.read_text(encoding="utf-8")
    if not MARKERS.search(text):
        print(f"{args.into}: no metrics markers.", file=sys.stderr)
        return 1
    args.into.write_text(MARKERS.sub(lambda m: m[1] + markdown(summary) + m[2], text), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
