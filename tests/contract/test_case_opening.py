"""A case is opened once for one answered call: facts in any order, told twice, by two ledgers at once."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from caselink import CaseEventRow, CaseRow, Opening
from cti.facts import Fact
from cti.ledger import store
from cti.sql import open_database, sessions
from tests.contract.cities import small_city

pytestmark = pytest.mark.contract

START = 1_795_536_000_000_000  # 2026-11-25 00:00 in Shanghai


def _call(number: int, hotline: str = "12319", agents: Sequence[str] = ("1001",)) -> list[Fact]:
    call = f"n1-1795536000.{number}"
    at = START + number * 1_000_000
    facts = [
        Fact(
            f"call_arrived:{call}",
            "call_arrived",
            at,
            call,
            data={"dialed_number": hotline, "caller_number": f"138{number:08d}", "channel": "PJSIP/trunk-1"},
        ),
        Fact(
            f"hotline_resolved:{call}",
            "hotline_resolved",
            at + 1,
            call,
            data={"hotline": hotline, "queue": "hall", "plan": "queue", "reason": ""},
        ),
    ]
    facts += [
        Fact(
            f"answered:{call}:{place}",
            "answered",
            at + 500_000 * (place + 1),
            call,
            data={"offer": f"o{number}-{place}", "agent": agent, "seat": agent},
        )
        for place, agent in enumerate(agents)
    ]
    return facts


class Ledger:
    """What the ledger does around a projector: facts into SQL once, then the projector, in one transaction."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.sessions = sessions(engine)
        self.opening = Opening(small_city)
        self.told: list[Fact] = []

    async def take(self, batch: Sequence[Fact]) -> None:
        async with self.sessions.begin() as session:
            new = await store.insert_new(session, batch)
            known = await store.project_calls(session, new)
            told = await self.opening.project(session, new, known)
            await store.insert_new(session, told)
        self.told.extend(told)


async def _cases(engine: AsyncEngine) -> list[CaseRow]:
    async with sessions(engine)() as session:
        return list(await session.scalars(select(CaseRow).order_by(CaseRow.number)))


async def _events(engine: AsyncEngine, case: CaseRow) -> list[CaseEventRow]:
    async with sessions(engine)() as session:
        mine = select(CaseEventRow).where(CaseEventRow.case_id == case.id)
        return list(await session.scalars(mine.order_by(CaseEventRow.at, CaseEventRow.id)))


async def test_an_answer_opens_the_case_with_all_that_is_known(engine: AsyncEngine) -> None:
    ledger = Ledger(engine)
    await ledger.take(_call(1))
    (case,) = await _cases(engine)
    assert case.number == "20261125000001"
    assert (case.hotline, case.backend, case.unit) == ("12319", "tenant", "urban")
    assert (case.dialed_number, case.caller_number) == ("12319", "13800000001")
    assert (case.agent, case.channel, case.state) == ("1001", "phone", "received")
    assert case.request_type is None
    assert case.opened_at == START + 1_500_000
    assert [(event.action, event.actor) for event in await _events(engine, case)] == [
        ("open", "1001"),
        ("answer", "1001"),
    ]
    (fact,) = ledger.told
    assert (fact.fact_id, fact.data["case"]) == (f"case_opened:{case.call_id}", case.number)
    assert not set(fact.data) & {"caller_number", "check_code"}


async def test_a_call_that_nobody_answered_has_no_case(engine: AsyncEngine) -> None:
    ledger = Ledger(engine)
    await ledger.take(_call(1, agents=()))
    assert await _cases(engine) == []
    assert ledger.told == []


async def test_a_second_answer_is_an_event_of_the_same_case(engine: AsyncEngine) -> None:
    ledger = Ledger(engine)
    facts = _call(1, agents=("1001", "1002"))
    await ledger.take(facts[:3])
    await ledger.take(facts[3:])
    (case,) = await _cases(engine)
    assert case.agent == "1001"
    assert [event.actor for event in await _events(engine, case)] == ["1001", "1001", "1002"]
    assert [fact.fact_id for fact in ledger.told] == [f"case_opened:{case.call_id}"]


@pytest.mark.parametrize("seed", range(6))
async def test_shuffled_and_repeated_facts_come_to_the_same_cases(engine: AsyncEngine, seed: int) -> None:
    chance = random.Random(seed)
    facts = [fact for number in range(1, 6) for fact in _call(number, agents=("1001", "1002"))]
    facts += chance.choices(facts, k=10)
    chance.shuffle(facts)
    ledger = Ledger(engine)
    while facts:
        size = chance.randint(1, 7)
        await ledger.take(facts[:size])
        facts = facts[size:]
    cases = await _cases(engine)
    assert [case.number for case in cases] == [f"20261125{place:06d}" for place in range(1, 6)]
    assert {case.call_id for case in cases} == {f"n1-1795536000.{number}" for number in range(1, 6)}
    for case in cases:
        number = int(case.call_id.rpartition(".")[2])
        assert (case.hotline, case.unit, case.caller_number) == ("12319", "urban", f"138{number:08d}")
        assert (case.agent, case.opened_at) == ("1001", START + number * 1_000_000 + 500_000)
        assert sorted(event.action for event in await _events(engine, case)) == ["answer", "answer", "open"]


async def test_a_batch_over_midnight_is_numbered_in_the_order_of_time_a_day(engine: AsyncEngine) -> None:
    day = 24 * 3600
    late = [fact for number in (day - 3, day - 2, day, day + 1) for fact in _call(number)]
    await Ledger(engine).take(list(reversed(late)))
    # The first call of the next day, told later than those.
    await Ledger(engine).take(_call(day + 2) + _call(day - 5))
    cases = {int(case.call_id.rpartition(".")[2]) - day: case.number for case in await _cases(engine)}
    assert cases == {
        -3: "20261125000001",
        -2: "20261125000002",
        -5: "20261125000003",
        0: "20261126000001",
        1: "20261126000002",
        2: "20261126000003",
    }


@pytest.mark.parametrize("size", [1, 3, 1000])
async def test_cases_and_their_history_are_the_same_however_facts_are_batched(
    engine: AsyncEngine, size: int
) -> None:
    chance = random.Random(size)
    facts = [fact for number in range(1, 9) for fact in _call(number, agents=("1001", "1002")[: number % 3])]
    chance.shuffle(facts)
    ledger = Ledger(engine)
    for start in range(0, len(facts), size):
        await ledger.take(facts[start : start + size])
    told = {}
    for case in await _cases(engine):
        history = sorted((event.action, event.at, event.actor) for event in await _events(engine, case))
        *answers, (action, _, _) = history
        told[int(case.call_id.rpartition(".")[2])] = (case.agent, case.hotline, answers, action)
    expected = {}
    for number in (1, 2, 4, 5, 7, 8):
        at = START + number * 1_000_000
        answers = [("answer", at + 500_000, "1001"), ("answer", at + 1_000_000, "1002")]
        expected[number] = ("1001", "12319", answers[: number % 3], "open")
    assert told == expected


async def test_two_ledgers_at_once_open_each_case_once_and_whole(database: str) -> None:
    chance = random.Random(1)
    facts = [fact for number in range(1, 21) for fact in _call(number)]
    engines = [open_database(database) for _ in range(2)]
    ledgers = [Ledger(engine) for engine in engines]

    async def work(ledger: Ledger, mine: list[Fact]) -> None:
        while mine:
            size = chance.randint(1, 5)
            await ledger.take(mine[:size])
            del mine[:size]

    dealt: list[list[Fact]] = [[], []]
    for fact in facts:
        for place in {chance.randrange(2), chance.randrange(2)}:  # some facts reach both
            dealt[place].append(fact)
    for mine in dealt:
        chance.shuffle(mine)
    try:
        await asyncio.gather(*(work(ledger, mine) for ledger, mine in zip(ledgers, dealt, strict=True)))
        cases = await _cases(engines[0])
        assert [case.number for case in cases] == [f"20261125{place:06d}" for place in range(1, 21)]
        assert all(case.hotline == "12319" and case.caller_number and case.unit == "urban" for case in cases)
        async with sessions(engines[0])() as session:
            assert await session.scalar(select(func.count()).select_from(CaseEventRow)) == 40
    finally:
        for engine in engines:
            await engine.dispose()


async def test_rubbish_in_the_caller_id_is_kept_short_and_harms_nothing(engine: AsyncEngine) -> None:
    facts = _call(1)
    facts[0] = Fact(
        facts[0].fact_id,
        "call_arrived",
        facts[0].at,
        facts[0].call_id,
        data={"dialed_number": "12319", "caller_number": "\t'; DROP" + "x" * 9000, "channel": "c"},
    )
    await Ledger(engine).take(facts)
    (case,) = await _cases(engine)
    assert case.caller_number == "'; DROP" + "x" * 73


async def test_an_error_of_the_database_does_not_tell_numbers_or_check_codes(engine: AsyncEngine) -> None:
    await Ledger(engine).take(_call(1))
    (case,) = await _cases(engine)
    with pytest.raises(IntegrityError) as refused:
        async with sessions(engine).begin() as session:
            session.add(
                CaseRow(
                    number=case.number,
                    check_code="473829",
                    call_id="n1-2.2",
                    channel="phone",
                    state="received",
                    caller_number="13900009999",
                    opened_at=1,
                )
            )
    assert "473829" not in str(refused.value)
    assert "13900009999" not in str(refused.value)
