"""The restore drill: voices, the server's database and files, and MLflow are lost and come back with every hash the same."""

import os
import shutil
import sqlite3
import subprocess
import sys
import uuid
from dataclasses import replace
from pathlib import Path

import pytest
from doc_blocks import ROOT, Block, taken_by, words
from sqlalchemy import create_engine, insert, text
from stores import POSTGRES

from autovoice.serving.database import JOBS, VOICES, open_database
from scripts.drill import State, digests_of, main

IN_THE_PAGE = "postgresql+psycopg://autovoice@db/autovoice"
ROW = {
    "id": "a" * 32,
    "owner": "k",
    "kind": "convert",
    "status": "done",
    "progress": 1.0,
    "created": 1.5,
    "name": "é",
    "options": {},
}


def fill(database: str, data: Path) -> None:
    """Rows as the server writes them; the connection stays open, so that SQLite's are in its write-ahead log alone."""
    engine = open_database(database, data)
    with engine.begin() as connection:
        connection.execute(insert(JOBS).values(**ROW, facts={"rtf": 0.1}, body_sha256=""))
        connection.execute(insert(VOICES).values(id="b" * 32, owner="k", created=2.0, facts={"name": "ada"}))


@pytest.fixture
def state(tmp_path) -> State:
    """A tiny one, in the layout of `autovoice serve` and `make ui`."""
    state = State(
        *(tmp_path / name for name in ("voices", "serve")), "", str(tmp_path / "mlflow.db"), tmp_path / "mlartifacts"
    )
    for path in (
        state.voices / "ada/voice.json",
        state.data / f"jobs/{'a' * 32}/result.wav",
        state.artifacts / "1/report.html",
    ):
        path.parent.mkdir(parents=True)
        path.write_bytes(os.urandom(1000))
    fill("", state.data)
    with sqlite3.connect(state.mlflow) as store:
        store.execute("CREATE TABLE runs (id TEXT, metric REAL)")
        store.execute("INSERT INTO runs VALUES ('r', 0.5)")
    return state


def options(state: State) -> list[str]:
    named = {"voices": state.voices, "data": state.data, "mlflow": state.mlflow, "artifacts": state.artifacts}
    named |= {"database": state.database} if state.database else {}
    return [word for name, value in named.items() for word in (f"--{name}", str(value))]


def destroy(state: State) -> None:
    for path in (state.voices, state.data, state.artifacts):
        shutil.rmtree(path)
    Path(state.mlflow).unlink()


def test_what_was_lost_comes_back_with_every_hash_the_same(state, tmp_path, capsys):
    before = digests_of(state)
    assert main(["backup", "-o", str(tmp_path / "kept"), *options(state)]) == 0
    destroy(state)
    assert digests_of(state) == {}
    assert main(["restore", str(tmp_path / "kept"), *options(state)]) == 0
    assert digests_of(state) == before
    assert len(before) == 3 + 5 + 1  # files, the server's tables, MLflow's
    assert f"{len(before)} files and tables" in capsys.readouterr().out


def test_a_rehearsal_leaves_the_original_alone(state):
    before = digests_of(state)
    assert main(["rehearse", *options(state)]) == 0
    assert digests_of(state) == before


@pytest.mark.parametrize("damage", ["file", "table"])
def test_a_damaged_backup_is_noticed(state, tmp_path, capsys, damage):
    kept = tmp_path / "kept"
    main(["backup", "-o", str(kept), *options(state)])
    if damage == "file":
        (kept / "voices/ada/voice.json").write_bytes(b"other")
    else:
        with sqlite3.connect(kept / "serve.db") as store:
            store.execute("DELETE FROM voices")
    destroy(state)
    assert main(["restore", str(kept), *options(state)]) == 1
    assert "differ after the restore" in capsys.readouterr().err


def test_nothing_is_overwritten(state, tmp_path, capsys):
    kept = ["-o", str(tmp_path / "kept"), *options(state)]
    assert main(["backup", *kept]) == 0
    assert main(["backup", *kept]) == 2
    assert main(["restore", str(tmp_path / "kept"), *options(state)]) == 2
    assert "is still there" in capsys.readouterr().err


@pytest.fixture
def postgres_url() -> str:
    """A new database on the server of AUTOVOICE_TEST_POSTGRES (a URL whose user may make databases)."""
    if not (server := os.environ.get(POSTGRES)) or not shutil.which("pg_dump"):
        pytest.skip(f"needs {POSTGRES} (scripts/with_postgres.sh python -m pytest ...) and postgresql-client")
    name = f"drill_{uuid.uuid4().hex[:8]}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield server.rpartition("/")[0] + f"/{name}"
    with engine.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


def empty(postgres_url: str) -> None:
    """Drops the server's tables."""
    engine = create_engine(postgres_url)
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE jobs, voices"))
    engine.dispose()


def test_a_database_of_postgresql_comes_back_too(state, tmp_path, postgres_url):
    state = replace(state, database=postgres_url)
    fill(postgres_url, state.data)
    before = digests_of(state)
    assert main(["backup", "-o", str(tmp_path / "kept"), *options(state)]) == 0
    destroy(state)
    empty(postgres_url)
    assert main(["restore", str(tmp_path / "kept"), *options(state)]) == 0
    assert digests_of(state) == before


@pytest.mark.parametrize("block", taken_by(__file__), ids=lambda block: block.place)
def test_the_page_restores_what_was_lost(
    block: Block, state: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.chdir(tmp_path)
    url = request.getfixturevalue("postgres_url") if IN_THE_PAGE in block.text else ""
    if url:
        state = replace(state, database=url)
        fill(url, state.data)
    before = digests_of(state)
    assert main(["backup", "-o", "backups/monday", *(["--database", url] if url else [])]) == 0
    destroy(state)
    if url:
        empty(url)
    (command,) = block.commands()
    program, script, *parts = words(command.replace(IN_THE_PAGE, url))
    assert program == "python"
    subprocess.run([sys.executable, ROOT / script, *parts], check=True)
    assert digests_of(state) == before
