"""The ledger's process as a whole: what follows from a call once it is in SQL."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from redis.asyncio import Redis
from sqlalchemy import select

from caselink.tables import CaseRow
from caselink.work import Casework
from cti.app.ledger import Process, rulebook_of
from cti.clock import now_us
from cti.live import FACTS
from cti.migrate import upgrade
from cti.sql import Sessions, database_url, open_database, sessions
from cti.tables import CallRow, FactRow, LegRow
from recorder.jobs import STREAM
from tests.contract.cases_at_work import opened
from tests.contract.cities import small_city
from tests.contract.journal_writer import append, facts_in, records
from tests.contract.ledger_process import paths_of, process_of
from tests.waiting import until

pytestmark = pytest.mark.contract


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    paths_of(folder).journal.parent.mkdir(parents=True)
    upgrade(database_url(paths_of(folder).database, None))
    return folder


@pytest.fixture
async def sql(home: Path) -> AsyncIterator[Sessions]:
    engine = open_database(database_url(paths_of(home).database, None))
    yield sessions(engine)
    await engine.dispose()


@asynccontextmanager
async def running(home: Path, redis_socket: Path) -> AsyncIterator[tuple[Process, Redis[str]]]:
    process, redis = process_of(home, f"unix://{redis_socket}")
    stop = asyncio.Event()
    task = asyncio.create_task(process.run(stop))
    try:
        yield process, redis
    finally:
        stop.set()
        await task
        await redis.aclose()


async def ended(sql: Sessions, calls: int) -> None:
    async def look() -> bool:
        async with sql() as session:
            rows = await session.scalars(select(CallRow.call_id).where(CallRow.ended_at.is_not(None)))
            return len(rows.all()) >= calls

    await until(look, f"{calls} calls have ended")


async def acknowledged(redis: Redis[str]) -> None:
    async def look() -> bool:
        return not await redis.xlen(FACTS)

    await until(look, "every fact is acknowledged")


async def test_a_call_becomes_a_row_a_case_and_one_job(home: Path, sql: Sessions, redis_socket: Path) -> None:
    journal = paths_of(home).journal
    async with running(home, redis_socket) as (process, redis):
        append(journal, *records("answered", 1), *records("abandoned", 2))
        await ended(sql, 2)
        await acknowledged(redis)
        [(_, job)] = await redis.xrange(STREAM)
        health = process.health()
    async with sql() as session:
        answered, abandoned = (await session.scalars(select(CallRow).order_by(CallRow.call_id))).all()
        [case] = (await session.scalars(select(CaseRow))).all()
    assert (answered.outcome, abandoned.outcome) == ("answered", "abandoned")
    assert (case.call_id, case.agent, case.hotline) == (answered.call_id, "1001", "12345")
    assert job == {"call_id": answered.call_id, "folder": answered.folder}
    assert health["trouble"] == ""
    assert health["journal_lag_bytes"] == 0
    assert health["facts_stored"] == len(facts_in(records("answered") + records("abandoned"))) + 1
    assert health["transcripts_asked"] == 1


async def test_a_journal_that_is_read_again_asks_for_nothing_again(
    home: Path, sql: Sessions, redis_socket: Path
) -> None:
    append(paths_of(home).journal, *records("answered", 1))
    async with running(home, redis_socket) as (_, redis):
        await ended(sql, 1)
    async with running(home, redis_socket) as (_, redis):
        await redis.delete("{yht}:journal:n1")
        append(paths_of(home).journal, *records("abandoned", 2))
        await ended(sql, 2)
        await acknowledged(redis)
        assert await redis.xlen(STREAM) == 1
    async with sql() as session:
        assert len((await session.scalars(select(CaseRow))).all()) == 1


async def test_a_callback_request_becomes_a_case(home: Path, sql: Sessions, redis_socket: Path) -> None:
    folder = paths_of(home).callbacks
    folder.mkdir()
    async with running(home, redis_socket):
        request = {
            "call_id": "n1-1795600000.0",
            "caller_number": "13800000000",
            "number": "13800000000",
            "dialed_number": "12319",
            "hotline": "12319",
            "taken_at": 1795600000000000,
        }
        (folder / ".new").write_text(json.dumps(request))
        (folder / ".new").rename(folder / "n1-1795600000.0.json")

        async def look() -> bool:
            async with sql() as session:
                kinds = (await session.scalars(select(FactRow.kind))).all()
            return "case_opened" in kinds

        await until(look, "the request is a case")
    async with sql() as session:
        [case] = (await session.scalars(select(CaseRow))).all()
    assert (case.channel, case.call_id) == ("callback", "n1-1795600000.0")


async def test_calls_that_ended_with_their_asterisk_are_closed_and_later_ones_are_not(
    home: Path, sql: Sessions, redis_socket: Path
) -> None:
    paths = paths_of(home)
    waiting = records("abandoned", 2)[:5]
    talking = [line for line in records("answered", 1) if b"BRIDGE_EXIT" not in line][:11]
    # As captured: who talks called before the one who waits.
    last_words = max(fact.at for fact in facts_in(talking).values())
    append(paths.journal, *talking, *waiting)
    paths.run.mkdir(parents=True)
    control = paths.run / "asterisk.ctl"
    control.touch()
    between = last_words // 1_000_000 + 1
    os.utime(control, (between, between))
    async with running(home, redis_socket) as (_, redis):
        await ended(sql, 1)
        async with sql() as session:
            calls = {row.outcome: row for row in await session.scalars(select(CallRow))}
            legs = (
                await session.scalars(select(LegRow).where(LegRow.call_id == calls["answered"].call_id))
            ).all()
        assert set(calls) == {"answered", ""}
        assert calls["answered"].ended_at == last_words
        assert [leg.ended_at for leg in legs] == [last_words, last_words]
        os.utime(control)
        await ended(sql, 2)
        async with sql() as session:
            assert sorted(await session.scalars(select(CallRow.outcome))) == ["answered", "lost"]
        await until(lambda: _has(redis, 1), "a transcript is asked for of the one who talked")


async def _has(redis: Redis[str], jobs: int) -> bool:
    return await redis.xlen(STREAM) == jobs


async def test_a_limit_that_ran_out_while_no_ledger_was_there_is_told_at_its_start(
    home: Path, sql: Sessions, redis_socket: Path
) -> None:
    (number,) = await opened(sql)
    book = rulebook_of(small_city())
    work = Casework(sql, lambda: book)
    registered = {"request_type": "help", "urgency": "urgent", "text": "路灯坏了"}
    long_ago = now_us() - 60 * 86_400_000_000
    await work.step(number, "register", "agent", "1001", registered, long_ago)
    await work.step(number, "dispatch", "centre", "1", {"unit": "urban"}, long_ago)

    async def carded() -> bool:
        async with sql() as session:
            return await session.scalar(select(CaseRow.card)) == "red_card"

    async with running(home, redis_socket) as (process, _):
        await until(carded, "the case has its red card")
        assert process.health()["case_deeds"] >= 4
