"""Whether the desk can do its work: it lives, and its neighbours answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from cti import sql

ANSWER_SECONDS: Final = 2.0

Check = Callable[[], Awaitable[None]]
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Health:
    """What `/health` says. `neighbours` maps a name to whether it answered."""

    neighbours: Mapping[str, bool]

    @property
    def good(self) -> bool:
        """Whether everything answered."""
        return all(self.neighbours.values())

    def as_json(self) -> dict[str, Any]:
        """Keys: live (the process answers), good, and one per neighbour ("good" or "away")."""
        states = {name: "good" if answered else "away" for name, answered in self.neighbours.items()}
        return {"live": True, "good": self.good, **states}


async def look(checks: Mapping[str, Check]) -> Health:
    """Ask every neighbour at once. Why one does not answer is for the log, not for whoever asks over HTTP."""
    answers = await asyncio.gather(*(_answers(name, check) for name, check in checks.items()))
    return Health(dict(zip(checks, answers, strict=True)))


async def _answers(name: str, check: Check) -> bool:
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            await check()
    except (*sql.AWAY, RedisError, TimeoutError) as error:
        _log.warning("neighbour_away", neighbour=name, error=str(error) or type(error).__name__)
        return False
    return True


def checks(redis: Redis[str], database: AsyncEngine) -> dict[str, Check]:
    """Return how each neighbour of the desk is asked."""

    async def ask_redis() -> None:
        await redis.ping()

    async def ask_database() -> None:
        async with database.connect() as connection:
            await connection.execute(text("SELECT 1"))

    return {"redis": ask_redis, "sql": ask_database}
