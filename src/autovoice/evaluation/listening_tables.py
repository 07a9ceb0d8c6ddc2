"""What listeners said, as tables for people."""

from collections.abc import Callable
from typing import Any

Table = Callable[[str, list[str], list[list[str]]], None]  # title, columns, rows
NOT_ENOUGH = "not enough data"
VERDICTS = {True: "failed", False: "passed", None: NOT_ENOUGH}


def show(summary: dict[str, Any], table: Table) -> None:
    """Calls table for who listened, what was thought of each system and which of two was chosen; empty ones are left out."""
    people = [
        [kind, name, str(n["ratings"]), f"{n['wrong']} of {n['checks']}", VERDICTS[n["failed"]]]
        for kind, names in summary["listeners"].items()
        for name, n in names.items()
    ]
    table("Listeners and the hidden checks", ["kind", "listener", "ratings", "wrong", "says"], people)
    failed = any(row[-1] == VERDICTS[True] for row in people)
    groups = {"kept": "without who failed", "everyone": "everyone"} if failed else {"everyone": "everyone"}
    if summary["opinions"]:
        rows = [[o["question"], o["system"], *(_cell(o[key]) for key in groups)] for o in summary["opinions"]]
        table("Mean opinion, 1 to 5 [95 % interval]", ["question", "system", *groups.values()], rows)
    if summary["preferences"]:
        rows = [[*p["systems"], *(_preference(p[key]) for key in groups)] for p in summary["preferences"]]
        table("How often the first was chosen [95 % interval]", ["first", "second", *groups.values()], rows)


def _cell(numbers: dict[str, Any] | None) -> str:
    if numbers is None:
        return "-"
    between = f"[{numbers['low']:.2f}, {numbers['high']:.2f}]" if numbers["enough"] else NOT_ENOUGH
    return f"{numbers['mean']:.2f} {between} n={numbers['n']}, listeners={numbers['listeners']}"


def _preference(numbers: dict[str, Any] | None) -> str:
    if numbers is None or not numbers["enough"]:
        return _cell(numbers)
    return f"{_cell(numbers)}, p={numbers['p_holm']:.2g} (Holm)"
