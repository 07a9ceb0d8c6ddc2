"""A headless Chromium for tests of pages: what they load and what goes wrong in them is watched.

Skipped where no Chromium is on PATH: `apt-get install chromium`.
"""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
LOCAL = ("file:", "data:", "blob:")


def chromium() -> str | None:
    """Path of the browser, None where there is none."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@dataclass
class Watch:
    """What pages asked for beyond `allowed` (beginnings of addresses), and what they complained about."""

    allowed: tuple[str, ...] = LOCAL
    foreign: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def follow(self, page: Any) -> None:
        page.on("request", lambda r: None if r.url.startswith(self.allowed) else self.foreign.append(r.url))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda m: self.errors.append(m.text) if m.type in ("error", "warning") else None)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """playwright's Browser. Of a module, not of the session: while it runs, asyncio.run in other tests would fail."""
    pytest.importorskip("playwright", reason="needs playwright: pip install -e .[dev]")
    path = chromium()
    if path is None:
        pytest.skip(f"needs a browser on PATH: {', '.join(NAMES)}")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        chrome = play.chromium.launch(executable_path=path, args=list(QUIET))
        yield chrome
        chrome.close()


@pytest.fixture
def watch() -> Iterator[Watch]:
    """Fails a test whose pages fetched anything from elsewhere or logged an error or a warning."""
    watch = Watch()
    yield watch
    assert (watch.foreign, watch.errors) == ([], [])


@pytest.fixture
def open_page(browser: Any, watch: Watch) -> Iterator[Callable[..., Any]]:
    """open_page(path or address, **options of the browser's context) -> playwright's Page, loaded and watched."""
    contexts = []

    def opened(where: Path | str, **options: Any) -> Any:
        context = browser.new_context(**({"viewport": {"width": 1280, "height": 800}} | options))
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)  # met at once; only a busy machine comes near
        watch.follow(page)
        page.goto(where.as_uri() if isinstance(where, Path) else where)
        return page

    yield opened
    for context in contexts:
        context.close()
