"""A server of the real model in a folder of a test's own, and what tests send to it."""

import io
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import soundfile as sf
from audio_files import RATE, speech
from fastapi.testclient import TestClient

from autovoice.cli import main
from autovoice.config import Config, compose
from autovoice.serving.app import create_app, listener, open_socket
from autovoice.serving.engine import Engine
from autovoice.serving.server import Server
from scripts.own_server import until


def wav_bytes(seconds: float = 1.0, start_s: float = 0.0, reader: str = "allison", form: str = "WAV") -> bytes:
    """A reader's speech as a file."""
    return file_bytes(speech(reader, seconds, start_s), form)


def file_bytes(wav: np.ndarray, form: str = "WAV", rate: int = RATE, subtype: str | None = None) -> bytes:
    buffer = io.BytesIO()
    sf.write(buffer, wav, rate, subtype, format=form)
    return buffer.getvalue()


def heard(content: bytes) -> tuple[np.ndarray, int]:
    """A result's samples and their rate."""
    return sf.read(io.BytesIO(content))


def builtin_voice(folder: Path) -> Path:
    """The folder `voices` with the voice carlo."""
    (folder / "carlo.wav").write_bytes(wav_bytes(5.0, reader="carlo"))
    voices = folder / "voices"
    command = ["clone", "carlo", str(folder / "carlo.wav"), "--voices", str(voices), "--consent", "by its licence"]
    assert main(command) == 0
    return voices


def configured(folder: Path, voices: Path, *overrides: str) -> Config:
    """A server's: it keeps all in `folder`, measures nothing, and lets ask as often as one likes."""
    own = (f"serve.data={folder}", f"serve.voices={voices}")
    return compose(["serve.quality_sample=0", "serve.requests_per_minute=100000", *own, *overrides])


@contextmanager
def running(folder: Path, voices: Path, *overrides: str, engine: Engine | None = None) -> Iterator[TestClient]:
    """A client of a server whose models are loaded."""
    server = Server(configured(folder, voices, *overrides), engine)
    with TestClient(create_app(server), base_url="http://127.0.0.1", client=("127.0.0.1", 5)) as client:
        until(lambda: client.get("/readyz").status_code == 200)
        client.server = server  # type: ignore[attr-defined]
        yield client


@contextmanager
def listening(server: Server) -> Iterator[tuple[str, Callable[[], None]]]:
    """(address, what tells it to end) of a server that answers at a port of its own, in this process."""
    answering = listener(server)
    socket = open_socket("127.0.0.1", 0)
    address = f"http://127.0.0.1:{socket.getsockname()[1]}"
    thread = threading.Thread(target=answering.run, args=([socket],))
    thread.start()
    try:
        until(lambda: server.engine.ready and answering.started)
        yield address, lambda: answering.handle_exit(signal.SIGTERM, None)
    finally:
        answering.handle_exit(signal.SIGTERM, None)
        thread.join(60)
    assert not thread.is_alive()


def ended(client: TestClient, job: dict[str, Any]) -> dict[str, Any]:
    """The job, once it has ended."""

    def look() -> dict[str, Any] | None:
        row = client.get(f"/v1/jobs/{job['id']}").json()
        return row if row["status"] in ("done", "failed", "cancelled") else None

    return until(look)
