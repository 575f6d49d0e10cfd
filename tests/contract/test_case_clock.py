"""The clock of cases: whatever is due is done once, in order, by one clock or two, after any absence."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text

from caselink.clock import Clock
from caselink.rulebook import Rulebook
from caselink.tables import CaseEventRow, CaseNoticeRow, CaseRow
from caselink.work import Casework
from cti.sql import Sessions, open_database, sessions
from tests.contract.cases_at_work import HOUR, START, opened, rulebook
from tests.waiting import until

pytestmark = pytest.mark.contract

CHECKOUT = Path(__file__).parents[2]

LADDER = ["warn", "yellow_card", "red_card", "supervise", "warn", "escalate", "yellow_card", "red_card"]


class Hands:
    """A clock's hands that a test moves, and the rulebook that it goes by."""

    def __init__(self, book: Rulebook) -> None:
        self.at = START
        self.book = book

    def clock(self, sql: Sessions) -> Clock:
        return Clock(sql, lambda: self.book, lambda: self.at)


@pytest.fixture
def hands() -> Hands:
    return Hands(rulebook())


async def dispatched(sql: Sessions, hands: Hands, count: int = 1) -> list[str]:
    work = Casework(sql, lambda: hands.book)
    numbers = await opened(sql, count)
    for number in numbers:
        data = {"request_type": "help", "urgency": "normal", "text": number}
        await work.step(number, "register", "agent", "1001", data, START)
        await work.step(number, "dispatch", "centre", "1", {"unit": "a"}, START)
    return numbers


async def by_the_clock(sql: Sessions) -> dict[str, list[str]]:
    query = (
        select(CaseRow.number, CaseEventRow.action)
        .join(CaseEventRow, CaseEventRow.case_id == CaseRow.id)
        .where(CaseEventRow.role == "system")
        .order_by(CaseEventRow.id)
    )
    told: dict[str, list[str]] = {}
    async with sql() as session:
        for number, action in await session.execute(query):
            told.setdefault(number, []).append(action)
    return told


async def test_the_ladder_is_climbed_wake_by_wake(sql: Sessions, hands: Hands) -> None:
    (number,) = await dispatched(sql, hands)
    clock = hands.clock(sql)
    while (wake := await clock.turn()) is not None:
        assert wake > hands.at
        hands.at = wake
    assert sorted((await by_the_clock(sql))[number]) == sorted(LADDER)
    assert clock.deeds == len(LADDER)
    async with sql() as session:
        case = (await session.scalars(select(CaseRow))).one()
        told = await session.scalars(select(CaseNoticeRow.why).where(CaseNoticeRow.unit == "office"))
        assert Counter(told) == {"red_card": 2, "supervise": 1, "escalate": 2}
    assert (case.card, case.is_supervised, case.wake_at) == ("red_card", True, None)


async def test_a_clock_that_was_away_does_all_of_it_once_when_it_is_back(sql: Sessions, hands: Hands) -> None:
    (number,) = await dispatched(sql, hands)
    hands.at = START + 40 * 24 * HOUR
    for _ in range(3):  # each a start of its own
        while (wake := await hands.clock(sql).turn()) is not None:
            hands.at = wake
    told = (await by_the_clock(sql))[number]
    assert told == ["yellow_card", "red_card", "supervise", "yellow_card", "red_card", "escalate"]


async def test_two_clocks_at_once_do_everything_once(database: str, hands: Hands) -> None:
    engines = [open_database(database) for _ in range(2)]
    try:
        made = [sessions(engine) for engine in engines]
        numbers = await dispatched(made[0], hands, 12)
        chance = random.Random(1)
        clocks = [hands.clock(sql) for sql in made]
        for _ in range(14):
            hands.at += chance.randrange(1, 20) * HOUR
            await asyncio.gather(*(clock.turn() for clock in clocks))
            if chance.random() < 0.3:
                clocks[chance.randrange(2)] = hands.clock(made[chance.randrange(2)])
        hands.at = START + 30 * 24 * HOUR
        await asyncio.gather(*(clock.turn() for clock in clocks))
        told = await by_the_clock(made[0])
        assert set(told) == set(numbers)
        for actions in told.values():
            counted = Counter(actions)
            assert counted["yellow_card"] == counted["red_card"] == 2
            assert counted["supervise"] == counted["escalate"] == 1
    finally:
        for engine in engines:
            await engine.dispose()


async def test_clocks_that_are_killed_in_the_middle_leave_everything_done_once(
    database: str, sql: Sessions, hands: Hands
) -> None:
    numbers = await dispatched(sql, hands, 40)
    hands.at = START + 40 * 24 * HOUR
    chance = random.Random(3)

    def start() -> subprocess.Popen[bytes]:
        arguments = [sys.executable, "-m", "tests.contract.clock_process", database, str(hands.at)]
        return subprocess.Popen(arguments, cwd=CHECKOUT, stderr=subprocess.PIPE)

    async def has_begun(before: int) -> bool:
        return sum(map(len, (await by_the_clock(sql)).values())) > before

    done = 0
    for _ in range(3):
        first, second = start(), start()
        await until(lambda before=done: has_begun(before), "a clock has begun")  # type: ignore[misc]
        await asyncio.sleep(chance.random() / 20)  # anywhere in its work
        for process in (first, second)[: chance.randint(1, 2)]:
            process.kill()
        for process in (first, second):
            process.communicate(timeout=60)
        done = sum(map(len, (await by_the_clock(sql)).values()))
        if done >= 40 * 5:
            break
    last = start()
    _, said = last.communicate(timeout=60)
    assert last.returncode == 0, said.decode()
    told = await by_the_clock(sql)
    assert set(told) == set(numbers)
    expected = ["yellow_card", "red_card", "supervise", "yellow_card", "red_card"]
    assert all(actions == expected for actions in told.values())
    async with sql() as session:
        notices = list(await session.scalars(select(CaseNoticeRow.notice_id)))
    assert len(notices) == len(set(notices))


async def test_what_is_acknowledged_and_answered_in_time_is_left_alone(sql: Sessions, hands: Hands) -> None:
    (number,) = await dispatched(sql, hands)
    work = Casework(sql, lambda: hands.book)
    steps: tuple[tuple[Any, str, str, dict[str, Any]], ...] = (
        ("acknowledge", "unit", "a", {}),
        ("contact_citizen", "unit", "a", {"text": "x"}),
        ("reply", "unit", "a", {"result": "r", "evidence": "e"}),
        ("review", "centre", "1", {}),
        ("follow_up", "agent", "1", {"reached": True, "contacted": True, "solved": True, "satisfied": True}),
    )
    for action, role, who, data in steps:
        hands.at += HOUR
        await hands.clock(sql).turn()
        await work.step(number, action, role, who, data, hands.at)  # type: ignore[arg-type]
    hands.at += 1000 * HOUR
    assert await hands.clock(sql).turn() is None
    assert await by_the_clock(sql) == {}


async def test_other_cards_by_another_city_hold_for_open_cases_too(sql: Sessions, hands: Hands) -> None:
    await dispatched(sql, hands)
    clock = hands.clock(sql)
    before = await clock.turn()
    hands.book = rulebook(cards={"warn_percent": 10})
    clock.recheck()
    after = await clock.turn()
    assert before is not None
    assert after is not None
    assert after < before


async def test_a_case_that_can_not_be_read_stops_no_other(sql: Sessions, hands: Hands) -> None:
    bad, good = await dispatched(sql, hands, 2)
    async with sql.begin() as session:
        await session.execute(
            text(
                "INSERT INTO case_event (event_id, case_id, at, action, state, actor, role, version, data)"
                " SELECT 'x', id, 1, 'unheard_of', 'x', '', 'system', 99, '{}' FROM \"case\" WHERE number = :number"
            ),
            {"number": bad},
        )
    hands.at = START + 40 * 24 * HOUR
    await hands.clock(sql).turn()
    assert (await by_the_clock(sql))[good][0] == "yellow_card"


async def test_a_running_clock_wakes_when_it_is_due_and_stops_when_told(sql: Sessions) -> None:
    hands = Hands(rulebook(limits=({"reply": "1 minute", "acknowledge": "1 minute"},)))
    (number,) = await dispatched(sql, hands)
    clock, stop = hands.clock(sql), asyncio.Event()
    task = asyncio.create_task(clock.run(stop))

    async def warned() -> bool:
        return "yellow_card" in (await by_the_clock(sql)).get(number, [])

    hands.at = START + 61_000_000
    clock.recheck()
    await until(warned, "the clock has told that the limits ran out")
    stop.set()
    await asyncio.wait_for(task, 5)
