"""Where a server keeps what it knows, for tests to run on each: SQLite and a folder, or PostgreSQL and S3.

The latter runs where AUTOVOICE_TEST_POSTGRES is the URL of a PostgreSQL that may be filled (scripts/with_postgres.sh sets it).
S3 is the endpoint AUTOVOICE_TEST_S3, or moto's server.
"""

import logging
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import create_engine, make_url, text

POSTGRES, S3 = "AUTOVOICE_TEST_POSTGRES", "AUTOVOICE_TEST_S3"
Stores = Callable[[], tuple[str, ...]]


@pytest.fixture(scope="module", params=["sqlite-disk", "postgres-s3"])
def stores(request: pytest.FixtureRequest) -> Iterator[Stores]:
    """stores() -> overrides of a server's configuration: a new database and storage, each empty."""
    if request.param == "sqlite-disk":
        yield lambda: ()
        return
    if POSTGRES not in os.environ:
        pytest.skip(f"needs {POSTGRES}: scripts/with_postgres.sh python -m pytest ...")
    with s3() as make_bucket:
        yield lambda: (f"serve.database={new_database()}", f"serve.storage=s3://{make_bucket()}/autovoice")


def new_database() -> str:
    """The URL of a database that was not there before."""
    url, name = make_url(os.environ[POSTGRES]), f"test_{secrets.token_hex(8)}"
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return url.set(database=name).render_as_string(hide_password=False)


@contextmanager
def s3() -> Iterator[Callable[[], str]]:
    """What makes a bucket at the endpoint, which this process and those that it starts use meanwhile."""
    s3fs = pytest.importorskip("s3fs", reason="needs s3fs: pip install -e .[dev]")
    with pytest.MonkeyPatch.context() as patch, endpoint() as address:
        patch.setenv("AWS_ENDPOINT_URL", address)
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, os.environ.get(name, "test"))
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        s3fs.S3FileSystem.clear_instance_cache()

        def make_bucket() -> str:
            name = f"test-{secrets.token_hex(8)}"
            s3fs.S3FileSystem().mkdir(name)
            return name

        yield make_bucket
        s3fs.S3FileSystem.clear_instance_cache()


@contextmanager
def endpoint() -> Iterator[str]:
    if S3 in os.environ:
        yield os.environ[S3]
        return
    moto = pytest.importorskip("moto.server", reason=f"needs moto (pip install -e .[dev]), or {S3}")
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = moto.ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        yield "http://{}:{}".format(*server.get_host_and_port())
    finally:
        server.stop()
