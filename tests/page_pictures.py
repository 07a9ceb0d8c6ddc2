"""Takes the pictures of docs/page.md from a running server: python tests/page_pictures.py http://127.0.0.1:8000 CLIP.wav"""

import io
import sys
from pathlib import Path
from typing import Any

from browser import QUIET, chromium
from PIL import Image
from playwright.sync_api import sync_playwright

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "pictures"
DESKTOP, PHONE = {"width": 1200, "height": 830}, {"width": 390, "height": 844}
COLOURS = 96  # of a picture, which keeps it small


def keep(page: Any, name: str) -> None:
    """Writes what can be seen now to docs/pictures/page-NAME.png."""
    page.wait_for_timeout(300)
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    picture.quantize(COLOURS, dither=Image.Dither.NONE).save(FOLDER / f"page-{name}.png", optimize=True)


def convert(page: Any, clip: str) -> None:
    """A recording into the first voice, with spectrograms."""
    page.locator("#panel-speech input[type=file]").set_input_files(clip)
    page.get_by_role("button", name="Convert", exact=True).click()
    page.get_by_text("Spectrogram and pitch").click()
    page.locator(".spectrum").nth(1).wait_for()


def main(address: str, clip: str) -> None:
    """All three."""
    with sync_playwright() as play:
        chrome = play.chromium.launch(executable_path=chromium(), args=list(QUIET))

        def at(tab: str, scheme: Any, size: Any) -> Any:
            page = chrome.new_page(viewport=size, color_scheme=scheme)
            page.goto(f"{address}#{tab}")
            page.locator(f"#panel-{tab}").wait_for()
            return page

        page = at("speech", "light", DESKTOP)
        convert(page, clip)
        keep(page, "speech")
        page = at("speech", "dark", PHONE)
        convert(page, clip)
        page.locator(".result").evaluate("card => card.scrollIntoView()")
        keep(page, "phone")
        page = at("voices", "light", DESKTOP | {"height": 560})
        keep(page, "voices")
        chrome.close()


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    main(*sys.argv[1:3])
