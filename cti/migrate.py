"""Brings a database to the tables of this version of the platform, by Alembic (cti/migrations).

A new migration: change the models, then `python -m cti.migrate MESSAGE` writes it for review.
"""

from __future__ import annotations

import asyncio
import importlib
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import asyncpg  # type: ignore[import-untyped]
from alembic import command
from alembic.config import Config
from alembic.util.exc import CommandError
from sqlalchemy import Connection, MetaData, make_url, text
from sqlalchemy.exc import SQLAlchemyError

from cti import files
from cti.sql import Base, database_url, open_database

_FOLDER: Final = Path(__file__).resolve().parent / "migrations"
_MODELS: Final = ("cti.tables", "recorder.tables", "caselink.tables")
_LOCK_KEY: Final = 1_234_503
"""Which of PostgreSQL's advisory locks is that of migrations."""


class MigrationError(SQLAlchemyError):
    """The database can not be brought to this version; the text says why in one sentence."""


def metadata() -> MetaData:
    """Return every table of the platform."""
    # By name: what lies above `cti` is not imported by it, only its tables are looked up.
    for name in _MODELS:
        importlib.import_module(name)
    return Base.metadata


def upgrade(url: str) -> None:
    """Bring the database at `url` (`cti.sql.database_url`) to the newest migration, whole or not at all.

    Two that do it at once wait for each other. It blocks and runs a loop of its own: call it before there is one,
    or in a thread. Raises MigrationError, another SQLAlchemyError, or OSError where the database can not be
    reached.
    """

    def forward(config: Config) -> None:
        command.upgrade(config, "head")

    try:
        with _alone(url):
            asyncio.run(_run(url, forward))
    except CommandError as error:
        raise MigrationError(
            f"the database was made by another version of the platform ({error}); install that version"
        ) from error
    except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise MigrationError(str(error)) from error


async def _run(url: str, work: Callable[[Config], None]) -> None:
    engine = open_database(url)
    try:
        async with engine.connect() as connection:
            # A migration that is killed leaves nothing: both databases take tables back with a transaction.
            if connection.dialect.name == "sqlite":
                await connection.exec_driver_sql("BEGIN IMMEDIATE")
            else:
                await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK_KEY})
            await connection.run_sync(lambda inner: work(_config(inner)))
            await connection.commit()
    finally:
        await engine.dispose()


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


@contextmanager
def _alone(url: str) -> Iterator[None]:
    """Hold the lock of a SQLite file while its write-ahead log is set up; PostgreSQL has a lock of its own."""
    parsed = make_url(url)
    if not parsed.drivername.startswith("sqlite") or not parsed.database:
        yield
        return
    file = Path(parsed.database)
    file.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
    with files.held(file.with_name(f"{file.name}.lock")):
        yield


def write(message: str) -> None:
    """Write a migration from the newest one to the models, into cti/migrations/versions."""
    number = f"{len(list((_FOLDER / 'versions').glob('[0-9]*.py'))) + 1:04d}"
    with tempfile.TemporaryDirectory() as folder:
        url = database_url(Path(folder) / "empty.sqlite3", None)
        if number != "0001":
            upgrade(url)

        def forward(config: Config) -> None:
            command.revision(config, message, autogenerate=True, rev_id=number)

        asyncio.run(_run(url, forward))


if __name__ == "__main__":
    write(" ".join(sys.argv[1:]))
