"""Neighbours that contract tests share: databases and a private Redis."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import redis
from sqlalchemy.ext.asyncio import AsyncEngine

import caselink.tables  # noqa: F401 - a table is known by being imported
import cti.tables  # noqa: F401
import recorder.tables  # noqa: F401
from cti.sql import Base, Sessions, database_url, open_database, sessions
from tests.contract import postgres


@pytest.fixture(scope="session")
def postgres_folder() -> Iterator[Path]:
    """The folder of the socket of a private PostgreSQL."""
    programs = postgres.binaries()
    if programs is None:
        pytest.skip("PostgreSQL is not installed")
    with postgres.running(programs) as folder:
        yield folder


@pytest.fixture(params=["sqlite", "postgresql"])
async def sql_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database, for each kind of database that the platform runs on."""
    if request.param == "sqlite":
        return database_url(tmp_path / "yihaotong.sqlite3", None)
    folder = request.getfixturevalue("postgres_folder")
    return database_url(tmp_path, await postgres.fresh_database(folder))


@pytest.fixture
async def database(sql_url: str) -> str:
    """The URL of a database with every table of the platform, all empty."""
    engine = open_database(sql_url)
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    await engine.dispose()
    return sql_url


@pytest.fixture
async def engine(database: str) -> AsyncIterator[AsyncEngine]:
    """That database, open."""
    made = open_database(database)
    yield made
    await made.dispose()


@pytest.fixture
def sql(engine: AsyncEngine) -> Sessions:
    """Sessions on that database."""
    return sessions(engine)


@pytest.fixture
def redis_socket(tmp_path: Path) -> Iterator[Path]:
    """The unix socket of a private Redis that keeps nothing on disk."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is not installed")
    socket = tmp_path / "redis.sock"
    server = subprocess.Popen(
        [program, "--port", "0", "--unixsocket", str(socket), "--save", "", "--appendonly", "no"],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
    )
    try:
        client = redis.Redis(unix_socket_path=str(socket))
        deadline = time.monotonic() + 10
        while not _answers(client):
            assert server.poll() is None, "Redis ended at its start"
            assert time.monotonic() < deadline, "Redis was not ready within 10 s"
        client.close()
        yield socket
    finally:
        server.terminate()
        server.wait(10)


def _answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False
