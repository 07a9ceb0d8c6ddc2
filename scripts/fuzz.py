"""Sends a server what no client should send, and says what it could not bear: requests, uploads and WebSocket sessions.

python -m scripts.fuzz --voice carlo.wav                              # the full numbers, an hour or more
python -m scripts.fuzz --voice carlo.wav --examples 10 --uploads 200 --sessions 50

Must hold: no answer of 500 or more, no traceback in the log, nothing left in the folder of uploads, memory flat in the second
half, and a good request is answered as before. Prints JSON; exit code 1 where something does not hold.
"""

import argparse
import io
import json
import random
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import soundfile as sf
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.sync.client import connect

from scripts.own_server import started, until

FORMS = (
    ("WAV", "PCM_16"),
    ("WAV", "FLOAT"),
    ("FLAC", "PCM_16"),
    ("OGG", "VORBIS"),
    ("OGG", "OPUS"),
    ("MP3", "MPEG_LAYER_III"),
)
CLIP_S = 0.3
PARTS, FLAT = 10, 0.05  # memory is looked at after each tenth; in the second half it may grow by so much
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
OPTIONS = (
    "serve.requests_per_minute=10000000",
    "serve.audio_s_per_day=1e9",
    "serve.quality_sample=0",
    "serve.max_streams=2",
)
HELLO = {"rate": 16000, "voice": "fuzz", "format": "s16le"}
AWKWARD = (None, True, -1, 0, 1e308, "", "\0", "😀" * 40, [], {}, [[[]]], "auto", 2**63, "nan", "../../x")


def clips(path: Path) -> list[bytes]:
    """The beginning of a recording in every format."""
    with sf.SoundFile(path) as recording:
        wav, rate = recording.read(int(CLIP_S * recording.samplerate)), recording.samplerate
    made = []
    for form, subtype in FORMS:
        buffer = io.BytesIO()
        sf.write(buffer, wav, rate if subtype != "OPUS" else 16000, subtype, format=form)
        made.append(buffer.getvalue())
    return made


def corrupted(rng: random.Random, seeds: list[bytes]) -> bytes:
    """One of the files, damaged in up to four ways."""
    raw = bytearray(rng.choice(seeds))
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(raw) or 1)
        match rng.randrange(6):
            case 0:  # headers are where it hurts
                at = rng.randrange(min(len(raw), 64) or 1)
                raw[at : at + 1] = rng.randbytes(1)
            case 1:
                raw[at : at + 4] = rng.choice((b"\xff\xff\xff\xff", b"\0\0\0\0", b"\xff\xff\xff\x7f", b"\0\0\0\x80"))
            case 2:
                del raw[at:]
            case 3:
                del raw[at : at + rng.randint(1, 64)]
            case 4:
                other = rng.choice(seeds)
                raw[at:at] = other[: rng.randrange(len(other))]
            case 5:
                raw[at : at + 256] = rng.randbytes(256)
    return bytes(raw)


def upload_all(client: httpx.Client, voice: str, n: int, rng: random.Random, seeds: list[bytes]) -> Counter:
    """Damaged recordings to be converted -> how often which status; one in ten goes to be cloned."""
    statuses: Counter = Counter()
    for i in range(n):
        raw = corrupted(rng, seeds)
        if i % 10:
            fields = {"voice": voice, "preset": "fast"}
            answer = client.post("/v1/convert", data=fields, files={"file": ("x.wav", raw)})
        else:
            answer = client.post("/v1/voices", data={"name": "x", "consent": "x"}, files={"files": ("x.wav", raw)})
        statuses[told(answer)] += 1
    return statuses


def told(answer: httpx.Response) -> str:
    """The status, and "unexplained" where an error does not say in a sentence what is wrong."""
    if answer.status_code < 400:
        return str(answer.status_code)
    try:
        error = answer.json()["error"]
        explained = error["code"] and error["message"].endswith(".")
    except (ValueError, KeyError, TypeError):
        explained = False
    return str(answer.status_code) if explained else f"{answer.status_code} unexplained"


def session(rng: random.Random, address: str, voice: str) -> str:
    """One malformed WebSocket session -> how it ended: a code, or "left"."""
    try:
        with connect(f"ws{address.removeprefix('http')}/v1/stream", open_timeout=30, close_timeout=1) as ws:
            for message in messages(rng, voice):
                if isinstance(message, list):
                    ws.send(message)  # a message in fragments
                elif message == b"raw":
                    ws.socket.sendall(rng.randbytes(rng.randint(1, 300)))
                else:
                    ws.send(message)
            if rng.random() < 0.3:
                return "left"
            while True:
                ws.recv(timeout=20)
    except ConnectionClosed as closed:
        return str(closed.rcvd.code if closed.rcvd else "lost")
    except (WebSocketException, OSError) as error:
        return type(error).__name__


def messages(rng: random.Random, voice: str) -> Iterator[Any]:
    """What a session sends: a greeting, good or not, and blocks, good or not."""
    hello: dict[str, Any] = HELLO | {"voice": voice}
    if rng.random() < 0.6:
        hello[rng.choice([*HELLO, "pitch", "key", "preset", "more"])] = rng.choice(AWKWARD)
    greeting: Any = json.dumps(hello)
    match rng.randrange(8):
        case 0:
            greeting = rng.randbytes(rng.randrange(2000))
        case 1:
            greeting = greeting[: rng.randrange(len(greeting))]
        case 2:
            greeting = [greeting[:9], greeting[9:]]
        case 3:
            greeting = "[" * rng.randint(1, 300_000)
    yield greeting
    for number in range(rng.randrange(8)):
        pcm = rng.randbytes(2 * rng.randrange(400))
        yield (
            rng.choice((number, number, number, 0, 2**32 - 1)).to_bytes(4, "little")
            + pcm
            + b"\0" * (rng.random() < 0.1)
        )
    yield rng.choice(('{"type": "end"}', '{"type": "end"', "{}", "\0", b"", b"raw", bytes(500_000)))


def schema(address: str, examples: int, seed: int) -> dict[str, Any]:
    """schemathesis over the server's own description -> its exit code and the end of what it says."""
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"{address}/openapi.json", "--checks", CHECKS]
    command += ["--max-examples", str(examples), "--seed", str(seed), "--request-timeout", "60", "--no-color"]
    done = subprocess.run(command, capture_output=True, text=True)
    return {
        "code": done.returncode,
        "said": (done.stdout + done.stderr)[-(6000 if done.returncode else 700) :].splitlines(),
    }


def trial(args: argparse.Namespace, folder: Path, pid: int, address: str) -> dict[str, Any]:
    """All three -> what was answered how often, and what was wrong."""
    client, rng = httpx.Client(base_url=address, timeout=120), random.Random(args.seed)
    with args.voice.open("rb") as recording:
        fields = {"name": "fuzz", "consent": "for trials"}
        voice = client.post("/v1/voices", data=fields, files={"files": ("x.wav", recording)}).json()["id"]
    seeds, memory = clips(args.voice), psutil.Process(pid).memory_info
    upload_all(client, voice, 50, random.Random(1), seeds)  # buffers are allocated once
    uploads, sessions, memory_mb = Counter[str](), Counter[str](), []
    for part in range(PARTS):
        n_uploads, n_sessions = (
            n * (part + 1) // PARTS for n in (args.uploads, args.sessions)
        )  # by the end of this part
        uploads += upload_all(client, voice, n_uploads - uploads.total(), rng, seeds)
        sessions.update(session(rng, address, voice) for _ in range(n_sessions - sessions.total()))
        memory_mb.append(round(memory().rss / 1e6))
    found: dict[str, Any] = {"uploads": uploads, "sessions": sessions, "memory_mb": memory_mb}
    found["schema"] = schema(address, args.examples, args.seed) if args.examples else None
    return found | {"wrong": wrong(found, client, folder, voice, seeds[0])}


def main() -> int:
    """Runs all three against a server of its own."""
    args = _arguments()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        process, address = started(folder, *OPTIONS)
        try:
            found = trial(args, folder, process.pid, address)
        finally:
            process.terminate()
            process.wait(60)
    print(json.dumps(found, indent=2))
    return 1 if found["wrong"] else 0


def wrong(found: dict[str, Any], client: httpx.Client, folder: Path, voice: str, good: bytes) -> list[str]:
    """What does not hold, in sentences."""
    checks: list[tuple[bool, str]] = [
        (not any(status[0] == "5" or "unexplained" in status for status in found["uploads"]), "an upload was a fault"),
        (not found["sessions"].keys() & {"1011", "TimeoutError"}, "a session was a fault, or was left open"),
        (not (found["schema"] or {}).get("code"), "schemathesis found something"),
        (
            "Traceback" not in (folder / "log").read_text() and '"fault"' not in (folder / "log").read_text(),
            "the log has a fault",
        ),
        (not list((folder / "data" / "incoming").iterdir()), "uploads lie about"),
        (found["memory_mb"][-1] < (1 + FLAT) * found["memory_mb"][PARTS // 2 - 1], "memory grows"),
        (_answers(client, voice, good), "a good request is not answered any more"),
        (_streams_end(client), "a stream's place is still taken"),
    ]
    return [what for holds, what in checks if not holds]


def _answers(client: httpx.Client, voice: str, good: bytes) -> bool:
    return client.post("/v1/convert", data={"voice": voice}, files={"file": ("x.wav", good)}).status_code == 200


def _streams_end(client: httpx.Client) -> bool:
    look: Callable[[], bool] = lambda: "autovoice_streams 0.0" in client.get("/metrics").text  # noqa: E731
    try:
        return until(look, 60)
    except AssertionError:
        return False


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--voice", type=Path, required=True, help="a recording of 3 s of speech or more")
    parser.add_argument("--examples", type=int, default=300, help="of each operation of the OpenAPI; 0 leaves it out")
    parser.add_argument("--uploads", type=int, default=10_000, help="damaged recordings")
    parser.add_argument("--sessions", type=int, default=1_000, help="malformed WebSocket sessions")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
