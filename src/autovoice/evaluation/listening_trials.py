"""Which clips a listener hears, in which order and on which side: decided by seed and listener alone."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, zip_longest
from typing import TypeVar

import numpy as np

from autovoice.errors import DataError
from autovoice.evaluation.anchors import ANCHOR
from autovoice.evaluation.listening_cases import LOW_PASSED, SOURCE, TARGET, WORLD, Case, Stimulus, systems_of

KINDS = ("mos", "abx")
QUESTIONS = ("naturalness", "similarity")
NEARER = "nearer"  # the question of an ABX test
ANSWERS = {"mos": ("1", "2", "3", "4", "5"), "abx": ("a", "b")}
CHECK_EVERY, MIN_CHECKS, MAX_CHECKS = 4, 2, 8  # a pair of hidden anchors, or a catch trial, for so many other clips
NAME = re.compile(r"[\w-]{1,40}")
T = TypeVar("T")


@dataclass(frozen=True)
class Trial:
    """One answer to give. role: test | high | low | catch; systems: one, or those of sides a and b; clips: by their place."""

    id: str
    kind: str
    question: str
    role: str
    item: str
    systems: tuple[str, ...]
    clips: dict[str, Stimulus]


@dataclass(frozen=True)
class Plan:
    """What is asked. n: clips to rate (pairs to compare) for each listener and question, hidden checks not counted."""

    kind: str
    questions: tuple[str, ...]
    systems: tuple[str, ...]
    n: int
    seed: int


def make_plan(
    cases: list[Case], kind: str, questions: Sequence[str], systems: Sequence[str], n: int, seed: int
) -> Plan:
    """A plan that these cases can fill; without systems all of the folder's own.

    A comparison of a single system is one with the source as it is. Raises DataError for a system that is not there, for
    questions in a comparison, and where no case has two of the systems.
    """
    known = systems_of(cases)
    if unknown := [name for name in systems if name not in known]:
        raise DataError(f"no system {unknown[0]!r}", "--system", f"choose from {', '.join(known)}")
    chosen = sorted(set(systems)) or [name for name in known if not name.startswith(ANCHOR)]
    if kind == "mos":
        return Plan(kind, tuple(dict.fromkeys(questions)) or QUESTIONS[:1], tuple(chosen), n, seed)
    if questions:
        raise DataError("has a meaning with --kind mos only", "--ask", "leave it out")
    if len(chosen) == 1:
        chosen = sorted({*chosen, SOURCE})
    if not any(a in case.stimuli and b in case.stimuli for case in cases for a, b in combinations(chosen, 2)):
        raise DataError("no source was converted by two of the systems", "--kind abx", "evaluate them in one table")
    return Plan(kind, (NEARER,), tuple(chosen), n, seed)


def check_name(listener: str) -> str:
    """The name itself; raises DataError unless it is 1 to 40 letters, digits, - and _."""
    if not NAME.fullmatch(listener):
        raise DataError(f"{listener!r} is not a listener's name", "--listener", "take 1 to 40 letters, digits, - and _")
    return listener


def design(cases: list[Case], plan: Plan, listener: str) -> list[Trial]:
    """A listener's trials in the order in which they are heard, a question after the other."""
    trials: list[Trial] = []
    for question in plan.questions:
        made = _opinions(cases, plan, listener, question) if plan.kind == "mos" else _choices(cases, plan, listener)
        trials += _shuffled(made, _rng(plan, listener, question, "order"))
    return trials


def n_checks(n: int) -> int:
    """Pairs of hidden anchors, or catch trials, beside n other trials."""
    return min(max(n // CHECK_EVERY, MIN_CHECKS), MAX_CHECKS)


def _opinions(cases: list[Case], plan: Plan, listener: str, question: str) -> list[Trial]:
    rng = _rng(plan, listener, question, "cases")
    order = _shuffled(cases, rng)
    tests = [(case, name) for case in order for name in _shuffled(plan.systems, rng) if name in case.stimuli]
    found = [("test", case, name) for case, name in tests[: plan.n]]
    for case in order[: n_checks(plan.n)]:
        high, low = _anchors(case, question)
        found += [("high", case, high), ("low", case, low)]
    return [_trial(plan, listener, question, role, case, (name,)) for role, case, name in found]


def _anchors(case: Case, question: str) -> tuple[str, str]:
    """What is natural and what is not; who is the target and who is not."""
    if question == "similarity":
        return TARGET, SOURCE
    return SOURCE, WORLD if WORLD in case.stimuli else LOW_PASSED


def _choices(cases: list[Case], plan: Plan, listener: str) -> list[Trial]:
    rng = _rng(plan, listener, NEARER, "cases")
    queues = []
    for pair in _shuffled(list(combinations(plan.systems, 2)), rng):
        both = [case for case in _shuffled(cases, rng) if set(pair) <= case.stimuli.keys()]
        queues.append([("test", case, sides) for case, sides in zip(both, _sides(pair, len(both), rng), strict=True)])
    found = [trial for rank in zip_longest(*queues) for trial in rank if trial is not None][: plan.n]
    caught = _shuffled(cases, rng)[: n_checks(plan.n)]
    sides_of_caught = _sides((TARGET, SOURCE), len(caught), rng)
    found += [("catch", case, sides) for case, sides in zip(caught, sides_of_caught, strict=True)]
    return [_trial(plan, listener, NEARER, role, case, sides) for role, case, sides in found]


def _sides(pair: tuple[str, str], n: int, rng: np.random.Generator) -> list[tuple[str, str]]:
    """n times the pair, each system on either side equally often; which comes first is a coin."""
    start = int(rng.integers(2))
    return [pair if (start + i) % 2 else (pair[1], pair[0]) for i in range(n)]


def _trial(plan: Plan, listener: str, question: str, role: str, case: Case, systems: tuple[str, ...]) -> Trial:
    if plan.kind == "abx":
        clips = {"x": case.reference, "a": case.stimuli[systems[0]], "b": case.stimuli[systems[1]]}
    else:
        clips = {"reference": case.reference} if question == "similarity" else {}
        clips["clip"] = case.stimuli[systems[0]]
    what = (plan.seed, listener, plan.kind, question, role, *systems, case.name)
    return Trial(_digest(*what)[:16], plan.kind, question, role, case.name, systems, clips)


def clip_id(trial: Trial, place: str) -> str:
    """The name under which a clip is fetched: it says nothing of what is heard, and is another one in every trial."""
    return _digest(trial.id, place)[:24]


def _digest(*parts: object) -> str:
    return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()


def _rng(plan: Plan, listener: str, *what: str) -> np.random.Generator:
    return np.random.default_rng(int(_digest(plan.seed, listener, plan.kind, *what)[:16], 16))


def _shuffled(values: Sequence[T], rng: np.random.Generator) -> list[T]:
    return [values[i] for i in rng.permutation(len(values))]
