"""The server as a process: what it has taken on survives its death, and it ends when it is told to."""

import json
import re
import signal
import subprocess
import sys
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from serving import builtin_voice, heard, wav_bytes
from sqlalchemy import Engine

from autovoice.client import Client, ServerError
from autovoice.config import compose
from autovoice.serving.database import open_database
from autovoice.serving.jobs import Jobs, new_id
from scripts.own_server import started, until

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


def result_of(address: str, job: str) -> bytes:
    with urllib.request.urlopen(f"{address}/v1/jobs/{job}/result") as answer:
        return answer.read()


def database_of(data: Path, kept: tuple[str, ...]) -> Engine:
    return open_database(compose(kept).serve.database, data)


def test_told_to_end_while_its_models_load_it_ends_well(folder):
    for delay_s in (0.04, 0.08, 0.12):
        process, _ = started(folder, answering="/healthz")
        time.sleep(delay_s)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0


def test_a_killed_server_loses_nothing_and_a_told_one_ends(folder, stores):
    kept = stores()
    process, address = started(folder, *kept)
    client = Client(address)
    first = client.convert(folder / "carlo.wav", "carlo", "fast")
    assert first[:4] == b"RIFF"
    asked = [queued(client, folder, 4.0) for _ in range(N_JOBS)]
    until(lambda: any(job["status"] == "running" for job in jobs_of(address)))
    process.kill()
    process.wait()
    process, address = started(folder, *kept)
    until(lambda: all(job["status"] == "done" for job in jobs_of(address)))
    assert {job["id"] for job in jobs_of(address)} > set(asked)
    assert len(jobs_of(address)) == N_JOBS + 1
    for job in asked:
        assert len(heard(result_of(address, job))[0]) == 4 * 24000
    with pytest.raises(ServerError, match="no such voice"):
        Client(address).convert(folder / "carlo.wav", "nobody")
    last = queued(Client(address), folder, 4.0)
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) in (0, -signal.SIGTERM)
    database = database_of(folder / "data", kept)
    assert Jobs(database, 9, 30).get(last)["status"] in ("done", "queued")  # what ran has ended, what waited waits


def test_several_may_open_a_new_database_at_once(tmp_path, stores):
    url = compose(stores()).serve.database
    with ThreadPoolExecutor(4) as pool:
        for database in pool.map(lambda _: open_database(url, tmp_path), range(4)):
            assert Jobs(database, 9, 30).waiting() == 0


def test_two_processes_never_claim_one_job(tmp_path, stores):
    n, program = (
        40,
        (
            "import sys, time; from pathlib import Path; from autovoice.serving.database import open_database;"
            "from autovoice.serving.jobs import Jobs; jobs = Jobs(open_database(sys.argv[2], Path(sys.argv[1])), 99, 30);"
            "print('here', flush=True); sys.stdin.readline();"
            "[print(row['id'], flush=True) for _ in range(200) for row in jobs.claim(2)]"
        ),
    )
    database = database_of(tmp_path, stores())
    url = database.url.render_as_string(hide_password=False)
    jobs = Jobs(database, 99, 30)
    ids = [new_id() for _ in range(n)]
    for job in ids:
        jobs.add(
            {"id": job, "owner": "local", "kind": "convert", "name": "x", "preset": "fast", "voice": "v", "options": {}}
        )
    command = [sys.executable, "-c", program, str(tmp_path), url]
    processes = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    for process in processes:
        assert process.stdout.readline() == "here\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    claimed = [process.communicate()[0].split() for process in processes]
    assert sorted(claimed[0] + claimed[1]) == sorted(ids)


def test_a_job_of_a_process_that_is_gone_is_queued_again_and_one_that_lives_is_not(tmp_path, stores):
    jobs = Jobs(database_of(tmp_path, stores()), 9, 30)
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


def test_two_replicas_share_the_jobs_and_each_answers_for_both(folder, stores):
    """Of PostgreSQL and S3: disks and memories of their own."""
    if not (kept := stores()):
        pytest.skip("replicas with disks of their own need PostgreSQL and S3")
    replicas = [started(folder, *kept, "serve.batch=1", data=f"data_{name}") for name in "ab"]
    one, other = (Client(address) for _, address in replicas)
    voice = one.clone("Carlo", [folder / "carlo.wav"], "by his licence")["id"]
    assert other.convert(folder / "carlo.wav", voice, "fast")[:4] == b"RIFF"
    asked = [queued(one, folder, 2.0) for _ in range(8)]
    until(lambda: all(job["status"] == "done" for job in jobs_of(other.url)))
    for job in asked:
        results = [result_of(client.url, job) for client in (one, other)]
        assert results[0] == results[1]
        assert len(heard(results[0])[0]) == 2 * 24000
    done = [done_by(client.url) for client in (one, other)]
    assert sum(done) == len(asked) + 1, "a job was made twice, or not at all"
    assert all(done), "one of them did not work"
    other.delete_voice(voice)
    with pytest.raises(ServerError, match="no such voice"):
        one.convert(folder / "carlo.wav", voice)
    for process, _ in replicas:
        process.send_signal(signal.SIGTERM)
    assert {process.wait(60) for process, _ in replicas} <= {0, -signal.SIGTERM}


def done_by(address: str) -> int:
    """How many jobs a process has made, by its own count."""
    with urllib.request.urlopen(f"{address}/metrics") as answer:
        found = re.findall(r'autovoice_jobs_total{kind="convert",status="done"} ([0-9.]+)', answer.read().decode())
    return int(sum(map(float, found)))
