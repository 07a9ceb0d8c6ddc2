"""What the gate says: faults with their items, a status a system, and what was not checked."""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from rich.table import Table

Status = Literal["green", "red", "not enough data"]
MAX_NAMED = 5  # items named in a message; all are in verdict.json


@dataclass
class Fault:
    """One reason to be red. kind: floor | regression | sanity | data | definition | copied | overlap."""

    kind: str
    system: str
    metric: str
    message: str
    items: list[str] = field(default_factory=list)

    @property
    def sentence(self) -> str:
        """The message with its first items."""
        shown = ", ".join(self.items[:MAX_NAMED]) + (", ..." if len(self.items) > MAX_NAMED else "")
        return self.message + (f": {shown}" if shown else "")


@dataclass
class Verdict:
    """faults empty = green, unless nothing could be judged; notes: what was not checked, and why."""

    faults: list[Fault] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    too_few: dict[str, int] = field(default_factory=dict)  # system -> its number of items
    systems: list[str] = field(default_factory=list)
    n_checks: int = 0

    @property
    def status(self) -> Status:
        """Of all systems together: red as soon as one is; not enough data if that holds for each."""
        if self.faults:
            return "red"
        return "not enough data" if self.systems and set(self.systems) <= set(self.too_few) else "green"

    @property
    def green(self) -> bool:
        return self.status == "green"

    def status_of(self, system: str) -> Status:
        """Of one system."""
        if any(fault.system in ("", system) for fault in self.faults):
            return "red"
        return "not enough data" if system in self.too_few else "green"

    def check(
        self, good: bool, kind: str, system: str, metric: str, message: str, items: list[str] | None = None
    ) -> None:
        """Counts a check; remembers the fault if it failed."""
        self.n_checks += 1
        if not good:
            self.faults.append(Fault(kind, system, metric, message, items or []))

    def as_json(self) -> dict[str, Any]:
        """For verdict.json and --json."""
        return {
            "status": self.status,
            "green": self.green,
            "n_checks": self.n_checks,
            "systems": {system: self.status_of(system) for system in self.systems},
            "faults": [asdict(fault) for fault in self.faults],
            "notes": self.notes,
        }


def verdict_table(verdict: Verdict) -> Table:
    """A line a fault."""
    colour = {"green": "green", "red": "red"}.get(verdict.status, "yellow")
    title = f"[{colour}]gate: {verdict.status}[/] ({verdict.n_checks} checks)"
    table = Table("kind", "system", "metric", "what fell, and where", title=title)
    for fault in verdict.faults:
        table.add_row(fault.kind, fault.system, fault.metric, fault.sentence)
    return table
