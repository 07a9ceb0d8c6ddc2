"""What a change does, pair by pair: over the same audio, conversions and copies apart, and as a reader sees it."""

from pathlib import Path

import pytest

from autovoice.config import EvaluateConfig
from autovoice.evaluation.items import Item
from autovoice.studies.paired import differences
from autovoice.studies.report import COLUMNS, changes, drawing

CFG = EvaluateConfig(n_bootstrap=200)


def item(n: int, system: str = "zero-shot/balanced", **values: float | None) -> Item:
    """Source n into target n."""
    who = {"source_speaker": f"s{n}", "target_speaker": f"t{n}"}
    return Item((system, f"source {n}", f"reference {n}", 0), who, {}, {}, Path(), dict(values))


def test_pairs_that_differ_more_among_themselves_than_by_the_change_do_not_hide_it() -> None:
    levels = (0.1, 0.9, 0.3, 0.7, 0.5, 0.2)
    first = [item(n, campp=level) for n, level in enumerate(levels)]
    other = [item(n, campp=level + 0.02 + 0.001 * n) for n, level in enumerate(levels)]
    found = differences(first, list(reversed(other)), CFG, 0)["campp"]
    assert found["mean"] == pytest.approx(0.0225)
    assert found["n"] == 6
    assert 0.02 <= found["low"] < found["mean"] < found["high"] <= 0.025


def test_conversions_and_copies_stand_apart_and_what_was_not_measured_twice_is_left_out() -> None:
    first = [item(0, cer=0.1), item(1, cer=None), item(2, cer=0.3), item(3, "copy/balanced", cer=0.5)]
    other = [item(0, cer=0.2), item(1, cer=0.2), item(4, cer=0.9), item(3, "copy/balanced", cer=0.1)]
    found = differences(first, other, CFG, 0)
    assert {name: (round(d["mean"], 6), d["n"]) for name, d in found.items()} == {
        "cer": (0.1, 1),
        "copy_cer": (-0.4, 1),
    }


def test_the_table_of_changes_has_signs_and_no_line_for_the_first_variant() -> None:
    change = {"secs": {"mean": 0.01, "low": -0.002, "high": 0.022, "n": 24}}
    text = changes([{"name": "as it is", "change": {}}, {"name": "smaller", "change": change}])
    assert text.splitlines()[0] == "| less “as it is” | SECS |"
    assert text.splitlines()[2:] == ["| smaller | +0.010 [-0.002, +0.022] |"]
    assert changes([{"name": "as it is"}]) == ""


def test_the_drawing_of_differences_leaves_the_first_variant_out() -> None:
    level, change = {"mean": 0.8, "low": 0.7, "high": 0.9}, {"mean": 0.01, "low": -0.002, "high": 0.022}
    rows = [{"name": name, "change": {}} | dict.fromkeys(COLUMNS, level) for name in ("as it is", "smaller", "larger")]
    for row in rows[1:]:
        row["change"] = {"secs": change}
    panel = drawing(rows, "").axes[0]
    assert [tick.get_text() for tick in panel.get_yticklabels()] == ["smaller", "larger"]
    assert panel.get_xlabel() == "less “as it is”"
    assert panel.get_xlim()[1] < 0.1  # no levels are drawn
    rows = [{**row, "change": {}, "steps": 10 * (n + 1)} for n, row in enumerate(rows)]
    assert len(drawing(rows, "").axes[0].get_yticklabels()) == 3


def test_an_axis_is_walked_from_its_least_to_its_greatest_and_numbered_in_two_digits() -> None:
    level = {"mean": 0.8, "low": 0.7, "high": 0.9}
    sizes = (12_536_300, 2_392_000, 6_012_320)
    rows = [{"name": str(n), "parameters": n} | dict.fromkeys(COLUMNS, level) for n in sizes]
    panel = drawing(rows, "parameters").axes[0]
    assert list(panel.lines[0].get_xdata()) == sorted(sizes)
    assert [label.get_text() for label in panel.get_xticklabels()] == ["2.4M", "6M", "13M"]


def test_against_an_axis_conversions_and_the_own_voice_are_two_lines_of_one_panel() -> None:
    level = {"mean": 0.8, "low": 0.7, "high": 0.9}
    rows: list[dict[str, object]] = [
        {"name": str(n), "steps": n} | {key: {} for key in COLUMNS} | {"campp": level, "copy_campp": level}
        for n in (10, 20)
    ]
    rows[1]["copy_mrstft"] = level  # of the own voice alone, and of one variant
    likeness, distance = drawing(rows, "steps").axes
    assert [label.get_text() for label in likeness.get_legend().get_texts()] == ["other people's", "own voice"]
    assert likeness.get_xscale() == "log"
    assert list(likeness.lines[0].get_xdata()) == [10, 20]
    assert [label.get_text() for label in distance.get_legend().get_texts()] == ["own voice"]
    assert distance.get_title() == "STFT distance"
    assert list(distance.lines[0].get_xdata()) == [20]
