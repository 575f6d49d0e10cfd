"""Figures of cases on both databases: each is what its list of cases comes to, whole and by unit."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from caselink.clock import Clock
from caselink.report import KPIS, Period, cases_behind, figures
from caselink.work import Casework
from cti.sql import Sessions, sessions
from tests.contract.cases_at_work import HOUR, START, opened, rulebook

pytestmark = pytest.mark.contract

BOOK = rulebook(limits=({"acknowledge": "2 hours", "reply": "48 hours"},))
PERIOD = Period(START - HOUR, START + 30 * 24 * HOUR, START + 30 * 24 * HOUR)
REGISTER = {"request_type": "complaint", "urgency": "normal", "text": "路灯坏了"}


@pytest.fixture
async def sql(engine: AsyncEngine) -> Sessions:
    """Six cases: in time, late, taken away before and after its time, answered directly, never signed for."""
    made = sessions(engine)
    work = Casework(made, lambda: BOOK)
    good, late, moved, moved_late, direct, never = await opened(made, 6)

    async def act(number: str, hours: float, action: Any, who: str, **data: Any) -> None:
        role, _, actor = who.partition(":")
        await work.step(number, action, role, actor, data, START + int(hours * HOUR))  # type: ignore[arg-type]

    for number in (good, late, moved, moved_late, never):
        await act(number, 0, "register", "agent:1001", **REGISTER, parent="none")
        await act(number, 0, "dispatch", "centre:1", unit="a")
    for number, signed, replied in ((good, 1, 20), (late, 3, 60)):
        await act(number, signed, "acknowledge", "unit:a")
        await act(number, signed, "contact_citizen", "unit:a", text="x")
        await act(number, replied, "reply", "unit:a", result="r", evidence="e")
        await act(number, replied, "review", "centre:1")
        answers = {"contacted": True, "solved": number == good, "satisfied": number == good}
        await act(number, replied, "follow_up", "agent:1001", reached=True, **answers)
        await act(number, replied, "close", "centre:1", rule="followed_up", reason="r")
    for number, hours in ((moved, 1), (moved_late, 4)):
        await act(number, hours, "reassign", "centre:1", unit="b", reason="r")
        await act(number, hours + 1, "acknowledge", "unit:b")
    await act(direct, 0, "answer_directly", "agent:1001", request_type="inquiry", text="q", result="a")
    await act(direct, 1, "close", "centre:1", rule="direct_answer")
    return made


EXPECTED = {
    # a: good in time; late, moved_late and never not; moved was taken away in time and does not count. b: two in time.
    "acknowledged_in_time": (3, 6),
    # a: good in time, late not, never not. b: two that never replied.
    "replied_in_time": (1, 5),
    "completion": (3, 6),
    "direct": (1, 6),
    "followed_up": (2, 3),
    "rated": (0, 2),
    "satisfied": (1, 2),
    "repeated": (0, 5),
    "contacted_of_followed_up": (2, 2),
    "solved_of_followed_up": (1, 2),
    "satisfied_of_followed_up": (1, 2),
}


async def test_the_figures_are_what_was_done(sql: Sessions) -> None:
    async with sql() as session:
        found = await figures(session, PERIOD)
    assert {figure.kpi.name: (figure.good, figure.among) for figure in found} == EXPECTED


async def test_by_unit_they_add_up_to_all(sql: Sessions) -> None:
    async with sql() as session:
        for by in ("unit", "hotline"):
            found = await figures(session, PERIOD, by)  # type: ignore[arg-type]
            for kpi in KPIS:
                (whole,) = [one for one in found if one.kpi is kpi and not one.group]
                parts = [one for one in found if one.kpi is kpi and one.group]
                assert (whole.good, whole.among) == EXPECTED[kpi.name]
                assert (sum(one.good for one in parts), sum(one.among for one in parts)) == EXPECTED[kpi.name]
        found = await figures(session, PERIOD, "unit")
    signed = {one.group: (one.good, one.among) for one in found if one.kpi.name == "acknowledged_in_time"}
    assert signed == {"": (3, 6), "a": (1, 4), "b": (2, 2)}


async def test_every_figure_opens_its_cases(sql: Sessions) -> None:
    async with sql() as session:
        for figure in await figures(session, PERIOD):
            lines = await cases_behind(session, figure.kpi, PERIOD)
            assert (sum(line.is_good for line in lines), len(lines)) == (figure.good, figure.among)
            assert [line.is_good for line in lines] == sorted(line.is_good for line in lines)


async def test_what_is_not_due_yet_and_what_is_of_another_time_does_not_count(sql: Sessions) -> None:
    early = Period(START - HOUR, START + 30 * 24 * HOUR, START + HOUR)
    other = Period(START - 9 * HOUR, START - HOUR, START)
    async with sql() as session:
        now = {one.kpi.name: (one.good, one.among) for one in await figures(session, early)}
        before = await figures(session, other)
    assert now["acknowledged_in_time"] == now["replied_in_time"] == (0, 0)
    assert all(one.percent is None for one in before)


async def test_cards_change_no_figure(sql: Sessions) -> None:
    await Clock(sql, lambda: BOOK, lambda: PERIOD.now).turn()
    async with sql() as session:
        found = await figures(session, PERIOD)
    assert {figure.kpi.name: (figure.good, figure.among) for figure in found} == EXPECTED
