"""The ledger's process: Asterisk's journal → stream → SQL, and what follows from a call once it is in SQL.

Put together of parts that know nothing of each other: the follower, the ledger with the opening of cases as its
projector and the jobs for transcripts as its hook, callback requests from disk, the closing of calls that ended
with their Asterisk, a new file for the journal when it has grown large, and the clock of cases.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import asyncpg  # type: ignore[import-untyped]
import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from caselink import Opening, take_up
from caselink.clock import Clock
from caselink.rulebook import Rulebook
from config import City
from config.paths import Paths
from cti import live
from cti.app.commands.common import Where
from cti.app.following import following
from cti.app.process import Ready, Value
from cti.app.transcription import AskForTranscripts
from cti.facts import Fact, encode
from cti.journal import Follower
from cti.journal.inotify import FolderWatch
from cti.journal.rotate import MOST_BYTES, rotate
from cti.ledger import Ledger, lost
from cti.sql import Sessions, database_url, open_database, sessions
from ivr.calendar import Calendar

DRAIN_SECONDS: Final = 4.0
"""How long a stop waits for what the last calls have told to be in SQL; the rest is done at the next start."""
LOOK_SECONDS: Final = 10.0
"""How often to look for callback requests and for calls that ended with their Asterisk, without being woken."""

_AWAY: Final = (RedisError, SQLAlchemyError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError)

_log = structlog.get_logger(__name__)


async def main(where: Where, ready: Ready, stop: asyncio.Event) -> None:
    """Run until `stop` is set (cti.app.process tells the rules)."""
    city, paths = where.city(), where.paths
    engine = open_database(database_url(paths.database, city.platform.database.url))
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(engine.dispose)
        redis = await stack.enter_async_context(live.connect(city, paths))
        process = Process(city, paths, redis, sessions(engine))
        ready(process.health)
        who = f"ledger {city.platform.node}"
        await stack.enter_async_context(following(redis, paths, who, where.generation, process.take))
        await process.run(stop)


class Process:
    """The parts of one ledger. `redis` decodes its replies; whoever makes the process closes it."""

    def __init__(
        self,
        city: City,
        paths: Paths,
        redis: Redis[str],
        made: Sessions,
        look_seconds: float = LOOK_SECONDS,
        journal_bytes: int = MOST_BYTES,
    ) -> None:
        node = city.platform.node
        self._city = city
        self._paths = paths
        self._redis: Any = redis
        self._sessions = made
        self._look_seconds = look_seconds
        self._journal_bytes = journal_bytes
        self._transcripts = AskForTranscripts(redis, made)
        self._rulebook = rulebook_of(city)
        self._clock = Clock(made, lambda: self._rulebook)
        self._follower = Follower(paths.journal, node, redis)
        self._ledger = Ledger(
            redis,
            made,
            node,
            projectors=(Opening(lambda: self._city).project,),
            after=(self._transcripts,),
        )

    def take(self, city: City) -> None:
        """Open cases and limit their time as another city says from now on."""
        self._city, self._rulebook = city, rulebook_of(city)
        self._clock.recheck()

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set, then store what is there already, for a few seconds at most."""
        drained = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            following = group.create_task(self._follower.run(stop), name="follow")
            group.create_task(self._ledger.run(drained), name="store")
            group.create_task(self._tend(stop), name="tend")
            group.create_task(self._clock.run(stop), name="clock")
            await stop.wait()
            await following
            await self._drain()
            drained.set()

    def health(self) -> Mapping[str, Value]:
        """Return what `yht status` shows."""
        follower, ledger = self._follower.counts, self._ledger.counts
        trouble = ""
        if ledger.is_waiting_for_sql:
            trouble = "the database is not in reach; facts wait in Redis and nothing is lost"
        elif ledger.dead:
            trouble = f"{ledger.dead} facts could not be worked on; they are kept aside"
        return {
            "journal_lag_bytes": self._follower.lag(),
            "journal_records": follower.records,
            "facts_appended": follower.appended,
            "facts_read": ledger.read,
            "facts_stored": ledger.stored,
            "facts_dead": ledger.dead,
            "facts_pending": ledger.waiting,
            "case_deeds": self._clock.deeds,
            "transcripts_asked": self._transcripts.asked,
            "refused_journal_lines": follower.broken,
            "refused_facts": ledger.dead,
            "trouble": trouble,
        }

    async def _drain(self) -> None:
        with contextlib.suppress(TimeoutError, RedisError):
            async with asyncio.timeout(DRAIN_SECONDS):
                while await self._redis.xlen(live.FACTS):  # noqa: ASYNC110 - the stream tells nobody that it is empty
                    await asyncio.sleep(0.02)

    async def _tend(self, stop: asyncio.Event) -> None:
        """Do the rare work beside the stream, each as soon as there is something to do."""
        self._paths.callbacks.mkdir(mode=0o750, parents=True, exist_ok=True)
        with FolderWatch(self._paths.callbacks) as watch:
            while not stop.is_set():
                watch.clear()
                await _unless_away("callbacks_wait", self._take_up_callbacks)
                await _unless_away("lost_calls_wait", self._close_lost_calls)
                await _unless_away("journal_not_rotated", self._rotate_journal)
                await watch.wait(stop, self._look_seconds)

    async def _take_up_callbacks(self) -> None:
        await take_up(self._paths.callbacks, self._sessions, self._city, self._append)

    async def _close_lost_calls(self) -> None:
        """End in the books what ended with an earlier Asterisk, once all it wrote is stored."""
        started_at = self._asterisk_started_at()
        if started_at is None or self._follower.lag() or await self._redis.xlen(live.FACTS):
            return
        async with self._sessions() as session:
            facts = await lost.unfinished(session, self._city.platform.node, started_at)
        for ending in lost.endings(facts):
            await self._append(ending)
            if ending.kind == "call_ended":
                _log.warning("call_lost_with_asterisk", call_id=ending.call_id)

    async def _rotate_journal(self) -> None:
        most = self._journal_bytes
        if self._follower.lag() < most and (older := rotate(self._paths.journal, most)):
            _log.info("journal_rotated", older=older.name)

    def _asterisk_started_at(self) -> int | None:
        """When the Asterisk that runs now made its control socket; it does so before any call can come in."""
        try:
            return (self._paths.run / "asterisk.ctl").stat().st_mtime_ns // 1000
        except OSError:
            return None

    async def _append(self, fact: Fact) -> None:
        await self._redis.xadd(live.FACTS, {"f": encode(fact)})


def rulebook_of(city: City) -> Rulebook:
    """Return what a city says about working on cases."""
    return Rulebook.of(city, Calendar(city.platform.days_off, city.platform.workdays))


async def _unless_away(event: str, work: Callable[[], Awaitable[None]]) -> None:
    try:
        await work()
    except (*_AWAY, ValueError) as error:  # a request that can not be taken up must not stop the journal
        _log.warning(event, error=type(error).__name__)
