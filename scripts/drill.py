"""Backs up what cannot be made again (voices, the server's database and files, MLflow), restores it, and proves that all is back.

python scripts/drill.py backup -o BACKUP [--voices DIR] [--data DIR] [--database URL] [--mlflow FILE|URL] [--artifacts DIR]
python scripts/drill.py restore BACKUP [the same]
python scripts/drill.py rehearse [the same]

rehearse backs up, restores into an empty folder (a database: into a scratch one, --scratch URL), and compares the SHA-256 of every
file and of every table's rows; the original is only read. Exit code 1: something differs. docs/disaster-recovery.md
"""

import argparse
import hashlib
import json
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy import Connection, MetaData, create_engine, select, text
from sqlalchemy.exc import SQLAlchemyError

from autovoice.errors import AutovoiceError, DataError
from autovoice.files import read_json, sha256_file, write_json

UNFINISHED = shutil.ignore_patterns(".*")  # files get their name when they are whole
MADE = "backup.json"  # written last: a folder without it is no backup


@dataclass(frozen=True)
class State:
    """Where the state lies: folders, and databases by file or by the URL of a PostgreSQL."""

    voices: Path
    data: Path
    database: str
    mlflow: str
    artifacts: Path

    def folders(self) -> dict[str, Path]:
        """Name in the backup -> folder, of those that may be missing too."""
        served = {f"data/{name}": self.data / name for name in ("jobs", "voices")}
        return {"voices": self.voices, **served, "artifacts": self.artifacts}

    def databases(self) -> dict[str, str]:
        """Name in the backup -> file or URL."""
        return {"serve": self.database or str(self.data / "serve.db"), "mlflow": self.mlflow}


def backup(state: State, out: Path) -> dict[str, str]:
    """Writes state into the new folder `out` -> name of each part: its SHA-256. Databases first: files outlive their rows."""
    if out.exists():
        raise DataError("is there already", str(out), "choose another folder")
    out.mkdir(parents=True)
    digests = {}
    for name, where in state.databases().items():
        if is_url(where):
            digests |= dump_postgres(name, where, out)
        elif Path(where).is_file():
            copy_sqlite(Path(where), out / f"{name}.db")
    for name, folder in state.folders().items():
        if folder.is_dir():
            shutil.copytree(folder, out / name, ignore=UNFINISHED)
    digests |= digests_of(state_in(out))
    write_json(out / MADE, digests)
    return digests


def restore(source: Path, state: State) -> dict[str, str]:
    """Puts a backup to where state says -> what is there now. Raises DataError where something would be overwritten."""
    expected = read_json(source / MADE, "python scripts/drill.py backup")
    files = [Path(where) for where in state.databases().values() if not is_url(where)]
    for path in (*state.folders().values(), *files):
        if path.exists():
            raise DataError("is still there", str(path), "move it away first")
    for name, folder in state.folders().items():
        if (source / name).is_dir():
            shutil.copytree(source / name, folder)
    for name, where in state.databases().items():
        if is_url(where):
            postgres("pg_restore", where, "--clean", "--if-exists", "--no-owner", str(source / f"{name}.dump"))
        elif (source / f"{name}.db").is_file():
            Path(where).parent.mkdir(parents=True, exist_ok=True)
            copy_sqlite(source / f"{name}.db", Path(where))
    found = digests_of(state)
    if different := sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name)):
        raise AutovoiceError(f"{len(different)} parts differ after the restore", different[0], "use an older backup")
    return found


def digests_of(state: State) -> dict[str, str]:
    """SHA-256 of each file, and of the rows of each table, sorted: a database's pages may differ where its content does not."""
    digests = {}
    for name, folder in state.folders().items():
        files = sorted(path for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else []
        names = {path: path.relative_to(folder) for path in files}
        kept = (path for path, inside in names.items() if not any(part.startswith(".") for part in inside.parts))
        digests |= {f"{name}/{names[path].as_posix()}": sha256_file(path) for path in kept}
    for name, where in state.databases().items():
        if is_url(where) or Path(where).is_file():
            with connected(where) as connection:
                digests |= digests_of_tables(name, connection)
    return digests


@contextmanager
def connected(where: str) -> Iterator[Connection]:
    """One look at a database, a file or a URL: it stays as it was at the first query, whatever others write."""
    engine = create_engine(where if is_url(where) else f"sqlite:///{where}")
    options = {"isolation_level": "REPEATABLE READ"} if is_url(where) else {}
    try:
        with engine.connect().execution_options(**options) as connection:
            yield connection
    except SQLAlchemyError as error:
        raise AutovoiceError("cannot be read", engine.url.render_as_string(), "check that it runs") from error
    finally:
        engine.dispose()


def digests_of_tables(name: str, connection: Connection) -> dict[str, str]:
    """name:table -> SHA-256 of the table's rows."""
    known = MetaData()
    known.reflect(connection)
    digests = {}
    for table in known.tables.values():
        rows = sorted(json.dumps([repr(value) for value in row]) for row in connection.execute(select(table)))
        digests[f"{name}:{table.name}"] = hashlib.sha256("\n".join(rows).encode()).hexdigest()
    return digests


def dump_postgres(name: str, url: str, out: Path) -> dict[str, str]:
    """Dumps the database, and hashes its rows as of the same moment."""
    with connected(url) as connection:
        snapshot = connection.execute(text("SELECT pg_export_snapshot()")).scalar()
        postgres("pg_dump", url, f"--snapshot={snapshot}", "--format=custom", f"--file={out / name}.dump")
        return digests_of_tables(name, connection)


def state_in(folder: Path) -> State:
    """The same layout below one folder, with databases in files."""
    files = {name: str(folder / f"{name}.db") for name in ("serve", "mlflow")}
    return State(folder / "voices", folder / "data", files["serve"], files["mlflow"], folder / "artifacts")


def copy_sqlite(source: Path, target: Path) -> None:
    """A consistent copy, also of a database that a server is writing; without its write-ahead log."""
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new)


def is_url(where: str) -> bool:
    """Whether a database is on a server, not in a file."""
    return "://" in where


def postgres(tool: str, url: str, *options: str) -> None:
    """Runs pg_dump or pg_restore on a database; raises AutovoiceError with what it said."""
    plain = url.replace("postgresql+psycopg://", "postgresql://", 1)
    try:
        done = subprocess.run([tool, f"--dbname={plain}", *options], capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise AutovoiceError("is not installed", tool, "apt-get install postgresql-client") from error
    if done.returncode:
        raise AutovoiceError(" ".join(done.stderr.split())[:300], tool, "check the URL and the server")


def rehearse(state: State, scratch: str) -> dict[str, str]:
    """Backup, loss and restore, on a copy; raises AutovoiceError where anything is not as it was."""
    if is_url(state.databases()["serve"]) != bool(scratch) or is_url(state.mlflow):
        raise DataError("needs a database to restore into, and MLflow's in a file", "--scratch", "createdb scratch")
    with tempfile.TemporaryDirectory() as temporary:
        kept = Path(temporary) / "backup"
        backup(state, kept)
        empty = state_in(Path(temporary) / "restored")
        return restore(kept, replace(empty, database=scratch or empty.database))


def parse(argv: Sequence[str] | None) -> tuple[argparse.Namespace, State]:
    """The arguments, and the state that they name; the defaults are those of `autovoice serve` and `make ui`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=["backup", "restore", "rehearse"])
    parser.add_argument("source", nargs="?", type=Path, help="the backup that is restored")
    parser.add_argument("-o", "--out", type=Path, help="the new folder of a backup")
    parser.add_argument("--voices", type=Path, default=Path("voices"))
    parser.add_argument("--data", type=Path, default=Path("serve"), help="of autovoice serve")
    parser.add_argument("--database", default="", help="URL of a PostgreSQL (default: DATA/serve.db)")
    parser.add_argument("--mlflow", default="mlflow.db", help="file, or URL of a PostgreSQL")
    parser.add_argument("--artifacts", type=Path, default=Path("mlartifacts"), help="of MLflow")
    parser.add_argument("--scratch", default="", help="rehearse: an empty PostgreSQL to restore --database into")
    args = parser.parse_args(argv)
    if (args.action == "backup") != bool(args.out) or (args.action == "restore") != bool(args.source):
        parser.error("backup needs -o BACKUP, restore needs BACKUP")
    return args, State(args.voices, args.data, args.database, args.mlflow, args.artifacts)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one action -> exit code."""
    args, state = parse(argv)
    try:
        match args.action:
            case "backup":
                digests = backup(state, args.out)
            case "restore":
                digests = restore(args.source, state)
            case _:
                digests = rehearse(state, args.scratch)
    except DataError as error:
        print(error, file=sys.stderr)
        return 2
    except AutovoiceError as error:
        print(error, file=sys.stderr)
        return 1
    if not digests:
        print("nothing of what was named is there", file=sys.stderr)
        return 2
    print(f"{args.action}: {len(digests)} files and tables, every SHA-256 as it was")
    return 0


if __name__ == "__main__":
    sys.exit(main())
