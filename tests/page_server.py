"""A running `autovoice serve` for tests of its page: the real command and model, short recordings, a key."""

import shutil
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
import soundfile as sf
from audio_files import RATE, speech
from browser import LOCAL, QUIET, Watch, chromium

from autovoice.client import Client
from autovoice.serving.database import open_database
from autovoice.serving.keys import Keys
from scripts.own_server import started

CLIP_S = 2.0
VOICE_S = 5.0  # of a reader, to clone
LIMIT_S = 20  # of an upload
BUILTIN = "june"
OPTIONS = (f"serve.upload_s={LIMIT_S}", "serve.require_key=true", "serve.requests_per_minute=6000")


@dataclass
class Served:
    """address: of the page; key: with every scope; folder: clip.wav, other.wav and voice.wav lie there."""

    address: str
    key: str
    folder: Path

    def ask(self, path: str) -> bytes:
        """What the server answers to GET."""
        request = Request(self.address + path, headers={"Authorization": f"Bearer {self.key}"})
        with urlopen(request) as answer:
            return answer.read()


@pytest.fixture(scope="module", name="server")
def running_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One server with one built-in voice, which must end well."""
    folder = tmp_path_factory.mktemp("page")
    for name, speaker, seconds in (
        ("clip", "carlo", CLIP_S),
        ("other", "nikolay", CLIP_S),
        ("voice", BUILTIN, VOICE_S),
    ):
        sf.write(folder / f"{name}.wav", speech(speaker, seconds), RATE, subtype="PCM_16")
    key = Keys(open_database("", folder / "data")).add("page", ["convert", "voices", "admin"])
    process, address = started(folder, *OPTIONS)
    served = Served(address, key, folder)
    try:
        build_in(served)
        yield served
    finally:
        process.send_signal(signal.SIGINT)
        code = process.wait(60)
    assert code == 0, f"the server ended with {code}: {(folder / 'log').read_text()[-2000:]}"


def build_in(served: Served) -> None:
    """Clones a voice into the folder of those that come with the server, and converts clip.wav, for the history."""
    client = Client(served.address, served.key)
    voice = client.clone(BUILTIN, [served.folder / "voice.wav"], "Recorded for everybody.")["id"]
    shutil.copytree(served.folder / "data" / "voices" / voice, served.folder / "voices" / BUILTIN)
    client.delete_voice(voice)
    client.convert(served.folder / "clip.wav", BUILTIN)


@pytest.fixture(scope="module", name="browser")
def browser_with_microphone(server: Served) -> Iterator[Any]:
    """As `browser` elsewhere, with a microphone that hears a recording over and over."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install -e .[dev]")
    if chromium() is None:
        pytest.skip("needs a browser on PATH: apt-get install chromium")
    heard = f"--use-file-for-fake-audio-capture={server.folder / 'voice.wav'}"
    microphone = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", heard)
    with sync_api.sync_playwright() as play:
        chrome = play.chromium.launch(executable_path=chromium(), args=[*QUIET, *microphone])
        yield chrome
        chrome.close()


@pytest.fixture(name="visit")
def visitor(server: Served, open_page: Callable[..., Any], watch: Watch) -> Callable[..., Any]:
    """visit(tab, **options of the browser's context) -> the page at that tab, with the key."""
    watch.allowed = (*LOCAL, server.address)

    def opened(tab: str = "speech", **options: Any) -> Any:
        page = open_page(server.address, **options)
        enter_key(page, server.key)
        page.locator(f"#tab-{tab}").click()
        return page

    def enter_key(page: Any, key: str) -> None:
        page.get_by_label("API key").fill(key)
        page.keyboard.press("Enter")
        page.locator("#panel-speech").wait_for()
        refused = [text for text in watch.errors if "status of 401" in text]
        assert refused, "the server let a page in that had no key"
        watch.errors[:] = [text for text in watch.errors if text not in refused]

    return opened
