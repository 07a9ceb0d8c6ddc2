"""Prints the metrics of the last evaluation: mean [95 % interval], floor and ceiling, pairs; and the gate's verdict."""

import json
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table


def number(value: float | None) -> str:
    """Four significant digits; a dash for what could not be computed."""
    return "-" if value is None else f"{value:.4g}"


def main(folder: Path) -> int:
    """Prints one table a system; exit 1 if there is no evaluation."""
    console = Console(width=None if sys.stdout.isatty() else 120)
    path = folder / "metrics" / "summary.json"
    if not path.is_file():
        print(f"{path}: no evaluation yet", file=sys.stderr)
        return 1
    for system, metrics in json.loads(path.read_text(encoding="utf-8"))["systems"].items():
        columns = ("metric", "mean", "95 % interval", "floor", "ceiling", "unit", "n", "failed")
        table = Table(*columns, title=system, title_justify="left")
        for name, m in metrics.items():
            interval = f"{number(m.get('low'))} to {number(m.get('high'))}"
            row = (
                number(m.get("mean")),
                interval,
                number(m.get("floor")),
                number(m.get("ceiling")),
                m.get("unit") or "",
            )
            table.add_row(name, *row, str(m.get("n", 0)), str(m.get("n_failed", 0)))
        console.print(table)
    verdict = folder / "gate" / "verdict.json"
    if verdict.is_file():
        judged = json.loads(verdict.read_text(encoding="utf-8"))
        console.print("Gate: green" if judged["green"] else f"Gate: red, {len(judged['faults'])} faults")
    console.print(f"Report: {folder / 'metrics' / 'report.html'}")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path("data")))
