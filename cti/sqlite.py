"""A connection to SQLite that asks its thread once a statement; aiosqlite's own asks four times and waits as often.

A statement of ours takes SQLite some microseconds, and each question to the thread ten times that.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Self

import aiosqlite


class Connection(aiosqlite.Connection):
    """What SQLAlchemy's dialect for aiosqlite asks of a connection (`sqlalchemy.connectors.asyncio`)."""

    def cursor(self) -> Cursor:  # type: ignore[override]  # aiosqlite's may be awaited as well; nobody does
        """Return a cursor; the database hears of it with its first statement."""
        return Cursor(self)

    async def ask(self, what: Callable[..., None], *arguments: Any) -> None:
        """Have the connection's thread do something. Raises what that raises."""
        await self._execute(what, *arguments)  # type: ignore[no-untyped-call]

    async def rollback(self) -> None:
        """Roll back; nothing is asked where nothing was begun, as after each commit and each reading."""
        if self.in_transaction:
            await super().rollback()


class Cursor:
    """The rows of one statement, all of them fetched with it."""

    arraysize = 1

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._rows: list[Any] = []
        self.description: Any = None
        self.rowcount = -1
        self.lastrowid: int | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.close()

    async def execute(self, statement: str, values: Sequence[Any] = ()) -> None:
        """Run a statement. Raises sqlite3.Error."""
        await self._connection.ask(self._run, sqlite3.Cursor.execute, statement, values)

    async def executemany(self, statement: str, values: Iterable[Sequence[Any]]) -> None:
        """Run a statement once for each of many values. Raises sqlite3.Error."""
        await self._connection.ask(self._run, sqlite3.Cursor.executemany, statement, values)

    def _run(self, run: Any, statement: str, values: Any) -> None:
        cursor = self._connection._conn.cursor()
        try:
            run(cursor, statement, values)
            self.description = cursor.description
            self._rows = cursor.fetchall() if cursor.description else []
            self.rowcount, self.lastrowid = cursor.rowcount, cursor.lastrowid
        finally:
            cursor.close()

    async def fetchall(self) -> list[Any]:
        """Return the rows that were not fetched yet."""
        rows, self._rows = self._rows, []
        return rows

    async def fetchmany(self, size: int | None = None) -> list[Any]:
        """Return the next rows, `arraysize` of them if no other number is wanted."""
        count = self.arraysize if size is None else size
        rows, self._rows = self._rows[:count], self._rows[count:]
        return rows

    async def fetchone(self) -> Any:
        """Return the next row, None behind the last."""
        return self._rows.pop(0) if self._rows else None

    async def close(self) -> None:
        """Forget the rows; the database has been done with the statement since it ran."""
        self._rows = []


def connect(database: str, **options: Any) -> Connection:
    """Return a connection that is open once it has been awaited; `options` are those of `sqlite3.connect`."""
    connection = Connection(lambda: sqlite3.connect(database, **options), iter_chunk_size=64)
    # A process that ends without closing its database does not wait for it.
    connection._thread.daemon = True
    return connection
