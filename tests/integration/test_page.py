"""The page of autovoice serve as a person meets it: a real browser, a real server, the real model."""

import io
import re
import zipfile
from pathlib import Path

import pytest
import soundfile as sf
from axe_playwright_python.sync_playwright import Axe
from browser import LOCAL
from playwright.sync_api import expect
from serving import builtin_voice, started, wav_bytes

from autovoice.cli import main

TABS = ("Speech", "Song", "Text", "Live", "Batch", "Voices", "History")
COLOURS = """Array.from(document.querySelectorAll('article.result canvas')).map(
  c => new Set(c.getContext('2d').getImageData(0, 0, c.width, c.height).data).size)"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    made = tmp_path_factory.mktemp("page")
    builtin_voice(made)
    (made / "talk.wav").write_bytes(wav_bytes(2.0))
    (made / "june.wav").write_bytes(wav_bytes(5.0, reader="june"))
    (made / "notes.txt").write_text("no audio")
    return made


@pytest.fixture(scope="module")
def address(folder, browser):
    process, address = started(folder)
    yield address
    process.terminate()
    process.wait(60)


@pytest.fixture(autouse=True)
def no_foreign_address(watch):
    """The page may ask its own server, and nobody else."""
    watch.allowed = (*LOCAL, "http://127.0.0.1:")


@pytest.fixture
def page(open_page, address):
    opened = open_page(f"{address}/")
    opened.get_by_role("tab", name="Speech").wait_for()
    return opened


def shown(page):
    """The panel of the tab that is open."""
    return page.locator("[role=tabpanel]:visible")


def choose(page, name: str) -> None:
    page.get_by_role("tab", name=name).click()


def test_clone_convert_listen_rate_and_delete(page, folder):
    shown(page).get_by_role("button", name="Clone a voice").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("June")
    dialog.locator("input[type=file]").set_input_files(folder / "june.wav")
    submit = dialog.get_by_role("button", name="Clone this voice")
    submit.click()
    dialog.get_by_text("without consent no voice is made").wait_for()
    dialog.get_by_label("Consent").fill("She read them for this project.")
    submit.click()
    dialog.wait_for(state="detached")
    assert shown(page).get_by_role("radio", name="June").is_checked()
    shown(page).locator("input[type=file]").set_input_files(folder / "talk.wav")
    shown(page).get_by_role("button", name="Convert", exact=True).click()
    card = page.locator("article.result")
    card.wait_for()
    card.get_by_role("button", name="Play Converted").click()
    card.get_by_role("button", name="Pause Converted").wait_for()
    with page.expect_download() as download:
        card.get_by_role("button", name="Download").click()
    assert sf.info(download.value.path()).duration == 2.0
    assert download.value.suggested_filename == "talk_June.wav"
    card.get_by_text("Spectrogram and pitch").click()
    card.locator("canvas").nth(1).wait_for()
    drawn = page.evaluate(COLOURS)
    assert min(drawn) > 2, "a picture is blank"
    card.get_by_text("Rate this result").click()
    card.get_by_role("radio", name="4 stars").check(force=True)
    card.get_by_role("button", name="Send the rating").click()
    card.get_by_text("Thank you").wait_for()
    choose(page, "History")
    shown(page).get_by_text("talk.wav").first.wait_for()
    choose(page, "Voices")
    shown(page).get_by_role("button", name="Delete June").click()
    shown(page).get_by_role("button", name="Delete for good").click()
    shown(page).get_by_role("heading", name="June").wait_for(state="detached")


def test_a_text_is_spoken_and_a_batch_comes_as_one_zip(page, folder, watch):
    choose(page, "Text")
    shown(page).get_by_label("Text").fill("Good morning.")
    shown(page).get_by_role("button", name="Speak").click()
    shown(page).get_by_role("button", name="Play Spoken").wait_for()
    choose(page, "Batch")
    shown(page).locator("input[type=file]").set_input_files(
        [folder / "talk.wav", folder / "notes.txt", folder / "june.wav"]
    )
    shown(page).get_by_role("button", name="Convert all").click()
    shown(page).get_by_text("is not audio that can be read").wait_for()
    with page.expect_download() as download:
        shown(page).get_by_role("button", name="Download all as zip").click()
    with zipfile.ZipFile(download.value.path()) as archive:
        assert archive.testzip() is None
        lengths = [sf.info(io.BytesIO(archive.read(name))).duration for name in archive.namelist()]
    assert sorted(lengths) == [2.0, 5.0]
    watch.errors.clear()  # the browser's own words for the answer that was asked for


def test_live_mode_gives_the_microphone_back_in_the_voice(open_page, address):
    page = open_page(f"{address}/", permissions=["microphone"])
    choose(page, "Live")
    shown(page).get_by_role("button", name="Start").click()
    expect(shown(page).locator("output.big")).to_have_text(re.compile("^[0-9]+ ms$"), timeout=60_000)
    measured_ms = int(shown(page).locator("output.big").inner_text().split()[0])
    assert 74 < measured_ms < 5000  # what the algorithm needs, and what a busy machine may add
    shown(page).get_by_role("button", name="Stop").click()
    shown(page).get_by_text("Stopped").wait_for()


def test_what_is_wrong_is_said_beside_it(page, folder, watch):
    convert = shown(page).get_by_role("button", name="Convert", exact=True)
    convert.click()
    shown(page).get_by_text("Add a recording first").wait_for()
    shown(page).locator("input[type=file]").set_input_files(folder / "notes.txt")
    convert.click()
    shown(page).get_by_text("notes.txt: is not audio that can be read").wait_for()
    page.route("**/v1/convert", lambda route: route.abort())
    shown(page).locator("input[type=file]").set_input_files(folder / "talk.wav")
    convert.click()
    shown(page).get_by_text("The server does not answer").wait_for()
    watch.errors.clear()  # the browser's own words for the answers that were asked for here


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_tab_can_be_used_by_everyone(open_page, address, scheme):
    page = open_page(f"{address}/", color_scheme=scheme)
    for name in TABS:
        choose(page, name)
        shown(page).wait_for()
        found = [v for v in Axe().run(page).response["violations"] if v["impact"] in ("serious", "critical")]
        assert not found, [(v["id"], [node["html"] for node in v["nodes"]]) for v in found]


def test_nothing_is_wider_than_a_phone(open_page, address):
    page = open_page(f"{address}/", viewport={"width": 360, "height": 740})
    for name in TABS:
        choose(page, name)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, name


def test_the_keyboard_is_enough(page, folder):
    page.get_by_role("tab", name="Speech").focus()
    page.keyboard.press("ArrowRight")
    assert page.get_by_role("tab", name="Song").get_attribute("aria-selected") == "true"
    page.keyboard.press("ArrowLeft")
    shown(page).locator("input[type=file]").set_input_files(folder / "talk.wav")  # the dialog is the system's own
    shown(page).get_by_role("button", name="Convert", exact=True).focus()
    page.keyboard.press("Enter")
    page.locator("article.result").wait_for()
    page.get_by_role("button", name="Play Converted").focus()
    page.keyboard.press("Space")
    page.get_by_role("button", name="Pause Converted").wait_for()


def test_a_server_with_keys_asks_for_one(open_page, folder, tmp_path, capsys, watch):
    (tmp_path / "voices").symlink_to(folder / "voices")
    assert main(["keys", "add", "me", "--data", str(tmp_path / "data")]) == 0
    key = capsys.readouterr().out.strip()
    process, address = started(tmp_path, "serve.require_key=true")
    try:
        page = open_page(f"{address}/")
        page.get_by_label("API key").fill(key)
        page.get_by_role("button", name="Use this key").click()
        page.get_by_role("radio", name="carlo").wait_for()
        watch.errors.clear()  # the browser's own words for 401
    finally:
        process.terminate()
        process.wait(60)
