"""The server as a process: what it has taken on survives its death, and it ends when it is told to."""

import json
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from serving import builtin_voice, started, until, wav_bytes

from autovoice.audio.io import load_wav
from autovoice.client import Client, ServerError
from autovoice.serving.database import open_database
from autovoice.serving.jobs import Jobs, new_id

N_JOBS = 3


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    made = tmp_path_factory.mktemp("process")
    builtin_voice(made)
    return made


def jobs_of(address: str) -> list[dict]:
    with urllib.request.urlopen(f"{address}/v1/jobs?limit=50") as answer:
        return json.load(answer)["jobs"]


def queued(client: Client, folder: Path, seconds: float) -> str:
    path = folder / "talk.wav"
    path.write_bytes(wav_bytes(seconds))
    return json.loads(client._post("/v1/convert", [("file", path), ("voice", "carlo"), ("wait", "false")]))["id"]


def test_a_killed_server_loses_nothing_and_a_told_one_ends(folder):
    process, address = started(folder)
    client = Client(address)
    first = client.convert(folder / "carlo.wav", "carlo", "fast")
    assert first[:4] == b"RIFF"
    asked = [queued(client, folder, 4.0) for _ in range(N_JOBS)]
    until(lambda: any(job["status"] == "running" for job in jobs_of(address)))
    process.kill()
    process.wait()
    process, address = started(folder)
    until(lambda: all(job["status"] == "done" for job in jobs_of(address)))
    assert {job["id"] for job in jobs_of(address)} > set(asked)
    assert len(jobs_of(address)) == N_JOBS + 1
    for job in asked:
        result = folder / "data" / "jobs" / job / "result.wav"
        assert len(load_wav(result, 24000)) == 4 * 24000
    with pytest.raises(ServerError, match="no such voice"):
        Client(address).convert(folder / "carlo.wav", "nobody")
    last = queued(Client(address), folder, 4.0)
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) in (0, -signal.SIGTERM)
    database = open_database("", folder / "data")
    assert Jobs(database, 9, 30).get(last)["status"] in ("done", "queued")  # what ran has ended, what waited waits


def test_two_processes_never_claim_one_job(tmp_path):
    n, program = (
        40,
        (
            "import sys, time; from pathlib import Path; from autovoice.serving.database import open_database;"
            "from autovoice.serving.jobs import Jobs; jobs = Jobs(open_database('', Path(sys.argv[1])), 99, 30);"
            "print('here', flush=True); sys.stdin.readline();"
            "[print(row['id'], flush=True) for _ in range(200) for row in jobs.claim(2)]"
        ),
    )
    jobs = Jobs(open_database("", tmp_path), 99, 30)
    ids = [new_id() for _ in range(n)]
    for job in ids:
        jobs.add(
            {"id": job, "owner": "local", "kind": "convert", "name": "x", "preset": "fast", "voice": "v", "options": {}}
        )
    command = [sys.executable, "-c", program, str(tmp_path)]
    processes = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    for process in processes:
        assert process.stdout.readline() == "here\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    claimed = [process.communicate()[0].split() for process in processes]
    assert sorted(claimed[0] + claimed[1]) == sorted(ids)


def test_a_job_of_a_process_that_is_gone_is_queued_again_and_one_that_lives_is_not(tmp_path):
    jobs = Jobs(open_database("", tmp_path), 9, 30)
    facts = {"owner": "local", "kind": "convert", "name": "x", "preset": "fast", "voice": "v", "options": {}}
    jobs.add({"id": "a", **facts})
    (row,) = jobs.claim(1)
    assert jobs.recover() == 0
    assert jobs.progress(row["id"], 0.5)
    short = Jobs(jobs.engine, 9, 0.0)  # a lease that is over at once, as of a host that does not answer
    short.renew()
    time.sleep(0.01)
    assert jobs.recover() == 1
    assert not jobs.progress(row["id"], 0.6), "it is nobody's now"
    assert jobs.get("a")["status"] == "queued"
