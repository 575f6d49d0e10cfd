"""Facts that come together are stored together, and one that comes after a silence waits for nobody."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from redis.asyncio import Redis

from cti.facts import Fact, encode
from cti.journal import Follower, follow
from cti.journal.inotify import FolderWatch
from cti.ledger import Ledger, consume
from cti.live import FACTS
from cti.sql import open_database, sessions
from tests.contract.journal_writer import append, facts_in, records
from tests.waiting import until

pytestmark = pytest.mark.contract

FOR_EVER = 3600.0


@pytest.fixture
async def redis(redis_socket: Path) -> AsyncIterator[Redis[str]]:
    client: Redis[str] = Redis(unix_socket_path=str(redis_socket), decode_responses=True)
    async with client:
        yield client


class Commits:
    """A hook of the ledger: which facts each commit stored."""

    def __init__(self) -> None:
        self.told: list[set[str]] = []

    async def __call__(self, facts: Sequence[Fact]) -> None:
        self.told.append({fact.fact_id for fact in facts})


async def _tell(redis: Redis[str], facts: Sequence[Fact]) -> None:
    for fact in facts:
        await redis.xadd(FACTS, {"f": encode(fact)})


async def test_a_lone_fact_is_stored_at_once_and_those_after_it_share_a_commit(
    redis: Redis[str], database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consume, "GATHER_SECONDS", 1.0)
    first, *rest = facts_in(records("answered")).values()
    engine = open_database(database)
    commits = Commits()
    stop = asyncio.Event()
    task = asyncio.create_task(Ledger(redis, sessions(engine), "n1", after=[commits]).run(stop))

    async def stored(count: int) -> bool:
        return sum(map(len, commits.told)) >= count

    await _tell(redis, [first])
    await until(lambda: stored(1), "the first fact is stored")
    begun = asyncio.get_running_loop().time()
    await _tell(redis, rest)
    took = asyncio.get_running_loop().time() - begun
    await until(lambda: stored(1 + len(rest)), "the others are stored")
    assert commits.told[0] == {first.fact_id}
    if took < 0.5:  # else the machine was too slow to tell them in time
        assert len(commits.told) == 2
    stop.set()
    await task
    await engine.dispose()


async def test_a_stop_does_not_wait_for_what_is_gathered(
    redis: Redis[str], database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consume, "GATHER_SECONDS", FOR_EVER)
    monkeypatch.setattr(follow, "GATHER_SECONDS", FOR_EVER)
    lines = records("answered")
    journal = tmp_path / "journal" / "calls.json"
    journal.parent.mkdir()
    append(journal, lines[0])
    engine = open_database(database)
    ledger, follower = Ledger(redis, sessions(engine), "n1"), Follower(journal, "n1", redis)
    stop = asyncio.Event()
    tasks = [asyncio.create_task(part.run(stop)) for part in (ledger, follower)]

    async def stored() -> bool:
        return ledger.counts.stored == len(facts_in(lines[:1]))

    await until(stored, "the first record is read and stored at once")
    append(journal, *lines[1:])
    stop.set()
    await asyncio.wait_for(asyncio.gather(*tasks), 20)
    assert follower.counts.appended == len(facts_in(lines))
    await engine.dispose()


async def test_what_happens_in_a_folder_while_nobody_waits_is_not_missed(tmp_path: Path) -> None:
    stop = asyncio.Event()
    with FolderWatch(tmp_path) as watch:
        watch.clear()
        (tmp_path / "a").write_bytes(b"1")
        assert await watch.wait(stop, 20)
        watch.clear()
        assert not await watch.wait(stop, 0.01)
        for number in range(5000):  # more than is forgotten at once
            (tmp_path / f"b{number}").touch()
        watch.clear()
        (tmp_path / "a").rename(tmp_path / "c")
        assert await watch.wait(stop, 20)
        stop.set()
        watch.clear()
        await watch.wait(stop, FOR_EVER)
