"""Asks everybody how they are, at once and with a deadline; whoever does not answer is part of the answer."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterable, Mapping
from typing import Any, Final

from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy import text

from config import City
from config.paths import Paths
from cti import live, sql
from cti.app.process import SILENT_SECONDS
from cti.app.status.model import UP, Status, Usage, processes, tally
from cti.app.supervisor import home, pids
from cti.app.supervisor.state import State
from cti.app.views.agents import agents
from cti.app.views.queues import QueueView, queues
from cti.clock import now_us

ANSWER_SECONDS: Final = 2.0
SAMPLE_SECONDS: Final = 0.25
"""How long processes are watched to tell what they take of a core just now."""


async def gather(city: City, paths: Paths) -> Status:
    """Return how the platform of a home is. Never raises for what does not answer."""
    now = now_us()
    supervised = home.known_state(paths)
    if supervised is not None and not pids.is_alive(supervised.process):
        supervised = None
    if supervised is None and not _may_run_elsewhere(city, paths):
        return Status(str(paths.home), city.platform.city, now, 0)
    (link, told, waiting, people), database = await asyncio.gather(
        _ask_redis(city, paths, now), _ask_database(city, paths)
    )
    usage = await asyncio.to_thread(_usage, _pids(supervised, told, city.platform.node))
    silent_since = now - SILENT_SECONDS * 1_000_000 if link == UP else 0
    running = processes(supervised, told, usage, city.platform.node, silent_since)
    engine = next((process for process in running if process.name == "engine"), None)
    manager = engine.health.get("ami", "") if engine else ""
    links = {"redis": link, "sql": database, "ami": manager or "no engine says how it is"}
    return Status(
        str(paths.home),
        city.platform.city,
        now,
        supervised.pid if supervised else 0,
        running,
        links if running else {},
        waiting,
        people,
    )


def _may_run_elsewhere(city: City, paths: Paths) -> bool:
    """Whether processes may run that no supervisor of ours started (systemd's, other machines')."""
    return city.platform.redis.url is not None or paths.redis_socket.exists()


Answer = tuple[str, list[Mapping[str, str]], tuple[QueueView, ...], Mapping[str, int]]


async def _ask_redis(city: City, paths: Paths, now: int) -> Answer:
    try:
        async with asyncio.timeout(ANSWER_SECONDS), live.connect(city, paths) as redis:
            told = await _hashes(redis)
            waiting = await queues(redis, city, now)
            people = tally(agent.state for agent in await agents(redis, city))
            return UP, told, waiting, people
    except TimeoutError:
        return f"no answer in {ANSWER_SECONDS:g} s", [], (), {}
    except (RedisError, OSError) as error:
        return " ".join(str(error).split()) or type(error).__name__, [], (), {}


async def _hashes(redis: Redis[str]) -> list[Mapping[str, str]]:
    keys = [key async for key in redis.scan_iter(match=f"{live.PREFIX}process:*", count=1000)]
    async with redis.pipeline(transaction=False) as step:
        for key in keys:
            step.hgetall(key)
        found: list[Any] = await step.execute()
    return [row for row in found if row]


async def _ask_database(city: City, paths: Paths) -> str:
    url = sql.database_url(paths.database, city.platform.database.url)
    if url.startswith("sqlite") and not paths.database.exists():
        return f"{paths.database} is not there"
    database = sql.open_database(url)
    try:
        async with asyncio.timeout(ANSWER_SECONDS), database.connect() as connection:
            await connection.execute(text("SELECT 1"))
    except TimeoutError:
        return f"no answer in {ANSWER_SECONDS:g} s"
    except sql.AWAY as error:
        return " ".join(str(getattr(error, "orig", None) or error).split())[:200]
    else:
        return UP
    finally:
        await database.dispose()


def _pids(supervised: State | None, told: Iterable[Mapping[str, str]], node: str) -> set[int]:
    own = {part.pid for part in supervised.processes.values()} if supervised else set()
    others = {int(row["pid"]) for row in told if row.get("node") == node and row.get("pid", "").isdigit()}
    return (own | others) - {0}


def _usage(wanted: Iterable[int]) -> dict[int, Usage]:
    """Watch processes for a moment."""
    tick, page = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
    before = {pid: stat for pid in wanted if (stat := pids.stat_of(pid))}
    begun = time.monotonic()
    time.sleep(SAMPLE_SECONDS)
    seconds = time.monotonic() - begun
    found = {}
    for pid, first in before.items():
        last = pids.stat_of(pid)
        if last is not None and last.started == first.started:
            used = (last.cpu_ticks - first.cpu_ticks) / tick
            found[pid] = Usage(last.pages * page, 100 * used / seconds)
    return found
