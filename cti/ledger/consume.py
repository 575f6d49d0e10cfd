"""Takes facts off the stream and stores them, each exactly once, with everything that follows from them.

The facts of a batch, the rows they come to and what projectors make of them are one SQL transaction; the batch is
acknowledged, and taken off the stream, only after its commit. A ledger that is killed anywhere finds the batch
again, and the unique ids of facts make the second telling harmless.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import asyncpg  # type: ignore[import-untyped]
import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncSession

from cti.facts import Fact, encode
from cti.ledger import store
from cti.ledger.entries import Good, Poison, read
from cti.ledger.store import Known
from cti.live import FACTS
from cti.sql import Sessions

GROUP: Final = "ledger"
DEAD: Final = f"{FACTS}:dead"
MAX_DEAD: Final = 10_000
"""Poison kept; the oldest goes first."""
BATCH: Final = 1000
BLOCK_MS: Final = 500
GATHER_SECONDS: Final = 0.5
"""Between two batches that were not full: under load many facts share one commit, and a lone one waits for none."""
CLAIM_IDLE_MS: Final = 60_000
"""A batch that its ledger has held for this long without a word is another's to take."""
CLAIM_SECONDS: Final = 30.0
AWAY_SECONDS: Final = (0.1, 0.5, 2.0, 5.0)
"""How long to wait for a database or a Redis that is away; the last of them again and again."""
# The ids are words of one argument: a client is much longer at packing many.
_TAKE_OFF: Final = """
local ids = {}
for id in string.gmatch(ARGV[2], '%S+') do ids[#ids + 1] = id end
redis.call('XACK', KEYS[1], ARGV[1], unpack(ids))
redis.call('XDEL', KEYS[1], unpack(ids))
return redis.call('XLEN', KEYS[1])
"""
_MAX_ROUNDS: Final = 8
"""Facts that follow from facts that follow from facts: more than this is a projector that turns in circles."""

Projector = Callable[[AsyncSession, Sequence[Fact], Known], Awaitable[Sequence[Fact]]]
"""(session, facts that were really new, all that is known of their calls) → facts that follow from them.

It works in the ledger's transaction and does not commit. What it returns is stored in the same transaction, so it
can neither be lost nor told alone. What is known holds the new facts too, and no other ledger adds to it meanwhile.
"""

AfterCommit = Callable[[Sequence[Fact]], Awaitable[None]]
"""Side effects of facts that are in SQL now, before their batch is acknowledged. A batch may come again after a
kill, so a hook must be able to do its work twice with the result of once."""

_AWAY: Final = (OSError, PoolTimeout, asyncpg.PostgresError, asyncpg.InterfaceError)
# A database's refusal is a StatementError too; that it is away never comes as one of these (`_commit`).
_POISONOUS: Final = (
    ArithmeticError,
    AttributeError,
    LookupError,
    StatementError,
    TypeError,
    ValueError,
)

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Counts:
    """What a ledger has done since it started."""

    read: int = 0
    """Entries of the stream."""
    stored: int = 0
    """Facts that were new, with those that followed from them."""
    dead: int = 0
    """Entries moved to the dead ones, as a whole or for what a projector could not do with them."""
    waiting: int = 0
    """Entries in the stream at the last look."""
    is_waiting_for_sql: bool = False


class Ledger:
    """One consumer of the stream of facts. `consumer` is its name, the same after each start of one process."""

    def __init__(
        self,
        redis: Redis[str],
        sessions: Sessions,
        consumer: str,
        *,
        projectors: Sequence[Projector] = (),
        after: Sequence[AfterCommit] = (),
        batch: int = BATCH,
    ) -> None:
        self._redis: Any = redis
        self._sessions = sessions
        self._consumer = consumer
        self._projectors = tuple(projectors)
        self._after = tuple(after)
        self._batch = batch
        self._claim_at = 0.0
        self.counts = Counts()

    async def run(self, stop: asyncio.Event) -> None:
        """Store facts until `stop` is set; a Redis or a database that is away is waited for."""
        failures = 0
        while not stop.is_set():
            try:
                await self._prepare()
                if await self._catch_up(stop):
                    failures = 0
                    await self._go_on(stop)
            except RedisError as error:
                if not failures:
                    _log.warning("redis_away", error=str(error))
                await _pause(stop, failures)
                failures += 1

    async def _prepare(self) -> None:
        try:
            await self._redis.xgroup_create(FACTS, GROUP, id="0", mkstream=True)
        except ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise
        self._claim_at = 0.0

    async def _catch_up(self, stop: asyncio.Event) -> bool:
        """Do again what this consumer had taken and not acknowledged; False if it was stopped before the end."""
        while not stop.is_set():
            entries = await self._take("0", None)
            if not entries:
                return True
            await self._work(entries, stop)
        return False

    async def _go_on(self, stop: asyncio.Event) -> None:
        loop = asyncio.get_running_loop()
        while not stop.is_set():
            entries: list[Any] = []
            if loop.time() >= self._claim_at:
                entries = await self._of_the_dead()
                if not entries:
                    self._claim_at = loop.time() + CLAIM_SECONDS
            if not entries:
                entries = await self._take(">", BLOCK_MS)
            if entries:
                await self._work(entries, stop)
                if len(entries) < self._batch:
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(stop.wait(), GATHER_SECONDS)
            else:
                self.counts.waiting = await self._redis.xlen(FACTS)

    async def _take(self, after: str, block_ms: int | None) -> list[Any]:
        reply = await self._redis.xreadgroup(GROUP, self._consumer, {FACTS: after}, self._batch, block_ms)
        if isinstance(reply, dict):
            return [tuple(entry) for blocks in reply.values() for block in blocks for entry in block]
        return [tuple(entry) for _, block in reply or () for entry in block]

    async def _of_the_dead(self) -> list[Any]:
        found = await self._redis.xautoclaim(FACTS, GROUP, self._consumer, CLAIM_IDLE_MS, count=self._batch)
        return list(found[1])

    async def _work(self, entries: Sequence[Any], stop: asyncio.Event) -> None:
        """Store a batch and acknowledge it; where `stop` comes first it stays this consumer's."""
        good, bad = read((str(entry_id), values) for entry_id, values in entries)
        self.counts.read += len(entries)
        await self._bury(bad)
        gone = [str(entry_id) for entry_id, values in entries if values is None]
        if await self._store(good, stop):
            await self._acknowledge([*gone, *(entry.entry_id for entry in good)])

    async def _store(self, entries: Sequence[Good], stop: asyncio.Event) -> bool:
        """Commit a batch, however long SQL is away; False if `stop` came first.

        A batch that can not be stored is parted until the one entry is found that is to blame.
        """
        if not entries:
            return True
        facts = tuple(entry.fact for entry in entries)
        try:
            return await self._commit(facts, self._projectors, stop)
        except _POISONOUS as error:
            if len(entries) == 1:
                return await self._store_alone(entries[0], stop)
            _log.warning("batch_parted", entries=len(entries), error=_kind(error))
        middle = len(entries) // 2
        first = await self._store(entries[:middle], stop)
        return await self._store(entries[middle:], stop) and first

    async def _store_alone(self, entry: Good, stop: asyncio.Event) -> bool:
        """Store one fact that was refused: once more as it is, then without what projectors make of it."""
        reasons = []
        for projectors in (self._projectors, ()):
            try:
                done = await self._commit((entry.fact,), projectors, stop)
            except _POISONOUS as error:
                reasons.append(_told(error))
            else:
                if done and reasons:
                    await self._refused(entry, f"stored, but not worked on: {reasons[0]}")
                return done
        await self._refused(entry, f"not stored: {reasons[-1]}")
        return True

    async def _refused(self, entry: Good, why: str) -> None:
        fact = entry.fact
        _log.error("fact_refused", call_id=fact.call_id, kind=fact.kind, fact_id=fact.fact_id)
        await self._note_dead([Poison(entry.entry_id, encode(fact), why)])

    async def _commit(
        self, facts: tuple[Fact, ...], projectors: Sequence[Projector], stop: asyncio.Event
    ) -> bool:
        """Commit and run the hooks, waiting while SQL is away. Raises what says that the facts are to blame."""
        failures = 0
        while not stop.is_set():
            try:
                new = await self._transaction(facts, projectors)
            except (DBAPIError, *_AWAY) as error:
                if _is_refusal(error):
                    raise
                if not failures:
                    _log.warning("sql_away", error=_told(error))
                self.counts.is_waiting_for_sql = True
                await _pause(stop, failures)
                failures += 1
                continue
            if failures:
                _log.info("sql_back")
            self.counts.is_waiting_for_sql = False
            self.counts.stored += len(new)
            told = {fact.fact_id: fact for fact in (*facts, *new)}
            for hook in self._after:
                await hook(tuple(told.values()))
            return True
        return False

    async def _transaction(self, facts: Sequence[Fact], projectors: Sequence[Projector]) -> tuple[Fact, ...]:
        """Store facts and all that follows from them in one transaction; return those that were new."""
        async with self._sessions.begin() as session:
            new = await store.insert_new(session, facts)
            told = [*new]
            for _ in range(_MAX_ROUNDS):
                if not new:
                    return tuple(told)
                known = await store.project_calls(session, new)
                following: list[Fact] = []
                for projector in projectors:
                    following += await projector(session, new, known)
                new = await store.insert_new(session, following)
                told += new
            raise ValueError(f"facts follow from facts without end, the last {new[-1].kind!r}")

    async def _acknowledge(self, entry_ids: Sequence[str]) -> None:
        if not entry_ids:
            return
        self.counts.waiting = await self._redis.eval(_TAKE_OFF, 1, FACTS, GROUP, " ".join(entry_ids))

    async def _bury(self, poison: Sequence[Poison]) -> None:
        for entry in poison:
            _log.error("fact_unreadable", entry=entry.entry_id, error=entry.error)
        await self._note_dead(poison)
        await self._acknowledge([entry.entry_id for entry in poison])

    async def _note_dead(self, poison: Sequence[Poison]) -> None:
        if not poison:
            return
        async with self._redis.pipeline(transaction=True) as step:
            for entry in poison:
                fields = {
                    "f": entry.text[:10_000],
                    "error": entry.error[:500],
                    "entry": entry.entry_id,
                    "at": time.time_ns() // 1000,
                }
                step.xadd(DEAD, fields, maxlen=MAX_DEAD)
            await step.execute()
        self.counts.dead += len(poison)


def _is_refusal(error: BaseException) -> bool:
    """Whether the database refuses the data itself; anything else it says may be over in a moment."""
    if isinstance(error, DataError | IntegrityError):
        return True
    state = getattr(error.orig, "sqlstate", None) if isinstance(error, DBAPIError) else None
    return isinstance(state, str) and state[:2] in ("22", "23")


def _kind(error: BaseException) -> str:
    return type(error.orig if isinstance(error, DBAPIError) and error.orig else error).__name__


def _told(error: BaseException) -> str:
    """What went wrong, in one line without the statement. A refusal may quote a citizen: not for a log."""
    inner = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    return f"{type(inner).__name__}: {(str(inner).splitlines() or [''])[0][:300]}"


async def _pause(stop: asyncio.Event, failures: int) -> None:
    seconds = AWAY_SECONDS[min(failures, len(AWAY_SECONDS) - 1)]
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
