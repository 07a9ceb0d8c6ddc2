"""The page of `autovoice serve` in a real browser, against the real server and model."""

import io
import json
import re
import zipfile

import pytest
import soundfile as sf
from audio_files import RATE, speech
from axe_playwright_python.sync_playwright import Axe
from browser import LOCAL
from page_server import BUILTIN, CLIP_S, LIMIT_S, browser_with_microphone, running_server, visitor  # noqa: F401
from playwright.sync_api import expect

from autovoice.config import AudioConfig
from autovoice.serving.streaming import delay_ms

TABS = ("speech", "song", "text", "live", "batch", "voices", "history")
WAIT_MS = 30_000  # met at once; only a busy machine comes near


def convert(page, *files):
    """Gives files to the open tab and presses its button."""
    page.locator("[role=tabpanel]:visible input[type=file]").set_input_files([str(file) for file in files])
    page.locator("[role=tabpanel]:visible button.main").click()


def until(page, truth):
    """Waits for an expression; wait_for_function would need what the page's policy forbids."""
    for _ in range(WAIT_MS // 50):
        if page.evaluate(truth):
            return
        page.wait_for_timeout(50)
    raise AssertionError(truth)


def hear(page, label):
    """Plays a player to its end -> seconds heard."""
    page.get_by_role("button", name=f"Play {label}").click()
    until(page, "[...document.querySelectorAll('.player audio')].some(a => a.ended)")
    return page.evaluate("[...document.querySelectorAll('.player audio')].find(a => a.ended).currentTime")


def sound_of(server, job):
    """Of a job's result: seconds, and its largest sample."""
    wav, rate = sf.read(io.BytesIO(server.ask(f"/v1/jobs/{job}/result")))
    return len(wav) / rate, abs(wav).max()


def serious(page):
    """What axe finds of weight in the page as it is now; in dark the colours alone are looked at again."""
    found = Axe().run(page).response["violations"]
    page.emulate_media(color_scheme="dark")
    found += Axe().run(page, options={"runOnly": {"type": "rule", "values": ["color-contrast"]}}).response["violations"]
    page.emulate_media(color_scheme="light")
    return [(one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] in ("serious", "critical")]


def test_clone_convert_listen_rate_delete(server, visit):
    page = visit("voices")
    page.get_by_role("button", name="Clone a voice").click()
    form = page.get_by_role("dialog")
    form.get_by_label("Name").fill("Ada")
    form.locator("input[type=file]").set_input_files(str(server.folder / "voice.wav"))
    form.get_by_label("Consent").fill("I am Ada, and this is my voice.")
    form.get_by_role("button", name="Clone this voice").click()
    card = page.locator("article", has=page.get_by_role("heading", name="Ada"))
    assert "I am Ada, and this is my voice." in card.inner_text()

    page.locator("#tab-speech").click()
    page.locator("label.voice", has_text="Ada").click()
    convert(page, server.folder / "clip.wav")
    result = page.locator("#panel-speech .result")
    job = result.get_attribute("data-job")
    assert hear(page, "Converted") == pytest.approx(CLIP_S, abs=0.1)
    seconds, loudest = sound_of(server, job)
    assert seconds == pytest.approx(CLIP_S, abs=0.05)
    assert loudest > 0.05

    result.get_by_text("Rate this result").click()
    result.get_by_role("radio", name="4 stars").check()
    result.get_by_label("Comment").fill("clear, a little dark")
    result.get_by_role("button", name="Send the rating").click()
    page.get_by_text("Thank you").first.wait_for()
    (line,) = [row for row in server.ask("/v1/ratings.csv").decode().splitlines() if job in row]
    assert "4" in line.split(",")
    assert "clear, a little dark" in line

    page.locator("#tab-history").click()
    row = page.locator(f"#panel-history li[data-job='{job}']")
    row.get_by_role("button", name="Delete clip.wav").click()
    row.wait_for(state="detached")
    assert job not in server.ask("/v1/jobs").decode()
    page.locator("#tab-voices").click()
    card.get_by_role("button", name="Delete Ada").click()
    card.get_by_role("button", name="Delete for good").click()
    card.wait_for(state="detached")
    assert [voice["name"] for voice in json.loads(server.ask("/v1/voices"))["voices"]] == [BUILTIN]


def test_a_result_by_keyboard_alone_with_its_pitch(server, visit):
    page = visit()
    page.on("filechooser", lambda chooser: chooser.set_files(str(server.folder / "clip.wav")))
    page.get_by_role("button", name="Choose a file").focus()
    page.keyboard.press("Enter")
    page.locator(".clip svg.wave").wait_for()
    reached = []
    while page.evaluate("document.activeElement.textContent") != "Convert":
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.outerHTML"))
        assert len(reached) < 12, reached
    page.keyboard.press("Enter")
    page.locator(".result").wait_for()
    page.locator(".result summary", has_text="Spectrogram").focus()
    page.keyboard.press("Enter")
    page.locator(".spectrum").nth(1).wait_for()
    for line in page.locator(".spectrum path.f0").all():
        assert line.get_attribute("d").startswith("M")
    colours = "c => new Set(c.getContext('2d').getImageData(0, 0, c.width, c.height).data).size"
    assert all(canvas.evaluate(colours) > 50 for canvas in page.locator(".spectrum canvas").all())
    page.locator("#tab-speech").focus()
    page.keyboard.press("End")
    assert page.evaluate("document.activeElement.id") == "tab-history"
    page.get_by_role("button", name="Open clip.wav").first.press("Enter")
    page.locator("#panel-history .player").first.wait_for()


def test_the_microphone_is_recorded(visit):
    page = visit()
    page.get_by_role("button", name="Record", exact=True).click()
    page.get_by_role("button", name="Stop recording").wait_for()
    expect(page.locator("#panel-speech .record .time")).to_have_text("0:01")
    page.get_by_role("button", name="Stop recording").click()
    page.locator(".clip svg.wave").wait_for()
    assert page.locator(".clip").inner_text().startswith("recording 1.wav")
    assert "0:00" not in page.locator(".clip").inner_text()


def test_live_answers_and_says_how_late(visit):
    page = visit("live")
    page.get_by_role("button", name="Start", exact=True).click()
    panel = page.locator("#panel-live .live")
    expect(panel.locator(".big")).to_have_text(re.compile(r"^\d+ ms$"), timeout=WAIT_MS)
    expect(panel.locator("dd").nth(1)).to_have_text(re.compile("ms"), timeout=WAIT_MS)
    latency_ms = int(re.search(r"(\d+) ms", panel.inner_text())[1])
    assert latency_ms >= int(delay_ms(AudioConfig()))  # what the model and the watermark take by construction
    assert re.search(r"Gaps in playback\s+\d+", panel.inner_text())
    assert page.get_by_role("meter").evaluate("m => m.value") > 0
    page.get_by_role("button", name="Stop", exact=True).click()
    panel.get_by_text("Stopped").wait_for()
    assert page.locator("#panel-live .fault:visible").count() == 0


def test_many_files_come_back_as_one_zip(server, visit, watch):
    page = visit("batch")
    broken = server.folder / "broken.wav"
    broken.write_text("this is not audio")
    convert(page, server.folder / "clip.wav", server.folder / "other.wav", broken)
    page.get_by_role("button", name="Download all as zip").wait_for()
    assert page.locator("#panel-batch .place b").inner_text() == "2 of 3 done"
    assert "broken.wav" in page.locator(".batch .bad .quiet").inner_text()
    assert [text for text in watch.errors if "status of 422" not in text] == []
    watch.errors.clear()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download all as zip").click()
    with zipfile.ZipFile(download.value.path()) as packed:
        assert packed.testzip() is None
        assert packed.namelist() == ["clip.wav", "other.wav"]
        for name in packed.namelist():
            wav, rate = sf.read(io.BytesIO(packed.read(name)))
            assert len(wav) / rate == pytest.approx(CLIP_S, abs=0.05)


def test_text_is_spoken(server, visit):
    page = visit("text")
    page.get_by_role("button", name="Speak").click()
    assert page.get_by_role("alert").inner_text() == "Write something first."
    page.get_by_role("textbox", name="Text").fill("Good morning.")
    page.get_by_role("button", name="Speak").click()
    page.locator("#panel-text .player").wait_for()
    seconds, loudest = sound_of(server, page.locator("#panel-text .result").get_attribute("data-job"))
    assert 0.4 < seconds < 4
    assert loudest > 0.05
    assert hear(page, "Spoken") == pytest.approx(seconds, abs=0.1)


def test_what_goes_wrong_is_said_where_it_went_wrong(server, visit, watch):
    page = visit()
    page.get_by_role("button", name="Convert", exact=True).click()
    assert page.locator(".source").get_by_role("alert").inner_text() == "Add a recording first."
    broken, long = server.folder / "notes.wav", server.folder / "long.wav"
    broken.write_text("this is not audio")
    sf.write(long, speech("carlo", LIMIT_S + 2), RATE, subtype="PCM_16")
    for file, part in ((broken, "notes.wav"), (long, f"{LIMIT_S}")):
        convert(page, file)
        fault = page.locator(".place").get_by_role("alert").filter(has_text=part)
        fault.wait_for()
        assert fault.inner_text().endswith(".")
    page.get_by_role("button", name="Clone a voice").click()
    form = page.get_by_role("dialog")
    form.get_by_label("Name").fill("Ada")
    form.locator("input[type=file]").set_input_files(str(server.folder / "voice.wav"))
    form.get_by_role("button", name="Clone this voice").click()
    assert "without consent no voice is made" in form.get_by_role("alert").inner_text()
    assert page.evaluate("document.activeElement.tagName") == "TEXTAREA"
    page.keyboard.press("Escape")
    page.context.set_offline(True)
    convert(page, server.folder / "clip.wav")
    page.locator(".place").get_by_role("alert").filter(has_text="does not answer").wait_for()
    page.context.set_offline(False)
    page.get_by_role("button", name="Try again").click()
    page.locator("#panel-speech .result").wait_for()
    assert len(watch.errors) == 3
    assert all(re.search("status of 4|ERR_INTERNET", text) for text in watch.errors)
    watch.errors.clear()


def test_every_tab_is_accessible_in_light_and_dark(visit):
    page = visit(color_scheme="light")
    found = []
    for tab in TABS:
        page.locator(f"#tab-{tab}").click()
        page.locator(f"#panel-{tab}").wait_for()
        found += serious(page)
    page.locator("#tab-history").click()
    page.get_by_role("button", name="Open clip.wav").first.click()
    page.locator("#panel-history .result").wait_for()
    for summary in page.locator("#panel-history summary").all():
        summary.click()
    found += serious(page)
    page.locator("#tab-voices").click()
    page.get_by_role("button", name="Clone a voice").click()
    found += serious(page)
    assert found == []


def test_it_fits_a_phone(visit):
    page = visit(viewport={"width": 360, "height": 740})
    for tab in TABS:
        page.locator(f"#tab-{tab}").click()
        assert (tab, page.evaluate("document.documentElement.scrollWidth")) == (tab, 360)
    page.get_by_role("button", name="Open clip.wav").first.click()
    page.locator("#panel-history .result").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") == 360


def test_the_appearance_is_chosen_and_kept(visit):
    page = visit(color_scheme="light")
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    page.get_by_label("Appearance").select_option("dark")
    dark = page.evaluate(ground)
    assert light != dark
    page.reload()
    page.locator("#panel-speech").wait_for()
    assert page.evaluate(ground) == dark


def test_a_wrong_key_is_refused_and_asked_for_again(server, open_page, watch):
    watch.allowed = (*LOCAL, server.address)
    page = open_page(server.address)
    page.get_by_label("API key").fill("av_wrong")
    page.keyboard.press("Enter")
    page.get_by_role("alert").filter(has_text="does not know this key").wait_for()
    page.get_by_label("API key").fill(server.key)
    page.keyboard.press("Enter")
    page.locator("#panel-speech").wait_for()
    assert all("status of 401" in text for text in watch.errors)
    watch.errors.clear()
