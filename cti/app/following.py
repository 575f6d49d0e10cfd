"""Keeps a process on the city that is in force: told by a Redis stream, read from the home, said to be taken.

`{yht}:config` holds one entry for each time a city was put in force. A process that was away while it was told
finds out by the last entry when it is back. `{yht}:config:taken` says which process has which.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, Final

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from acd.lanes import Tasks
from config import City, ConfigError, load
from config.paths import Paths
from cti import inforce
from cti.clock import now_us
from cti.live import PREFIX

CONFIG: Final = f"{PREFIX}config"
TAKEN: Final = f"{PREFIX}config:taken"
MOST_ENTRIES: Final = 100
BLOCK_MS: Final = 2000
"""Well under the five seconds after which redis-py takes a silent connection for dead."""
SILENT_US: Final = 15_000_000
"""Who has said nothing for this long (µs) is gone and is not waited for."""
_AWAY_SECONDS: Final = 0.5

Take = Callable[[City], None]

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Taken:
    """What one process said: which city it has, and why it has no other, "" if all is well."""

    who: str
    generation: str
    error: str
    at: int


async def announce(redis: Redis[str], generation: str) -> None:
    """Tell every process that a city is in force. Raises redis' errors."""
    await redis.xadd(CONFIG, {"generation": generation}, maxlen=MOST_ENTRIES)


async def taken(redis: Redis[str]) -> tuple[Taken, ...]:
    """Return what the living processes say. Raises redis' errors."""
    found = []
    for who, text in (await redis.hgetall(TAKEN)).items():
        said = json.loads(text)
        if said["at"] > now_us() - SILENT_US:
            found.append(Taken(who, said["generation"], said["error"], said["at"]))
        else:  # killed; each engine has a name of its own, and they would be more and more
            await redis.hdel(TAKEN, who)
    return tuple(sorted(found, key=lambda one: one.who))


@contextlib.asynccontextmanager
async def following(redis: Redis[str], paths: Paths, who: str, has: str, take: Take) -> AsyncIterator[None]:
    """Have `take` called with each city that comes into force. `has` is the name of the one it began with.

    Where `take` raises, the process keeps the city it has and says so: its calls are worth more than a change.
    """
    tasks = Tasks()
    tasks.keep(_Follower(redis, paths, who, has, take).run, "config-following")
    try:
        yield
    finally:
        await tasks.stop()
        with contextlib.suppress(RedisError, OSError, TimeoutError):
            async with asyncio.timeout(0.3):
                await redis.hdel(TAKEN, who)


class _Follower:
    def __init__(self, redis: Redis[str], paths: Paths, who: str, has: str, take: Take) -> None:
        self._redis: Any = redis
        self._paths = paths
        self._who = who
        self._has = has
        self._take = take
        self._error = ""
        self._failed = ""
        """The city that `take` failed on; it is not tried again."""

    async def run(self) -> None:
        while True:
            try:
                await self._follow()
            except (RedisError, OSError) as error:
                _log.warning("config_following_away", reason=str(error))
                await asyncio.sleep(_AWAY_SECONDS)

    async def _follow(self) -> None:
        last = await self._redis.xrevrange(CONFIG, count=1)
        cursor = "0"
        if last:
            cursor = last[0][0]
            await self._look()
        await self._say()
        while True:
            told = await self._redis.xread({CONFIG: cursor}, block=BLOCK_MS)
            for _, entries in told or ():
                cursor = entries[-1][0]
                await self._look()
            await self._say()

    async def _look(self) -> None:
        """Take what is in force now, however often it was told meanwhile."""
        folder = inforce.folder(self._paths)
        if folder is None or folder.name == self._has:
            self._error = ""
            return
        if folder.name == self._failed:
            return
        self._failed, self._error = folder.name, "it failed on it"
        try:
            # In a thread: a large city takes a second to read, and calls must not wait for it.
            city = await asyncio.to_thread(load, folder)
            self._take(city)
        except ConfigError as error:
            self._error = str(error.problems[0])
            _log.error("config_not_taken", generation=folder.name, reason=self._error)
            return
        except OSError:
            self._failed = ""
            raise
        self._has, self._failed, self._error = folder.name, "", ""
        _log.info("config_taken", generation=self._has, hotlines=len(city.hotlines))

    async def _say(self) -> None:
        said = {"generation": self._has, "error": self._error, "at": now_us()}
        await self._redis.hset(TAKEN, self._who, json.dumps(said, ensure_ascii=False))
