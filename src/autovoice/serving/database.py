"""The server's tables, on SQLite or PostgreSQL by one code path (SQLAlchemy Core)."""

from pathlib import Path
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    Engine,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    create_engine,
    event,
)
from sqlalchemy.exc import ArgumentError, DatabaseError, NoSuchModuleError, OperationalError

from autovoice.errors import ConfigError
from autovoice.serving.faults import ApiError

TABLES = MetaData()
BUSY_MS = 30_000  # that a writer waits for another process

JOBS = Table(
    "jobs",
    TABLES,
    Column("id", String(32), primary_key=True),
    Column("owner", String(64), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("status", String(16), nullable=False),
    Column("progress", Float, nullable=False, default=0.0),
    Column("created", Float, nullable=False),  # seconds since 1970, as all times here
    Column("started", Float),
    Column("ended", Float),
    Column("voice", String(64)),
    Column("preset", String(32)),
    Column("name", String(128), nullable=False, default=""),
    Column("duration_s", Float),
    Column("options", JSON, nullable=False),  # what the work needs to know
    Column("facts", JSON, nullable=False),  # what it found: rtf, shift_st, warnings, file, request
    Column("error", JSON),
    Column("token", String(200)),  # the client's idempotency key
    Column("body_sha256", String(64), nullable=False, default=""),
    Column("worker", String(128)),
    Column("lease", Float),  # until when the worker's word counts
    UniqueConstraint("owner", "token"),
    Index("jobs_waiting", "status", "created"),
)
KEYS = Table(
    "keys",
    TABLES,
    Column("id", String(16), primary_key=True),
    Column("name", String(64), nullable=False, unique=True),
    Column("sha256", String(64), nullable=False),
    Column("scopes", JSON, nullable=False),
    Column("created", Float, nullable=False),
)
VOICES = Table(
    "voices",
    TABLES,
    Column("id", String(32), primary_key=True),
    Column("owner", String(64), nullable=False, index=True),
    Column("created", Float, nullable=False),
    Column("facts", JSON, nullable=False),
)
RATINGS = Table(
    "ratings",
    TABLES,
    Column("id", Integer, primary_key=True),
    Column("job", String(32), nullable=False, unique=True),
    Column("owner", String(64), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("voice", String(64)),
    Column("preset", String(32)),
    Column("stars", Integer, nullable=False),
    Column("comment", Text, nullable=False),
    Column("created", Float, nullable=False),
)
USAGE = Table(
    "usage",
    TABLES,
    Column("owner", String(64), primary_key=True),
    Column("day", String(10), primary_key=True),
    Column("seconds", Float, nullable=False),
)


def open_database(url: str, data: Path) -> Engine:
    """The database at `url`, or SQLite in `data`, its tables made; raises ConfigError where it cannot be opened."""
    data.mkdir(parents=True, exist_ok=True)
    url = url or f"sqlite:///{data.resolve() / 'serve.db'}"
    try:
        engine = create_engine(url, pool_pre_ping=not url.startswith("sqlite"))
        if engine.dialect.name == "sqlite":
            event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "before_cursor_execute", _refuse_nul)
        _make_tables(engine)
    except (ArgumentError, NoSuchModuleError) as error:
        raise ConfigError("is not a database's URL", "serve.database", "write postgresql+psycopg://...") from error
    except ModuleNotFoundError as error:
        remedy = "pip install 'autovoice[postgres]'"
        raise ConfigError(f"needs the package {error.name}", "serve.database", remedy) from error
    except OperationalError as error:
        raise ConfigError("cannot be opened", "serve.database", "check that it runs and may be written") from error
    return engine


def _make_tables(engine: Engine) -> None:
    """Again where another process made one at this very moment, at most once a table."""
    for left in reversed(range(len(TABLES.tables))):
        try:
            return TABLES.create_all(engine)
        except DatabaseError as error:
            if not left or "already exists" not in str(error):
                raise


def _refuse_nul(_: Any, __: Any, ___: str, parameters: Any, ____: Any, many: bool) -> None:
    """Raises ApiError 422: text with a NUL, which PostgreSQL cannot hold, is a client's; no other store shall take it either."""
    for row in parameters if many else [parameters]:
        if any(isinstance(value, str) and "\0" in value for value in (row.values() if isinstance(row, dict) else row)):
            raise ApiError(422, "bad_request", "The request holds a NUL character, which no name, key or text may.")


def _prepare_sqlite(connection: Any, _: Any) -> None:
    """Write-ahead log: readers and the writer do not wait for each other, and a kill loses nothing that was committed."""
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", f"busy_timeout={BUSY_MS}", "synchronous=NORMAL", "secure_delete=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
