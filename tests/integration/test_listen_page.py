"""The listening test's page in a real browser, against the real command: rated by keyboard alone, stopped, continued."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from browser import LOCAL
from listening_folder import SYSTEMS, write_evaluation

from autovoice.evaluation.listening_results import read_ratings

ANSWERED_MS = 60_000  # a clip is half a second; the machine may be busy


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_evaluation(tmp_path_factory.mktemp("evaluation"), 0.5)


@pytest.fixture
def served(folder, tmp_path, watch):
    """served(*options) -> the address of a running `autovoice listen`, which must end well when it is interrupted."""
    running = []

    def start(*options, folder=folder):
        program = Path(sys.executable).with_name("autovoice")
        argv = [
            program,
            "listen",
            folder,
            "--port",
            "0",
            "--no-browser",
            "--json",
            "--results",
            tmp_path / "r.csv",
            *options,
        ]
        running.append(subprocess.Popen(list(map(str, argv)), stdout=subprocess.PIPE, text=True))
        address = json.loads(running[-1].stdout.readline())["address"]
        watch.allowed = (*LOCAL, address)
        return address

    yield start
    for process in running:
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0


def begin(page, name="ada"):
    page.get_by_label("Your name").fill(name)
    page.keyboard.press("Enter")
    page.locator(".play:enabled").first.wait_for()


def hear(page):
    """Space, until everything was heard to its end."""
    page.locator(".play:disabled").wait_for(state="detached")
    page.keyboard.press("Space")
    page.locator("fieldset:enabled").wait_for(timeout=ANSWERED_MS)


def answer(page, key):
    """Rates and goes on; waits until the answer is kept."""
    done = page.locator("#progress span").inner_text()
    page.keyboard.press(key)
    page.locator(".next:enabled").wait_for()
    page.keyboard.press("Enter")
    page.wait_for_function("done => document.querySelector('#progress span').textContent !== done", arg=done)


def test_a_whole_session_by_keyboard_is_in_the_table(served, open_page, tmp_path):
    page = open_page(served("--n", "4"))
    begin(page)
    keys = "35142351"
    for i, key in enumerate(keys):
        assert page.locator("#progress span").inner_text() == f"{i} of 8"
        hear(page)
        answer(page, key)
    assert "All done" in page.get_by_role("heading", level=2).inner_text()
    kept = read_ratings(tmp_path / "r.csv")
    assert "".join(r.answer for r in kept) == keys
    assert {(r.listener, r.kind, r.question) for r in kept} == {("ada", "mos", "naturalness")}
    assert sorted(r.role for r in kept) == ["high"] * 2 + ["low"] * 2 + ["test"] * 4
    assert all(0.4 < r.listened_s < 1.0 for r in kept)


def test_a_comparison_is_stopped_and_continued_where_it_was(served, open_page, tmp_path):
    address = served("--kind", "abx", "--n", "2")
    page = open_page(address)
    begin(page)
    hear(page)
    answer(page, "2")
    page.close()
    page = open_page(address)
    begin(page)
    assert page.locator("#progress span").inner_text() == "1 of 4"
    for key in "112":
        hear(page)
        answer(page, key)
    kept = read_ratings(tmp_path / "r.csv")
    assert [r.answer for r in kept] == ["b", "a", "a", "b"]
    assert {frozenset((r.system_a, r.system_b)) for r in kept if r.role == "test"} == {frozenset(SYSTEMS)}


def test_nothing_can_be_rated_before_it_was_heard_and_nothing_goes_on_unrated(served, open_page, tmp_path):
    page = open_page(served("--ask", "similarity", "--n", "1"))
    begin(page)
    page.locator(".play:disabled").wait_for(state="detached")
    page.keyboard.press("3")
    page.keyboard.press("Enter")
    assert page.locator(":checked").count() == 0
    page.keyboard.press("r")
    page.locator(".play", has_text="heard").wait_for(timeout=ANSWERED_MS)
    assert page.locator("fieldset:enabled").count() == 0  # the reference alone is not enough
    page.keyboard.press("c")
    page.locator("fieldset:enabled").wait_for(timeout=ANSWERED_MS)
    page.keyboard.press("Enter")
    assert page.locator("#progress span").inner_text() == "0 of 5"
    assert read_ratings(tmp_path / "r.csv") == []
    page.keyboard.press("4")
    page.keyboard.press("2")  # a change of mind before Enter
    answer(page, "2")
    assert [r.answer for r in read_ratings(tmp_path / "r.csv")] == ["2"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("kind", ["mos", "abx"])
def test_the_page_is_accessible_in_light_and_dark(kind, scheme, served, open_page):
    page = open_page(served("--kind", kind), color_scheme=scheme)
    page.get_by_label("Your name").wait_for()
    assert page.locator("#progress").is_hidden()
    names = [violation["id"] for violation in Axe().run(page).response["violations"]]
    begin(page)
    hear(page)
    names += [violation["id"] for violation in Axe().run(page).response["violations"]]
    assert names == []


def test_it_fits_a_phone(served, open_page):
    page = open_page(served("--kind", "mos"), viewport={"width": 360, "height": 740})
    begin(page)
    assert page.evaluate("document.documentElement.scrollWidth") == 360


def test_the_page_speaks_to_screen_readers(served, open_page):
    page = open_page(served("--n", "4"))
    begin(page)
    assert "Trial 1 of 8" in page.get_by_role("status").inner_text()
    assert page.evaluate("document.activeElement.tagName") == "H2"
    hear(page)
    assert "Your answer" in page.get_by_role("status").inner_text()
    assert [
        r.get_attribute("value") for r in page.get_by_role("group", name="Your answer").get_by_role("radio").all()
    ] == list("12345")


def test_an_answer_that_could_not_be_kept_is_said_and_sent_again(served, open_page, watch, tmp_path):
    page = open_page(served("--n", "4"))
    begin(page)
    hear(page)
    (tmp_path / "r.csv").write_text("another,table\n")
    page.keyboard.press("4")
    page.keyboard.press("Enter")
    assert "Not kept yet" in page.get_by_role("alert").inner_text()
    (tmp_path / "r.csv").write_text("")
    answer(page, "4")
    assert [r.answer for r in read_ratings(tmp_path / "r.csv")] == ["4"]
    assert ["status of 500" in text for text in watch.errors] == [True]
    watch.errors.clear()


def test_a_clip_that_cannot_be_read_is_skipped_and_not_rated(served, open_page, watch, tmp_path):
    folder = write_evaluation(tmp_path / "broken", 0.5)
    for path in folder.glob("*/*/*.wav"):
        path.write_text("this is not audio")
    page = open_page(served("--n", "1", folder=folder))
    page.get_by_label("Your name").fill("ada")
    page.keyboard.press("Enter")
    page.locator(".play").wait_for()
    skipped = 0
    while page.get_by_role("heading", level=2).inner_text() == "How natural does this speech sound?":
        page.locator(".play:enabled, .next:enabled").first.wait_for()
        if page.get_by_text("cannot be read").count():
            skipped += 1
            page.keyboard.press("Enter")
        else:
            hear(page)
            answer(page, "3")
    assert skipped >= 1
    assert f"{skipped} of 5 are left" in page.locator(".panel").inner_text()
    assert len(read_ratings(tmp_path / "r.csv")) == 5 - skipped
    assert all("status of 500" in text for text in watch.errors)
    watch.errors.clear()
