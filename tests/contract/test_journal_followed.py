"""The journal's file and a real Redis: every fact gets into the stream once, whatever happens to file or follower."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path

import pytest
from redis.asyncio import Redis

from cti.journal import Follower
from cti.journal.follow import LOOK_SECONDS, key
from cti.live import FACTS
from tests.contract.journal_writer import append, facts_in, many, records, rotate, write
from tests.waiting import until

pytestmark = pytest.mark.contract


@pytest.fixture
async def redis(redis_socket: Path) -> AsyncIterator[Redis[str]]:
    client: Redis[str] = Redis(unix_socket_path=str(redis_socket), decode_responses=True)
    yield client
    await client.aclose()


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    folder = tmp_path / "journal"
    folder.mkdir()
    return folder / "calls.json"


@asynccontextmanager
async def following(journal: Path, redis: Redis[str], **options: int) -> AsyncIterator[Follower]:
    follower = Follower(journal, "n1", redis, **options)
    stop = asyncio.Event()
    task = asyncio.create_task(follower.run(stop))
    try:
        yield follower
    finally:
        stop.set()
        await task


async def told(redis: Redis[str]) -> list[str]:
    """The ids of the facts in the stream, in its order."""
    return [json.loads(fields["f"])["fact_id"] for _, fields in await redis.xrange(FACTS)]


async def all_told(redis: Redis[str], lines: list[bytes]) -> None:
    expected = sorted(facts_in(lines))

    async def look() -> bool:
        return len(await told(redis)) >= len(expected)

    await until(look, "the stream holds what the journal tells")
    assert sorted(await told(redis)) == expected


async def test_a_record_is_in_the_stream_within_moments(journal: Path, redis: Redis[str]) -> None:
    first, *rest = records("answered")
    append(journal, first)
    async with following(journal, redis):
        await all_told(redis, [first])
        begun = time.monotonic()
        append(journal, *rest)
        await all_told(redis, [first, *rest])
        assert time.monotonic() - begun < LOOK_SECONDS / 2


async def test_a_journal_that_comes_later_than_its_follower_is_read(journal: Path, redis: Redis[str]) -> None:
    lines = records("answered")
    async with following(journal, redis):
        append(journal, *lines)
        await all_told(redis, lines)


async def test_half_a_record_waits_for_its_end(journal: Path, redis: Redis[str]) -> None:
    lines = records("answered")
    async with following(journal, redis) as follower:
        append(journal, *lines[:-1], lines[-1][:100])
        await all_told(redis, lines[:-1])
        append(journal, lines[-1][100:])
        await all_told(redis, lines)
        assert follower.counts.broken == 0


async def test_rubbish_is_counted_and_stops_nothing(journal: Path, redis: Redis[str]) -> None:
    lines = records("answered")
    async with following(journal, redis) as follower:
        append(
            journal, lines[0], b"\xff\xfe no record\n", b'{"eventtype":"x"}\n', os.urandom(5000), *lines[1:]
        )
        await all_told(redis, lines)
        assert follower.counts.broken == 2


async def test_a_renamed_file_is_read_to_its_end_before_the_new_one(journal: Path, redis: Redis[str]) -> None:
    lines = list(many(20))
    async with following(journal, redis):
        append(journal, *lines[:100])
        rotate(journal, "calls.json.1")
        append(journal, *lines[100:])
        await all_told(redis, lines)
    assert await told(redis) == list(facts_in(lines))


async def test_files_that_were_rotated_while_nobody_followed_are_all_read(
    journal: Path, redis: Redis[str]
) -> None:
    lines = list(many(20))
    append(journal, *lines[:50])
    async with following(journal, redis):
        await all_told(redis, lines[:50])
    append(journal, *lines[50:80])
    rotate(journal, "calls.json.2")
    append(journal, *lines[80:130])
    rotate(journal, "calls.json.1")
    append(journal, *lines[130:])
    async with following(journal, redis) as follower:
        await all_told(redis, lines)
        assert follower.counts.started_over == 0
    assert await told(redis) == list(facts_in(lines))


async def test_an_old_file_may_be_removed_once_it_is_read(journal: Path, redis: Redis[str]) -> None:
    lines = list(many(10))
    async with following(journal, redis):
        append(journal, *lines[:50])
        old = rotate(journal, "calls.json.1")
        await all_told(redis, lines[:50])
        os.unlink(old)
        append(journal, *lines[50:])
        await all_told(redis, lines)


async def test_a_file_that_is_cut_off_is_read_from_its_start(journal: Path, redis: Redis[str]) -> None:
    first, second = records("answered", 1), records("abandoned", 2)
    async with following(journal, redis) as follower:
        append(journal, *first)
        await all_told(redis, first)
        os.truncate(journal, 0)
        append(journal, *second)
        await all_told(redis, first + second)
        assert follower.counts.started_over == 1


async def test_another_file_in_the_place_of_the_old_one_is_told_from_it(
    journal: Path, redis: Redis[str]
) -> None:
    """An inode is used again once its file is gone; only what the file begins with tells the two apart."""
    first, second = records("abandoned", 1), records("returned_then_answered", 2)
    append(journal, *first)
    async with following(journal, redis):
        await all_told(redis, first)
    write(journal, second)
    async with following(journal, redis) as follower:
        await all_told(redis, first + second)
        assert follower.counts.started_over == 1


async def test_a_follower_that_starts_again_tells_nothing_twice(journal: Path, redis: Redis[str]) -> None:
    lines = list(many(10))
    for start, end in pairwise((0, 1, 2, 57, 58, len(lines))):
        append(journal, *lines[start:end])
        async with following(journal, redis):
            await all_told(redis, lines[:end])
    assert await told(redis) == list(facts_in(lines))


async def test_two_followers_of_one_journal_tell_everything_once(journal: Path, redis: Redis[str]) -> None:
    lines = list(many(30))
    async with following(journal, redis), following(journal, redis):
        for line in lines:
            append(journal, line)
            await asyncio.sleep(0)
        await all_told(redis, lines)


async def test_an_emptied_redis_is_filled_again_from_the_beginning(journal: Path, redis: Redis[str]) -> None:
    lines = list(many(10))
    async with following(journal, redis):
        append(journal, *lines[:50])
        await all_told(redis, lines[:50])
        await redis.flushall()
        append(journal, *lines[50:])
        await all_told(redis, lines)


async def test_a_redis_that_was_emptied_in_a_quiet_hour_is_noticed(journal: Path, redis: Redis[str]) -> None:
    lines = records("answered")
    append(journal, *lines)
    async with following(journal, redis):
        await all_told(redis, lines)
        await redis.flushall()
        await all_told(redis, lines)


async def test_the_journal_waits_when_nobody_takes_facts_off_the_stream(
    journal: Path, redis: Redis[str]
) -> None:
    lines = list(many(400))
    write(journal, lines)
    async with following(journal, redis, max_waiting=100) as follower:

        async def begun() -> bool:
            return await redis.xlen(FACTS) > 100

        await until(begun, "the stream is full")
        full = await redis.xlen(FACTS)
        assert full < len(facts_in(lines))
        assert follower.lag() > 0


async def test_the_position_is_where_the_seams_say(journal: Path, redis: Redis[str]) -> None:
    lines = records("answered")
    append(journal, *lines)
    async with following(journal, redis) as follower:
        await all_told(redis, lines)
        assert follower.lag() == 0
    position = await redis.hgetall(key("n1"))
    assert key("n1") == "{yht}:journal:n1"
    assert (int(position["inode"]), int(position["offset"])) == (
        os.stat(journal).st_ino,
        os.stat(journal).st_size,
    )
