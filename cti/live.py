"""The Redis in which the parts of the platform meet: where it is and how it is opened."""

from __future__ import annotations

from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as RedisConnectionError

from config import City
from config.paths import Paths

PREFIX = "{yht}:"
"""Every key starts with it, so that a cluster keeps them in one slot."""
FACTS = f"{PREFIX}facts"
LIVE = f"{PREFIX}live"


def redis_url(city: City, paths: Paths) -> str:
    """Return the city's own Redis, else the private one on its unix socket."""
    return city.platform.redis.url or f"unix://{paths.redis_socket}"


def connect(city: City, paths: Paths) -> Redis[str]:
    """Open Redis; replies are texts. A command that finds the connection broken is tried again for a moment."""
    client: Redis[str] = Redis.from_url(
        redis_url(city, paths),
        decode_responses=True,
        # One writer's broken bytes must not stop every reader of a stream.
        encoding_errors="replace",
        health_check_interval=15,
        retry=Retry(ExponentialBackoff(cap=0.5, base=0.02), 5),
        retry_on_error=[RedisConnectionError],
    )
    return client


async def forget_consumers(redis: Redis[str], stream: str, group: str, idle_ms: int) -> None:
    """Take consumers out of a group that hold nothing and were not heard of for so long.

    Each process has a name of its own and those that are killed can not leave. Raises redis' errors.
    """
    client: Any = redis  # its types do not know these commands
    for consumer in await client.xinfo_consumers(stream, group):
        if not consumer["pending"] and consumer["idle"] > idle_ms:
            await client.xgroup_delconsumer(stream, group, consumer["name"])
