"""A process takes each city that comes into force; one it can not work with costs it neither its life nor its word."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import redis.asyncio
import structlog.testing

from config import City, load
from config.paths import Paths
from cti import inforce
from cti.app.following import SILENT_US, TAKEN, announce, following, taken
from cti.live import forget_consumers
from tests.waiting import until

pytestmark = pytest.mark.contract

WHO = "engine n1-0001"


@pytest.fixture
async def client(redis_socket: Path) -> AsyncIterator[Any]:
    made: Any = redis.asyncio.Redis(unix_socket_path=str(redis_socket), decode_responses=True)
    yield made
    await made.aclose()


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    sample = Paths.find(tmp_path / "home", environment={}).config_dir
    shutil.copytree(sample, tmp_path / "city")
    return Paths.find(tmp_path / "home", tmp_path / "city", environment={})


def put(paths: Paths, name: str) -> str:
    """Put the city into force under another name; return the generation."""
    settings = paths.config_dir / "platform.yaml"
    now = load(paths.config_dir).platform.city
    settings.write_text(settings.read_text(encoding="utf-8").replace(now, name), encoding="utf-8")
    return inforce.put(paths, load(paths.config_dir))


async def said(client: Any, generation: str, error: str) -> None:
    async def look() -> bool:
        return [(one.who, one.generation, one.error) for one in await taken(client)] == [
            (WHO, generation, error)
        ]

    await until(look, f"{WHO} says {generation!r}, {error!r}")


async def test_a_city_that_a_process_fails_on_is_said_and_the_next_is_taken(
    client: Any, paths: Paths
) -> None:
    first = put(paths, "甲市")
    has = [load(paths.config_dir)]

    def take(city: City) -> None:
        if city.platform.city == "乙市":
            raise LookupError("a city that nobody foresaw")
        has.append(city)

    with structlog.testing.capture_logs() as logs:
        async with following(client, paths, WHO, first, take):
            await said(client, first, "")
            put(paths, "乙市")
            await announce(client, "second")
            await said(client, first, "it failed on it")
            third = put(paths, "丙市")
            await announce(client, "third")
            await said(client, third, "")
    assert [city.platform.city for city in has] == ["甲市", "丙市"]
    assert [entry["log_level"] for entry in logs if entry["event"] == "acd_task_failed"] == ["critical"]
    assert await taken(client) == ()


async def test_the_word_of_a_process_that_was_killed_does_not_stay(client: Any) -> None:
    old = f'{{"generation": "a", "error": "", "at": {10 * SILENT_US}}}'
    await client.hset(TAKEN, mapping={"engine n1-dead": old})
    assert await taken(client) == ()
    assert not await client.exists(TAKEN)


async def test_only_consumers_that_hold_something_are_remembered(client: Any) -> None:
    await client.xgroup_create("{yht}:s", "g", "0", mkstream=True)
    for name in ("holds", "idle"):
        entry = await client.xadd("{yht}:s", {"f": "1"})
        await client.xreadgroup("g", name, {"{yht}:s": ">"})
    await client.xack("{yht}:s", "g", entry)
    await forget_consumers(client, "{yht}:s", "g", 3_600_000)
    assert len(await client.xinfo_consumers("{yht}:s", "g")) == 2
    await forget_consumers(client, "{yht}:s", "g", -1)
    assert [one["name"] for one in await client.xinfo_consumers("{yht}:s", "g")] == ["holds"]
