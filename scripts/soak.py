"""Keeps a server busy for a while, kills its clients and once the server itself, and says whether anything was lost or wrong.

python -m scripts.soak --voice carlo.wav --minutes 30

Conversions (at once and as jobs), speech, new voices and live streams, by processes that are killed at random. Must hold: no
accepted job is lost, every answer is that of the quiet server at the beginning, and the server's memory stays flat (to 5 %) after
its restart. Prints JSON; exit code 1 where something does not hold.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import psutil

from scripts.own_server import started
from scripts.soak_client import CASES, SAME_SAMPLES_DB, Asking, difference_db

LIMITS = ("requests_per_minute=10000000", "audio_s_per_day=1e9", "voices_per_key=100000", "stream_queue_s=60")
OPTIONS = (*(f"serve.{limit}" for limit in LIMITS), "serve.quality_sample=0")
SAME_DB = -60.0  # two answers that differ less, peak to peak, are the same: a batch's sums are rounded in another order
FLAT = 0.05
KILLED_AT, WARM_AT, HALF_AT = (
    0.25,
    0.5,
    0.75,
)  # shares of the time: the server is killed; its memory is compared from, and between
SAMPLE_S, KILL_S, END_S = 2.0, 15.0, 300.0


@dataclass
class Trial:
    """A server, its clients, and what is known of them."""

    folder: Path
    voice: str
    server: subprocess.Popen
    address: str
    clients: list[subprocess.Popen]
    n_killed: int = 0

    def start_client(self, number: int) -> None:
        command = [sys.executable, "-m", "scripts.soak_client", self.address, self.voice, str(self.folder), str(number)]
        with (self.folder / "clients.log").open("a") as log:
            self.clients.append(subprocess.Popen(command, stderr=log))

    def kill_a_client(self, rng: random.Random) -> None:
        """One is killed in whatever it does, and another comes."""
        client = self.clients.pop(rng.randrange(len(self.clients)))
        client.kill()
        client.wait()
        self.n_killed += 1
        self.start_client(1000 + self.n_killed)

    def kill_server(self) -> None:
        """As a power failure would; it comes back at the same place."""
        self.server.kill()
        self.server.wait()
        port = int(self.address.rpartition(":")[2])
        self.server, _ = started(self.folder, *OPTIONS, port=port)

    def close(self) -> None:
        for client in self.clients:
            client.kill()
            client.wait()
        self.server.send_signal(signal.SIGTERM)
        self.server.wait(120)


def run(trial: Trial, minutes: float, n_clients: int, rng: random.Random) -> list[int]:
    """The load -> resident bytes of the server from WARM_AT of the time on."""
    for number in range(n_clients):
        trial.start_client(number)
    begun, killed, next_kill, memory = time.monotonic(), False, KILL_S, []
    while (passed_s := time.monotonic() - begun) < 60 * minutes:
        share = passed_s / (60 * minutes)
        if not killed and share > KILLED_AT:
            killed = True
            trial.kill_server()
        if passed_s > next_kill:
            next_kill += rng.uniform(0.5, 1.5) * KILL_S
            trial.kill_a_client(rng)
        if share > WARM_AT:
            memory.append(psutil.Process(trial.server.pid).memory_info().rss)
        time.sleep(SAMPLE_S)
    for client in trial.clients:
        client.kill()
        client.wait()
    trial.clients.clear()
    return memory


def verdict(trial: Trial, memory: list[int]) -> dict[str, Any]:
    """What the clients noted, and what became of every job that was accepted."""
    notes = [
        json.loads(line)
        for path in trial.folder.glob("notes_*")
        for line in path.read_text().splitlines()
        if line[-1] == "}"
    ]
    asking = Asking(trial.address, trial.voice, trial.folder)
    lost, ends = [], Counter[str]()
    for note in notes:
        if note["what"] == "accepted":
            job = asking.ended(note["job"], END_S)
            ends[job["status"]] += 1
            if job["status"] != "done":
                lost.append({**note, "status": job["status"], "error": job.get("error")})
            elif (db := asking.difference_of_job(note["job"], note["case"])) > SAME_DB:
                notes.append({"what": "answer", "case": note["case"], "db": db})
    answers = [note for note in notes if note["what"] == "answer"]
    wrong = [note for note in answers if note["db"] > SAME_DB]
    half = round(len(memory) * (HALF_AT - WARM_AT) / (1 - WARM_AT))
    growth = median(memory[half:]) / median(memory[:half]) - 1
    return {
        "answers": dict(Counter(note["case"] for note in answers)),
        "identical": sum(note["db"] == SAME_SAMPLES_DB for note in answers),
        "worst_db": max(note["db"] for note in answers),
        "wrong": wrong,
        "jobs": dict(ends),
        "lost": lost,
        "faults": [note for note in notes if note["what"] == "fault"],
        "again": dict(Counter(note["why"] for note in notes if note["what"] == "again")),
        "clients_killed": trial.n_killed,
        "memory_mb": [round(median(part) / 1e6) for part in np.array_split(memory, 6)],
        "memory_growth": round(growth, 4),
        "holds": not (wrong or lost or abs(growth) > FLAT or any(note["what"] == "fault" for note in notes)),
    }


def main() -> int:
    """Quiet answers, the load, the verdict."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--voice", type=Path, required=True, help="a recording of 5 s of speech or more")
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0, help="of who is killed when")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "recording").write_bytes(args.voice.read_bytes())
        server, address = started(folder, *OPTIONS)
        trial = Trial(folder, "", server, address, [])
        try:
            asking = Asking(address, "", folder)
            trial.voice = asking.voice = asking.clone()
            for case in CASES:
                np.save(folder / f"quiet_{case}.npy", asking.answer(case))
                assert difference_db(asking.quiet(case), asking.answer(case)) <= SAME_DB, f"{case} is never the same"
            found = verdict(trial, run(trial, args.minutes, args.clients, random.Random(args.seed)))
        finally:
            trial.close()
    print(json.dumps({"minutes": args.minutes, "cores": os.cpu_count(), **found}, indent=2))
    return 0 if found["holds"] else 1


if __name__ == "__main__":
    sys.exit(main())
