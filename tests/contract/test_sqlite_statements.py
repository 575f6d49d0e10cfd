"""The connection that asks SQLite's thread once a statement does for SQLAlchemy what aiosqlite's own does."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import TextClause, event, text
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine

from cti import sqlite
from cti.sql import database_url, open_database

pytestmark = pytest.mark.contract


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "some.sqlite3"


@pytest.fixture
async def engine(file: Path) -> AsyncIterator[AsyncEngine]:
    made = open_database(database_url(file, None))
    async with made.begin() as connection:
        await connection.execute(text("CREATE TABLE thing (id INTEGER PRIMARY KEY, name TEXT UNIQUE)"))
    yield made
    await made.dispose()


_INSERT = text("INSERT INTO thing (name) VALUES (:name)")


async def test_rows_counts_and_ids_come_back(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        assert (await connection.execute(_INSERT, {"name": "a"})).lastrowid == 1
        await connection.execute(_INSERT, [{"name": name} for name in "bcd"])
        renamed = text("UPDATE thing SET name = name || '!' WHERE id > 2 RETURNING name")
        assert (await connection.scalars(renamed)).all() == ["c!", "d!"]
        assert (await connection.execute(text("UPDATE thing SET name = upper(name)"))).rowcount == 4
        found = await connection.execute(text("SELECT id, name FROM thing ORDER BY id"))
        assert list(found.keys()) == ["id", "name"]
        assert found.fetchone() == (1, "A")
        assert found.fetchmany(2) == [(2, "B"), (3, "C!")]
        assert found.fetchall() == [(4, "D!")]
        streamed = await connection.stream(text("SELECT name FROM thing ORDER BY id"))
        assert [name async for (name,) in streamed] == ["A", "B", "C!", "D!"]


async def test_what_failed_is_taken_back_and_told_as_what_it_is(engine: AsyncEngine) -> None:
    async def run(*statements: TextClause) -> None:
        async with engine.begin() as connection:
            for statement in statements:
                await connection.execute(statement)

    twice = text("INSERT INTO thing (name) VALUES ('a')")
    with pytest.raises(IntegrityError):
        await run(twice, twice)
    with pytest.raises(OperationalError):
        await run(text("SELECT nothing FROM nowhere"))
    async with engine.connect() as connection:
        await connection.execute(_INSERT, {"name": "b"})  # and no commit
    async with engine.connect() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM thing")) == 0


async def test_a_statement_is_one_question_to_the_thread(
    engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    questions = 0
    ask = sqlite.Connection._execute

    async def counted(self: sqlite.Connection, what: object, *arguments: object) -> object:
        nonlocal questions
        questions += 1
        return await ask(self, what, *arguments)  # type: ignore[no-untyped-call]

    monkeypatch.setattr(sqlite.Connection, "_execute", counted)
    async with engine.begin() as connection:
        await connection.execute(_INSERT, [{"name": name} for name in "abc"])
        (await connection.execute(text("SELECT name FROM thing"))).all()
    assert questions == 3  # the two and the commit
    async with engine.connect() as connection:
        await connection.execute(text("SELECT 1"))
    assert questions == 4


async def test_a_writer_that_is_slow_stops_no_other_work(engine: AsyncEngine, file: Path) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")

        async def write() -> None:
            async with engine.begin() as connection:
                await connection.execute(_INSERT, {"name": "a"})

        writing = asyncio.create_task(write())
        async with engine.connect() as connection:
            assert await connection.scalar(text("SELECT count(*) FROM thing")) == 0
        assert not writing.done()
        other.execute("COMMIT")
        await asyncio.wait_for(writing, 20)


async def test_a_new_connection_is_set_up_before_its_first_statement(engine: AsyncEngine) -> None:
    seen: list[object] = []
    event.listen(engine.sync_engine, "connect", lambda connection, _record: seen.append(connection))
    async with engine.connect() as first, engine.connect() as second:
        for connection in (first, second):
            assert await connection.scalar(text("PRAGMA foreign_keys")) == 1
            assert await connection.scalar(text("PRAGMA journal_mode")) == "wal"
    assert seen
