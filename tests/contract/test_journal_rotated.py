"""The journal does not grow for ever, and no fact is lost or told twice by that."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from cti.journal.files import files
from cti.journal.rotate import rotate
from cti.live import FACTS
from cti.migrate import upgrade
from cti.sql import database_url, open_database, sessions
from cti.tables import CallRow, FactRow
from tests.contract.journal_writer import append, facts_in, records
from tests.contract.ledger_process import paths_of, process_of
from tests.waiting import until

pytestmark = pytest.mark.contract


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "calls.json"


def test_a_journal_that_is_not_there_or_small_stays(journal: Path) -> None:
    assert rotate(journal) is None
    append(journal, *records("answered"))
    assert rotate(journal) is None
    assert journal.exists()


def test_a_large_journal_gets_another_name_and_what_it_holds_stays(journal: Path) -> None:
    lines = records("answered")
    append(journal, *lines)
    renamed = rotate(journal, most_bytes=100)
    assert renamed is not None
    assert renamed.read_bytes() == b"".join(lines)
    assert not journal.exists()
    assert [entry.path for entry in files(journal)] == [renamed]


def test_only_the_oldest_beyond_those_kept_are_removed(journal: Path) -> None:
    by_hand = journal.with_name("calls.json.before-the-move")
    append(by_hand, *records("abandoned"))
    os.utime(by_hand, (1, 1))
    renamed = []
    for call in range(5):
        append(journal, *records("answered", call))
        os.utime(journal, (call + 10, call + 10))
        renamed.append(rotate(journal, most_bytes=100, kept=2))
    assert [entry.path for entry in files(journal)] == [by_hand, *renamed[-2:]]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    paths_of(folder).journal.parent.mkdir(parents=True)
    upgrade(database_url(paths_of(folder).database, None))
    return folder


async def test_every_call_is_in_the_books_once_while_the_journal_is_rotated(
    home: Path, redis_socket: Path
) -> None:
    journal = paths_of(home).journal
    redis: Any
    process, redis = process_of(home, f"unix://{redis_socket}", journal_bytes=20_000)
    engine = open_database(database_url(paths_of(home).database, None))
    stop = asyncio.Event()
    working = asyncio.create_task(process.run(stop))
    told: list[bytes] = []
    calls = 0

    async def rotated() -> bool:
        """Go on writing meanwhile, as a busy Asterisk does."""
        nonlocal calls
        calls += 1
        told.extend(call := records("abandoned", calls))
        append(journal, *call)
        await asyncio.sleep(0.005)
        return len(files(journal)) > 3

    async def stored() -> bool:
        async with sessions(engine)() as session:
            ended = select(func.count()).where(CallRow.ended_at.is_not(None))
            return await session.scalar(ended) == calls and not await redis.xlen(FACTS)

    try:
        await until(rotated, "three files are full")
        await until(stored, "every call has ended in the books")
        async with sessions(engine)() as session:
            assert set(await session.scalars(select(FactRow.fact_id))) == set(facts_in(told))
    finally:
        stop.set()
        await working
        await redis.aclose()
        await engine.dispose()
