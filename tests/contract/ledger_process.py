"""One ledger in a process of its own, so that a test can kill it: ledger_process HOME REDIS_URL."""

from __future__ import annotations

import asyncio
import signal
import sys
from dataclasses import replace
from pathlib import Path

from redis.asyncio import Redis

from config.paths import Paths
from config.schema.platform import Url
from cti import live
from cti.app.ledger import Process
from cti.sql import database_url, open_database, sessions
from tests.contract.cities import small_city


def paths_of(home: Path) -> Paths:
    """The folders of a platform that has nothing but a ledger."""
    return Paths(home=home, config_dir=home, checkout=home, opt=home)


def process_of(home: Path, redis_url: str, **options: int) -> tuple[Process, Redis[str]]:
    """A ledger of the small city, and the Redis it uses."""
    city = small_city()
    city = replace(city, platform=city.platform.model_copy(update={"redis": Url(url=redis_url)}))
    paths = paths_of(home)
    redis = live.connect(city, paths)
    engine = open_database(database_url(paths.database, None))
    return Process(city, paths, redis, sessions(engine), look_seconds=0.2, **options), redis


async def main(home: Path, redis_url: str) -> None:
    process, _ = process_of(home, redis_url)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await process.run(stop)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
