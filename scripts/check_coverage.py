"""Refuses a coverage report (coverage json) below the bounds for lines and branches."""

import json
import sys
from pathlib import Path

LINES, BRANCHES = 90.0, 80.0  # percent


def shortfalls(totals: dict[str, int]) -> list[str]:
    """One sentence for each bound that is not held; totals: as in coverage's JSON."""
    found = []
    for name, covered, total, bound in (
        ("lines", totals["covered_lines"], totals["num_statements"], LINES),
        ("branches", totals["covered_branches"], totals["num_branches"], BRANCHES),
    ):
        percent = 100 * covered / total
        print(f"coverage: {percent:.1f} % of the {name} (at least {bound:.0f} %)")
        if percent < bound:
            found.append(f"coverage: {percent:.1f} % of the {name} is less than {bound:.0f} %")
    return found


if __name__ == "__main__":
    totals = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))["totals"]
    sys.exit("\n".join(shortfalls(totals)) or 0)
