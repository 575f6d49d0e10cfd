"""Looks at the running platform from outside: its facts in SQL, its hall in Redis, its channels in Asterisk."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from acd.rows import Snapshot
from acd.store import Store
from config import City
from config.paths import Paths
from cti import sql
from cti.asterisk import command
from cti.clock import now_us
from cti.facts import Fact, Value
from cti.tables import CallRow, FactRow

if TYPE_CHECKING:
    from redis.asyncio import Redis

MOST_FACTS = 50_000
"""Read at most of one run."""
ANSWER_SECONDS = 10.0


class WatchError(Exception):
    """A part of the platform can not be looked at; the text says which and why."""


class Watch:
    """One look after another; made by `watching`."""

    def __init__(self, paths: Paths, store: Store, sessions: sql.Sessions) -> None:
        self._paths = paths
        self._store = store
        self._sessions = sessions

    async def snapshot(self) -> Snapshot:
        """Return the hall as it is."""
        return await self._store.snapshot()

    async def arrived(self, since: int) -> tuple[Fact, ...]:
        """Return the arrivals of calls from a moment (µs) on, in the order of time."""
        return await self._facts(FactRow.kind == "call_arrived", FactRow.at >= since)

    async def facts(self, calls: Iterable[str], since: int) -> tuple[Fact, ...]:
        """Return what is stored of some calls, and of every agent from a moment (µs) on, in the order of time."""
        ours = FactRow.call_id.in_(list(calls))
        return await self._facts(ours | ((FactRow.kind == "agent_state") & (FactRow.at >= since)))

    async def rows(self, calls: Mapping[str, str]) -> dict[str, dict[str, Value]]:
        """Return the rows of the table `call`, by the names that `calls` gives the call ids."""
        async with self._sessions() as session:
            found = await session.scalars(select(CallRow).where(CallRow.call_id.in_(list(calls.values()))))
            by_id = {row.call_id: row for row in found}
        columns = [column.key for column in CallRow.__table__.columns]
        return {
            name: {column: getattr(by_id[call_id], column) for column in columns}
            for name, call_id in calls.items()
            if call_id in by_id
        }

    async def channels(self, seats: Iterable[str], calls: Iterable[str]) -> tuple[str, ...]:
        """Return the names of the channels there are of some seats and calls."""
        seat_marks = tuple(f"PJSIP/{seat}-" for seat in seats)
        call_ids = set(calls)
        found = []
        for line in (await self.asterisk("core show channels concise")).splitlines():
            name, *rest = line.split("!")
            if name.startswith(seat_marks) or (rest and rest[-1] in call_ids):
                found.append(name)
        return tuple(found)

    async def phones(self) -> frozenset[str]:
        """Return the seats whose telephone is registered."""
        lines = (await self.asterisk("pjsip show contacts")).splitlines()
        contacts = (line.split()[1] for line in lines if line.split()[:1] == ["Contact:"] and "/sip" in line)
        return frozenset(contact.partition("/")[0] for contact in contacts)

    async def hang_up(self, channel: str) -> None:
        """End a channel."""
        await self.asterisk(f"channel request hangup {channel}")

    async def asterisk(self, line: str) -> str:
        """Run one line of Asterisk's command line. Raises WatchError if it does not answer."""
        process = await asyncio.create_subprocess_exec(
            *command(self._paths, "-rx", line),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            output, _ = await asyncio.wait_for(process.communicate(), ANSWER_SECONDS)
        except TimeoutError as error:
            process.kill()
            await process.wait()
            raise WatchError(f"Asterisk did not answer '{line}' within {ANSWER_SECONDS:.0f} s") from error
        text = output.decode(errors="replace")
        if process.returncode != 0:
            raise WatchError(f"Asterisk is not running: {' '.join(text.split())[:200]}")
        return text

    async def _facts(self, *conditions: object) -> tuple[Fact, ...]:
        statement = select(FactRow).where(*conditions).order_by(FactRow.at, FactRow.id).limit(MOST_FACTS)  # type: ignore[arg-type]
        try:
            async with self._sessions() as session:
                found = await session.scalars(statement)
                return tuple(
                    Fact(row.fact_id, row.kind, row.at, row.call_id, row.leg, row.node, row.data)
                    for row in found
                )
        except SQLAlchemyError as error:
            raise WatchError(
                f"the database can not be read ({type(error).__name__}); is the ledger running?"
            ) from error


@asynccontextmanager
async def watching(city: City, paths: Paths, redis: Redis[str]) -> AsyncIterator[Watch]:
    """Open the database that is looked at; closed when the block is left."""
    engine = sql.open_database(sql.database_url(paths.database, city.platform.database.url))
    try:
        yield Watch(paths, Store(redis, "sipp", now_us), sql.sessions(engine))
    finally:
        await engine.dispose()
