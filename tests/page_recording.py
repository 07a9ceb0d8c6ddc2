"""Records the page at work for the documentation, docs/recordings/page.webp: PYTHONPATH=. python tests/page_recording.py

The real server, model and browser; what is heard cannot be shown, so the players' lines move in silence.
"""

import io
import shutil
import signal
import tempfile
import time
from pathlib import Path
from typing import Any

import soundfile as sf
from audio_files import RATE, speech
from browser import QUIET, chromium
from PIL import Image
from playwright.sync_api import sync_playwright

from scripts.frames import Recording
from scripts.make_examples import SOURCES, recording
from scripts.own_server import started

OUT = Path(__file__).resolve().parents[1] / "docs" / "recordings" / "page.webp"
SIZE = {"width": 1000, "height": 700}
VOICE, VOICE_S = "june", 20.0
STEPS, STEP_S, PLAYED_S, WAIT_S = 6, 0.04, 3.0, 120.0
CURSOR = """addEventListener("DOMContentLoaded", () => {
  const dot = document.createElement("div");
  Object.assign(dot.style, {position: "fixed", width: "18px", height: "18px", margin: "-9px", borderRadius: "50%",
    background: "#f59e0bb0", border: "2px solid #7c2d12", pointerEvents: "none", zIndex: 9999, left: "-99px"});
  addEventListener("mousemove", event => {
    (document.querySelector("dialog[open]") ?? document.body).append(dot);
    dot.style.left = event.clientX + "px";
    dot.style.top = event.clientY + "px";
  });
})"""  # no screenshot shows the pointer


class Film:
    """A page, what a visitor does on it, and what can be seen meanwhile."""

    def __init__(self, page: Any) -> None:
        self.page, self.recording, self.at = page, Recording(), (500.0, 350.0)

    def see(self, seconds: float) -> None:
        """Looks on for so long, at least once."""
        begun = now = time.monotonic()
        while True:
            picture = Image.open(io.BytesIO(self.page.screenshot()))
            before, now = now, time.monotonic()
            self.recording.see(picture, now - before)
            if now - begun >= seconds:
                return

    def press(self, what: Any) -> None:
        """Goes to something and clicks it."""
        what.scroll_into_view_if_needed()
        box = what.bounding_box()
        goal = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        for step in range(1, STEPS + 1):
            x, y = (a + (b - a) * step / STEPS for a, b in zip(self.at, goal, strict=True))
            self.page.mouse.move(x, y)
            self.see(STEP_S)
        self.at = goal
        self.page.mouse.click(*goal)
        self.see(0.4)

    def write(self, where: Any, text: str) -> None:
        """Clicks a field and types."""
        self.press(where)
        for start in range(0, len(text), 4):
            self.page.keyboard.type(text[start : start + 4])
            self.see(STEP_S)

    def wait(self, what: Any) -> None:
        """Looks on until something is there."""
        end = time.monotonic() + WAIT_S
        while not what.is_visible():
            assert time.monotonic() < end, f"{what} did not come"
            self.see(STEP_S)
        self.see(0.8)


def clone(film: Film, folder: Path) -> None:
    """A voice from a recording, with consent."""
    page = film.page
    film.press(page.locator("#tab-voices"))
    film.press(page.get_by_role("button", name="Clone a voice"))
    form = page.get_by_role("dialog")
    film.write(form.get_by_label("Name"), "June")
    form.locator("input[type=file]").set_input_files(str(folder / "june.wav"))
    film.see(0.8)
    film.write(form.get_by_label("Consent"), "by the licence of the recordings")
    film.press(form.get_by_role("button", name="Clone this voice"))
    film.wait(page.locator("article", has=page.get_by_role("heading", name="June")))


def convert(film: Film, folder: Path) -> None:
    """A recording in that voice, heard, looked at and measured."""
    page = film.page
    film.press(page.locator("#tab-speech"))
    page.locator("#panel-speech input[type=file]").set_input_files(str(folder / "talk.flac"))
    film.see(0.8)
    film.press(page.locator("label.voice", has_text="June"))
    film.press(page.get_by_role("button", name="Convert", exact=True))
    result = page.locator("#panel-speech .result")
    film.wait(result)
    film.press(page.get_by_role("button", name="Play Converted"))
    film.see(PLAYED_S)
    film.press(page.get_by_role("button", name="Pause Converted"))
    film.press(result.get_by_text("Spectrogram and pitch"))
    film.wait(page.locator(".spectrum").nth(1))
    film.press(result.get_by_role("button", name="Measure the quality"))
    measured = result.locator(".quality dl")
    film.wait(measured)
    measured.evaluate("bars => bars.scrollIntoView({block: 'center'})")
    film.see(2.0)


def film_at(address: str, folder: Path) -> Recording:
    """What happens there; folder: of the recordings that are given to the page."""
    with sync_playwright() as play:
        chrome = play.chromium.launch(executable_path=chromium(), args=list(QUIET))
        page = chrome.new_page(viewport=SIZE, color_scheme="light")
        page.add_init_script(CURSOR)
        page.goto(address)
        film = Film(page)
        film.see(1.0)
        clone(film, folder)
        convert(film, folder)
        chrome.close()
    return film.recording


def main() -> None:
    """A server of its own, and the film of it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sf.write(folder / "june.wav", speech(VOICE, VOICE_S), RATE)
        shutil.copy(recording(SOURCES[0]), folder / "talk.flac")
        server, address = started(folder)
        try:
            film_at(address, folder).save(OUT, lossless=False)
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(60)


if __name__ == "__main__":
    main()
