"""The ledger on a real Redis and both databases: every fact exactly once, and nothing that is wrong stops it."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from cti.facts import Fact, encode
from cti.ledger import DEAD, GROUP, Known, Ledger, facts_of, project, store
from cti.live import FACTS
from cti.sql import Base, Sessions, database_url, open_database, sessions
from cti.tables import CallRow, FactRow, LegRow
from tests.contract.journal_writer import facts_in, many, records
from tests.waiting import until

pytestmark = pytest.mark.contract


@pytest.fixture
async def redis(redis_socket: Path) -> AsyncIterator[Redis[str]]:
    client: Redis[str] = Redis(
        unix_socket_path=str(redis_socket), decode_responses=True, encoding_errors="replace"
    )
    yield client
    await client.aclose()


@asynccontextmanager
async def running(ledger: Ledger) -> AsyncIterator[Ledger]:
    stop = asyncio.Event()
    task = asyncio.create_task(ledger.run(stop))
    try:
        yield ledger
    finally:
        stop.set()
        await task


async def tell(redis: Redis[str], facts: Iterable[Fact]) -> None:
    async with redis.pipeline(transaction=False) as step:
        for fact in facts:
            step.xadd(FACTS, {"f": encode(fact)})
        await step.execute()


async def worked_off(redis: Redis[str]) -> None:
    async def look() -> bool:
        return not await redis.xlen(FACTS)

    await until(look, "the stream is worked off")
    assert (await redis.xpending(FACTS, GROUP))["pending"] == 0


async def stored(sql: Sessions) -> list[str]:
    async with sql() as session:
        return list(await session.scalars(select(FactRow.fact_id)))


def columns(row: Any) -> dict[str, Any]:
    return {column.name: getattr(row, column.name) for column in row.__table__.columns}


async def assert_rows_are_right(sql: Sessions, facts: dict[str, Fact]) -> None:
    """Every fact is there once, unchanged, and the rows are what the facts come to."""
    assert sorted(await stored(sql)) == sorted(facts)
    by_call: dict[str, list[Fact]] = {}
    for fact in facts.values():
        by_call.setdefault(fact.call_id, []).append(fact)
    async with sql() as session:
        assert list(await facts_of(session, by_call)) == project.ordered(facts.values())
        calls = {row.call_id: columns(row) for row in await session.scalars(select(CallRow))}
        legs = {row.leg: columns(row) for row in await session.scalars(select(LegRow))}
    for call_id, told in by_call.items():
        expected = project.call(told)
        assert expected is not None
        assert project.Call(**calls.pop(call_id)) == expected
        for leg in project.legs(told):
            assert project.Leg(**legs.pop(leg.leg)) == leg
    assert not calls
    assert not legs


async def test_facts_in_any_order_told_twice_are_stored_once(redis: Redis[str], sql: Sessions) -> None:
    facts = facts_in(many(40))
    told = [*facts.values(), *list(facts.values())[::3]]
    random.Random(7).shuffle(told)
    await tell(redis, told)
    async with running(Ledger(redis, sql, "n1", batch=17)) as ledger:
        await worked_off(redis)
        assert ledger.counts.read == len(told)
        assert ledger.counts.stored == len(facts)
    await assert_rows_are_right(sql, facts)


async def test_two_ledgers_with_facts_of_the_same_calls_come_to_the_same_rows(
    redis: Redis[str], sql: Sessions
) -> None:
    facts = facts_in(many(40))
    told = [*facts.values(), *facts.values()]
    random.Random(8).shuffle(told)
    async with running(Ledger(redis, sql, "n1", batch=5)), running(Ledger(redis, sql, "n2", batch=5)):
        await tell(redis, told)
        await worked_off(redis)
    await assert_rows_are_right(sql, facts)


async def test_whoever_is_second_with_facts_of_a_call_sees_those_of_the_first(sql: Sessions) -> None:
    facts = facts_in(records("answered"))
    told = list(facts.values())

    async def work(session: AsyncSession, mine: Sequence[Fact]) -> None:
        await store.project_calls(session, await store.insert_new(session, mine))

    async def second() -> None:
        async with sql.begin() as session:
            await work(session, told[1::2])

    async with sql.begin() as session:
        await work(session, told[::2])
        waiting = asyncio.create_task(second())
        await asyncio.wait([waiting], timeout=0.3)
        assert not waiting.done()
    await waiting
    await assert_rows_are_right(sql, facts)


async def test_poison_is_set_aside_and_stops_nobody(redis: Redis[str], sql: Sessions) -> None:
    facts = facts_in(records("answered"))
    good = encode(next(iter(facts.values())))
    poison: list[str | bytes] = [
        "{",
        "",
        good.replace("call_arrived", "call_invented"),
        good.replace('"12345"', '"a\\u0000b"'),
        good.replace('"12345"', '"\\ud800"'),
        good.replace('"fact_id":"', '"fact_id":"' + "x" * 300),
        good.replace('"at":1', '"at":9999'),
        b'{"fact_id":"\xff\xfe',
        "x" * 100_000,
    ]
    await redis.xadd(FACTS, {"other": "no fact at all"})
    for entry in poison:
        await redis.xadd(FACTS, {"f": entry})
    await tell(redis, facts.values())
    async with running(Ledger(redis, sql, "n1")) as ledger:
        await worked_off(redis)
        assert ledger.counts.dead == len(poison) + 1
    assert await redis.xlen(DEAD) == len(poison) + 1
    assert all(fields["error"] for _, fields in await redis.xrange(DEAD))
    await assert_rows_are_right(sql, facts)


async def test_a_projector_that_can_not_bear_a_fact_costs_the_fact_nothing(
    redis: Redis[str], sql: Sessions
) -> None:
    facts = facts_in(many(10))
    bad = next(fact for fact in facts.values() if fact.kind == "answered")
    seen: set[str] = set()

    async def fussy(session: AsyncSession, new: Sequence[Fact], _known: Known) -> Sequence[Fact]:
        if any(fact.fact_id == bad.fact_id for fact in new):
            raise LookupError("no such hotline")
        seen.update(fact.fact_id for fact in new)
        return ()

    await tell(redis, facts.values())
    async with running(Ledger(redis, sql, "n1", projectors=[fussy])) as ledger:
        await worked_off(redis)
        assert ledger.counts.dead == 1
    [(_, fields)] = await redis.xrange(DEAD)
    assert fields["f"] == encode(bad)
    assert "no such hotline" in fields["error"]
    assert seen == facts.keys() - {bad.fact_id}
    await assert_rows_are_right(sql, facts)


async def test_what_the_database_refuses_of_one_fact_costs_the_others_nothing(
    redis: Redis[str], sql: Sessions
) -> None:
    facts = facts_in(many(4))
    bad = next(fact for fact in facts.values() if fact.kind == "queued")

    async def clumsy(session: AsyncSession, new: Sequence[Fact], _known: Known) -> Sequence[Fact]:
        for fact in new:
            if fact.fact_id == bad.fact_id:
                session.add(FactRow(fact_id=None, kind="x", at=1))
        await session.flush()
        return ()

    await tell(redis, facts.values())
    async with running(Ledger(redis, sql, "n1", projectors=[clumsy])) as ledger:
        await worked_off(redis)
        assert ledger.counts.dead == 1
    await assert_rows_are_right(sql, facts)


async def test_facts_that_follow_are_stored_with_those_they_follow_from(
    redis: Redis[str], sql: Sessions
) -> None:
    facts = facts_in(many(10))
    rounds: list[set[str]] = []

    async def opening(session: AsyncSession, new: Sequence[Fact], _known: Known) -> Sequence[Fact]:
        rounds.append({fact.kind for fact in new})
        return [
            Fact(f"case_opened:{fact.call_id}", "case_opened", fact.at, fact.call_id, data={"case": "1"})
            for fact in new
            if fact.kind == "answered"
        ]

    heard: list[str] = []

    async def hook(told: Sequence[Fact]) -> None:
        heard.extend(fact.fact_id for fact in told)

    await tell(redis, [*facts.values(), *facts.values()])
    async with running(Ledger(redis, sql, "n1", projectors=[opening], after=[hook])):
        await worked_off(redis)
    opened = {f"case_opened:{fact.call_id}" for fact in facts.values() if fact.kind == "answered"}
    assert opened
    assert sorted(await stored(sql)) == sorted({*facts, *opened})
    assert opened <= set(heard)
    assert {"case_opened"} in rounds


async def test_hooks_run_again_when_they_were_not_finished(redis: Redis[str], sql: Sessions) -> None:
    facts = facts_in(records("answered"))
    heard: list[set[str]] = []

    async def hook(told: Sequence[Fact]) -> None:
        heard.append({fact.fact_id for fact in told})
        if len(heard) == 1:
            raise RedisError("gone")

    await tell(redis, facts.values())
    async with running(Ledger(redis, sql, "n1", after=[hook])):
        await worked_off(redis)
    assert heard == [set(facts), set(facts)]


async def test_what_a_dead_ledger_had_taken_is_taken_over(redis: Redis[str], sql: Sessions) -> None:
    facts = facts_in(records("answered"))
    await tell(redis, facts.values())
    await redis.xgroup_create(FACTS, GROUP, id="0")
    taken = await redis.xreadgroup(GROUP, "n0", {FACTS: ">"}, 5)
    block = taken[FACTS][0] if isinstance(taken, dict) else taken[0][1]
    await redis.xclaim(FACTS, GROUP, "n0", 0, [entry for entry, _ in block], idle=3_600_000)
    async with running(Ledger(redis, sql, "n1")):
        await worked_off(redis)
    await assert_rows_are_right(sql, facts)


async def test_an_emptied_redis_is_begun_again(redis: Redis[str], sql: Sessions) -> None:
    facts = facts_in(many(10))
    told = list(facts.values())
    async with running(Ledger(redis, sql, "n1")):
        await tell(redis, told[:50])
        await worked_off(redis)
        await redis.flushall()
        await tell(redis, told)
        await worked_off(redis)
    await assert_rows_are_right(sql, facts)


async def test_a_database_that_is_away_delays_and_loses_nothing(redis: Redis[str], sql_url: str) -> None:
    """No tables yet is the rudest way of being away: the server answers, and every statement fails."""
    engine = open_database(sql_url)
    sql = sessions(engine)
    facts = facts_in(many(5))
    await tell(redis, facts.values())
    async with running(Ledger(redis, sql, "n1")) as ledger:

        async def waits() -> bool:
            return ledger.counts.is_waiting_for_sql

        await until(waits, "the ledger waits for its database")
        assert await redis.xlen(FACTS) == len(facts)
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
        await worked_off(redis)
        assert ledger.counts.dead == 0
    await assert_rows_are_right(sql, facts)
    await engine.dispose()


async def test_a_locked_sqlite_is_waited_for(redis: Redis[str], tmp_path: Path) -> None:
    file = tmp_path / "locked.sqlite3"
    engine = open_database(database_url(file, None))
    sql = sessions(engine)
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
        await connection.execute(text("PRAGMA user_version = 1"))
    facts = facts_in(many(5))
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        async with running(Ledger(redis, sql, "n1")) as ledger:
            await tell(redis, facts.values())

            async def taken() -> bool:
                return ledger.counts.read > 0

            await until(taken, "the ledger has taken the facts")
            assert await redis.xlen(FACTS) == len(facts)
            other.execute("COMMIT")
            await worked_off(redis)
    await assert_rows_are_right(sql, facts)
    await engine.dispose()


async def test_a_stop_while_the_database_is_away_leaves_the_facts_where_they_are(
    redis: Redis[str], sql_url: str
) -> None:
    engine = open_database(sql_url)
    facts = facts_in(records("answered"))
    await tell(redis, facts.values())
    async with running(Ledger(redis, sessions(engine), "n1")) as ledger:

        async def waits() -> bool:
            return ledger.counts.is_waiting_for_sql

        await until(waits, "the ledger waits for its database")
    assert await redis.xlen(FACTS) == len(facts)
    await engine.dispose()
