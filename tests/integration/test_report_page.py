"""The report and the comparison as a person meets them: in a real browser, with real sound, asking nothing of the network.

Two runs of the same twelve conversions of two systems; B is noisy, and one of its results is missing. Pitch errors are
planted: they grow with the number of the source, so that it is known what must come first.
"""

import json
import re
from contextlib import nullcontext

import numpy as np
import pytest
import soundfile as sf
from audio_files import RATE, speech
from axe_playwright_python.sync_playwright import Axe

from autovoice.cli import main
from autovoice.config import EvaluateConfig
from autovoice.evaluation.items import read_items
from autovoice.evaluation.report import write_comparison, write_report
from autovoice.evaluation.run import evaluate
from autovoice.processes import worker_pool

CONFIG = EvaluateConfig(metrics=["f0", "duration", "signal"], anchors=["source"], n_bootstrap=50, num_workers=1)
SECONDS, PER_READER = 1.2, 3
READERS, TARGETS, PRESETS = {"allison": "F", "narrator": "M"}, ("carlo", "june"), ("fast", "quality")
COLUMNS = "source,target_refs,converted,system,lang,source_speaker,target_speaker,sex,preset,text"
N_OWN, N_ALL = 24, 36  # pairs of the two systems; and of the anchor, which is the source itself
MIN_ITEMS = 12


def wobbling(wav: np.ndarray, number: int) -> np.ndarray:
    """wav (T,) with a vibrato that grows with `number`: a pitch error whose size is known."""
    seconds = np.arange(len(wav)) / RATE
    moved = seconds + 2e-4 * (number + 1) * np.sin(2 * np.pi * 5 * seconds)
    return np.interp(moved, seconds, wav)


def written(folder, noise: float) -> None:
    """Sources, references, results and their table below `folder`; quality wobbles a tenth of what fast does."""
    folder.mkdir()
    cuts = [(who, speech(who, SECONDS, 3 + 2 * i)) for who in READERS for i in range(PER_READER)]
    hiss = noise * np.random.default_rng(0).standard_normal(int(SECONDS * RATE))
    lines = [COLUMNS]
    for target in TARGETS:
        sf.write(folder / f"{target}.wav", speech(target, SECONDS), RATE)
    for number, (who, wav) in enumerate(cuts):
        sf.write(folder / f"source{number}.wav", wav, RATE)
        for target in TARGETS:
            for preset in PRESETS:
                name = f"{preset}_{number}_{target}.wav"
                made = wobbling(wav, number if preset == "fast" else number / 10 - 0.9)
                sf.write(folder / name, np.clip(made + (hiss if preset == "fast" else 0), -1, 1), RATE)
                facts = (f"ours/{preset},en,{who},{target}", READERS[who], preset, f"text {number}")
                lines.append(",".join((f"source{number}.wav", f"{target}.wav", name, *facts)))
    (folder / "pairs.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """{"a": ..., "b": ...}: folders of evaluations, each with its page; B's says what the gate says."""
    base, found = tmp_path_factory.mktemp("runs"), {}
    with worker_pool(1) as workers, pytest.MonkeyPatch.context() as patch:
        patch.setattr("autovoice.evaluation.workers.worker_pool", lambda _: nullcontext(workers))  # one start for both
        for name, noise in (("a", 0.0), ("b", 0.01)):
            written(base / name, noise)
            if name == "b":
                (base / "b" / "quality_0_june.wav").unlink()
            found[name] = base / name / "metrics"
            evaluate(base / name / "pairs.csv", found[name], CONFIG)
    return found


def read(folder):
    """(items, summary) of an evaluation."""
    return read_items(folder / "pairs.csv"), json.loads((folder / "summary.json").read_text())


@pytest.fixture
def report(runs, tmp_path, capsys):
    """The page of run B with the verdict of the real gate."""
    capsys.readouterr()
    assert main(["gate", str(runs["b"]), "--json"]) == 1
    verdict = json.loads(capsys.readouterr().out)
    write_report(tmp_path / "report.html", *read(runs["b"]), verdict)
    return tmp_path / "report.html"


@pytest.fixture
def comparison(runs, tmp_path):
    """The page that compares both."""
    (items_a, before), (items_b, after) = read(runs["a"]), read(runs["b"])
    two = (("a", items_a, before), ("b", items_b, after))
    write_comparison(tmp_path / "compare.html", two, {}, MIN_ITEMS)
    return tmp_path / "compare.html"


def keys(page) -> list[str]:
    """What each visible pair says of the metric that sorts them."""
    return page.locator(".pair .key").all_inner_texts()


def numbers(page, system: str) -> list[float]:
    texts = page.locator(".pair").filter(has_text=system).locator(".key").all_inner_texts()
    return [float(text.split()[-1]) for text in texts if "failed" not in text]


def shown(page) -> str:
    return page.locator(".tools output").inner_text()


def choose(page, name: str, value: str) -> None:
    page.locator(f"select[name={name}]").select_option(value)


def until(page, expression: str) -> None:
    """Waits until JavaScript says so; playwright's own way would need eval, which the page forbids itself."""
    for _ in range(200):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(50)
    pytest.fail(f"never: {expression}")


def opened(page, at: int = 0):
    """The pair of that place, open and drawn."""
    pair = page.locator(".pair").nth(at)
    pair.locator("summary").click()
    pair.locator("canvas[data-drawn]").last.wait_for()
    return pair


def test_pairs_are_there_the_failed_and_worst_first(runs, open_page):
    page = open_page(runs["b"] / "report.html")
    assert shown(page) == f"{N_ALL} of {N_ALL} pairs"
    assert keys(page)[0] == "f0_rmse_hz failed"
    choose(page, "metric", "f0_rmse_cents")
    assert keys(page)[0] == "f0_rmse_cents failed"
    worst = numbers(page, "ours/fast")
    assert worst == sorted(worst, reverse=True)
    assert "source5" in page.locator(".pair .who").nth(1).inner_text()  # the largest error that was planted
    choose(page, "order", "best")
    best = numbers(page, "ours/quality")
    assert best == sorted(best)


def test_filters_hide_what_they_should_and_clear_brings_it_back(runs, open_page):
    page = open_page(runs["a"] / "report.html")
    for label, value, n in (("speaker", "june", 18), ("sex", "F", 9), ("preset", "fast", 3)):
        choose(page, label, value)
        assert shown(page) == f"{n} of {N_ALL} pairs"
    for text in page.locator(".pair .who").all_inner_texts():
        assert re.match(r"source[012] > june\s+ours/fast", text)
    page.get_by_role("button", name="Clear").click()
    assert shown(page) == f"{N_ALL} of {N_ALL} pairs"
    page.get_by_label("search").fill("source4 carlo")
    until(page, "document.querySelectorAll('.pair').length === 3")


def test_a_player_plays_and_the_next_one_silences_it(runs, open_page):
    page = open_page(runs["a"] / "report.html")
    pair = opened(page)
    assert pair.locator("figcaption").all_inner_texts()[0].startswith("1")
    assert pair.locator("audio").count() == 3  # source, reference, converted
    page.keyboard.press("1")
    until(page, "document.querySelector('.pair[open] audio').currentTime > 0.1")
    length = pair.locator("audio").first.evaluate("audio => audio.duration")
    assert length == pytest.approx(SECONDS, abs=0.1)
    page.keyboard.press("3")
    until(page, "document.querySelectorAll('.pair[open] audio')[2].currentTime > 0.1")
    assert pair.locator("audio").first.evaluate("audio => audio.paused")


def test_spectrograms_and_melodies_are_drawn(runs, open_page):
    pair = opened(open_page(runs["a"] / "report.html"))
    for canvas in pair.locator("canvas").all():
        colours = canvas.evaluate(
            """canvas => {
              const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
              return new Set(new Uint32Array(pixels.buffer)).size;
            }"""
        )
        assert colours > 50
    for track in (".k0", ".k1"):
        assert len(pair.locator(f".melody path{track}").get_attribute("d")) > 100


def test_what_was_opened_stays_open_when_more_are_shown_or_sorted(runs, open_page):
    page = open_page(runs["a"] / "report.html")
    opened(page, 2)
    page.get_by_role("button", name="Show more").click()
    assert page.locator(".pair").count() == N_ALL
    choose(page, "order", "best")
    assert page.locator(".pair[open]").count() == 1


def test_the_verdict_is_shown_and_leads_to_the_pair_that_fell(report, open_page):
    page = open_page(report)
    assert page.locator("section.verdict.red h2").inner_text().startswith("✕ red")
    page.locator("button.find").first.click()
    pair = page.locator(".pair[open]")
    assert "source0 > june" in pair.locator(".who").inner_text()
    assert re.search(r"f0_rmse_hz, .*dur_ratio.* failed: .*no such file", pair.inner_text())


def test_peers_stand_beside_this_run_and_say_what_compares(report, open_page):
    page = open_page(report)
    page.get_by_text("Speech, zero-shot").click()
    table = page.get_by_role("region", name="Speech, zero-shot")
    assert "another recogniser" in table.inner_text()
    assert table.locator("tr.own").count() == len(PRESETS)
    assert "Seed-VC" in table.inner_text()


def test_the_comparison_says_what_changed_and_plays_both(comparison, open_page):
    page = open_page(comparison)
    assert shown(page) == f"{N_OWN} of {N_OWN} pairs"
    row = page.get_by_role("region", name="changes of ours/fast").locator("tr").filter(has_text="noise_db")
    assert row.locator("td").last.inner_text() == "worse"
    assert "no difference shown" in page.locator("h3").filter(has_text="ours/quality").inner_text()
    choose(page, "metric", "noise_db")
    assert keys(page)[0] == "noise_db failed"
    pair = opened(page, 1)
    assert keys(page)[1].startswith("noise_db +")
    assert [text[0] for text in pair.locator("figcaption").all_inner_texts()] == ["1", "2", "3", "4"]
    assert re.search(r"noise_db\s+−\S+ → −\S+ \(\+", pair.inner_text())
    page.keyboard.press("4")
    until(page, "document.querySelectorAll('.pair[open] audio')[3].currentTime > 0.1")


@pytest.mark.parametrize("name", ["report", "comparison"])
def test_light_and_dark_differ_and_both_can_be_read(name, request, open_page):
    path, grounds = request.getfixturevalue(name), []
    for scheme in ("light", "dark"):
        page = open_page(path, color_scheme=scheme)
        opened(page, 1)
        grounds.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        rules = ["wcag2a", "wcag2aa"] if scheme == "light" else ["color-contrast"]
        found = [
            v
            for v in Axe().run(page, options={"runOnly": rules}).response["violations"]
            if v["impact"] in ("serious", "critical")
        ]
        assert not found, [(v["id"], [node["html"] for node in v["nodes"]]) for v in found]
    assert grounds[0] != grounds[1]


@pytest.mark.parametrize("name", ["report", "comparison"])
def test_nothing_is_wider_than_a_phone(name, request, open_page):
    page = open_page(request.getfixturevalue(name), viewport={"width": 390, "height": 800}, has_touch=True)
    opened(page, 1)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
