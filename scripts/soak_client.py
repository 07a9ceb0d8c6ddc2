"""A client of scripts.soak: asks one thing after the other, compares with the quiet server's answers, and notes what happened.

Run by scripts.soak, which may kill it at any time: each note is one line, written at once.
"""

import io
import json
import os
import random
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import soundfile as sf

from autovoice.client import Client, ServerError

TEXT = "Good morning. The train to the coast leaves at ten."
RATE, BLOCK_S = 16000, 0.02
CLIPS = {"short": (0.0, 1.0), "long": (1.0, 4.0)}  # seconds of the recording
SAME_SAMPLES_DB = -200.0
PASSING = ("away", "closed", "going", "busy", "loading")  # of a server that is full, or being restarted
AGAIN_S, PATIENCE_S = 0.5, 180.0


class Asking:
    """What a client may ask of the server at `address`; folder: of the recording, quiet answers and notes."""

    def __init__(self, address: str, voice: str, folder: Path) -> None:
        self.address, self.voice, self.folder = address, voice, folder
        self.token = ""  # the idempotency key of what is asked
        self.http = httpx.Client(base_url=address, timeout=PATIENCE_S)
        wav, rate = sf.read(folder / "recording", dtype="float32")
        assert rate == RATE, f"the recording must be at {RATE} Hz"
        self.clips = {name: wav[round(a * rate) : round(b * rate)] for name, (a, b) in CLIPS.items()}

    def answer(self, case: str) -> np.ndarray:
        """The samples that come back; raises httpx.TransportError and ServerError."""
        return CASES[case](self)

    def quiet(self, case: str) -> np.ndarray:
        """What the quiet server answered."""
        return np.load(self.folder / f"quiet_{case}.npy")

    def clone(self) -> str:
        """The id of a voice made of the recording."""
        files = {"files": ("x.wav", (self.folder / "recording").read_bytes())}
        return self.checked(
            self.http.post("/v1/voices", data={"name": "soak", "consent": "for trials"}, files=files)
        ).json()["id"]

    def convert(self, clip: str, preset: str, voice: str = "", wait: bool = True) -> httpx.Response:
        """In the common voice, asked again with the same key it is the same job."""
        fields = {"voice": voice or self.voice, "preset": preset, "wait": str(wait).lower()}
        files, key = {"file": (f"{clip}.wav", wav_of(self.clips[clip]))}, {} if voice else self._key()
        return self.checked(self.http.post("/v1/convert", data=fields, files=files, headers=key))

    def speak(self) -> np.ndarray:
        asked = {"text": TEXT, "voice": self.voice, "preset": "fast"}
        return samples(self.checked(self.http.post("/v1/speech", json=asked, headers=self._key())))

    def stream(self) -> np.ndarray:
        pcm, step = (self.clips["long"] * 32767).astype("<i2"), round(BLOCK_S * RATE)
        blocks = (pcm[i : i + step].tobytes() for i in range(0, len(pcm), step))
        heard = b"".join(Client(self.address).stream(blocks, self.voice, RATE))
        return np.frombuffer(heard, "<i2") / np.float32(32768)

    def with_new_voice(self) -> np.ndarray:
        """A voice cloned, used once, and deleted."""
        voice = self.clone()
        made = samples(self.convert("short", "fast", voice))
        self.checked(self.http.delete(f"/v1/voices/{voice}"))
        return made

    def ended(self, job: str, patience_s: float) -> dict[str, Any]:
        """The job once it has ended; as it is where that takes too long."""
        until = time.monotonic() + patience_s
        while True:
            answer = self.http.get(f"/v1/jobs/{job}")
            row = answer.json() if answer.status_code == 200 else {"status": f"answered {answer.status_code}"}
            if row["status"] not in ("queued", "running") or time.monotonic() > until:
                return row
            time.sleep(AGAIN_S)

    def difference_of_job(self, job: str, case: str) -> float:
        """dB of a job's result against the quiet answer to `case`."""
        return difference_db(self.quiet(case), samples(self.checked(self.http.get(f"/v1/jobs/{job}/result"))))

    def _key(self) -> dict[str, str]:
        return {"Idempotency-Key": self.token} if self.token else {}

    def checked(self, answer: httpx.Response) -> httpx.Response:
        """Raises ServerError for what is no success."""
        if answer.status_code >= 400:
            error = answer.json()["error"]
            raise ServerError(answer.status_code, error["code"], error["message"])
        return answer


CASES: dict[str, Callable[[Asking], np.ndarray]] = {
    "fast": lambda asking: samples(asking.convert("short", "fast")),
    "balanced": lambda asking: samples(asking.convert("long", "balanced")),
    "quality": lambda asking: samples(asking.convert("short", "quality")),
    "speech": Asking.speak,
    "stream": Asking.stream,
    "voice": Asking.with_new_voice,
}
JOBS = {"fast": ("short", "fast"), "balanced": ("long", "balanced")}  # asked without waiting, too


def wav_of(wav: np.ndarray) -> bytes:
    """16-bit WAV."""
    buffer = io.BytesIO()
    sf.write(buffer, wav, RATE, "PCM_16", format="WAV")
    return buffer.getvalue()


def samples(answer: httpx.Response) -> np.ndarray:
    """Of an audio file."""
    return sf.read(io.BytesIO(answer.content), dtype="float32")[0]


def difference_db(one: np.ndarray, other: np.ndarray) -> float:
    """The largest difference over the largest sample, in dB; 0 for other lengths, SAME_SAMPLES_DB for the same samples."""
    if len(one) != len(other):
        return 0.0
    return float(20 * np.log10(max(np.abs(one - other).max() / np.abs(one).max(), 10 ** (SAME_SAMPLES_DB / 20))))


def ask(asking: Asking, rng: random.Random, note: Callable[..., None]) -> None:
    """One case, again with the same key while the server is away or full."""
    case, asking.token = rng.choice(list(CASES)), uuid.uuid4().hex
    as_job = case in JOBS and rng.random() < 0.5
    until = time.monotonic() + PATIENCE_S
    while True:
        try:
            if as_job:
                note("accepted", case=case, job=asking.convert(*JOBS[case], wait=False).json()["id"])
            else:
                note("answer", case=case, db=difference_db(asking.quiet(case), asking.answer(case)))
            return
        except (httpx.TransportError, OSError, ServerError) as error:
            code = error.code if isinstance(error, ServerError) else "away"
            passing = code in ("away", "closed", "going", "busy", "loading", "refused") or "cannot be reached" in str(
                error
            )
            if not passing or time.monotonic() > until:
                return note("fault", case=case, why=f"{type(error).__name__}: {error}")
            note("again", case=case, why=code)
            time.sleep(AGAIN_S)


def main() -> None:
    """Until it is killed."""
    address, voice, folder, number = sys.argv[1:]
    with (Path(folder) / f"notes_{number}").open("a") as notes:

        def note(what: str, **facts: Any) -> None:
            notes.write(json.dumps({"what": what, **facts}) + "\n")
            notes.flush()

        asking, rng = Asking(address, voice, Path(folder)), random.Random(os.getpid())
        while True:
            ask(asking, rng, note)


if __name__ == "__main__":
    main()
