"""Steps of cases in SQL: each whole or not at all, one after the other, on both databases."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import DBAPIError

from caselink.loop import TransitionError
from caselink.projection import history
from caselink.steps import StepError
from caselink.tables import CaseEventRow, CaseLimitRow, CaseNoticeRow, CaseRow
from caselink.work import Casework, NoCaseError, StaleError
from cti.facts import Fact, check
from cti.sql import Sessions
from cti.tables import FactRow
from tests.contract.cases_at_work import HOUR, START, opened, rulebook

pytestmark = pytest.mark.contract

REGISTER = {
    "request_type": "complaint",
    "urgency": "urgent",
    "text": "建设路路灯坏了",
    "address": "建设路18号",
}


@pytest.fixture
def work(sql: Sessions) -> Casework:
    book = rulebook()
    return Casework(sql, lambda: book)


async def walk(work: Casework, number: str, *steps: tuple[Any, ...]) -> None:
    for place, (action, who, data) in enumerate(steps):
        role, _, actor = who.partition(":")
        await work.step(number, action, role, actor, data, START + (place + 1) * 60_000_000)


TO_REPLY = (
    ("register", "agent:1001", REGISTER),
    ("dispatch", "centre:1001", {"unit": "a", "co_units": "b"}),
    ("acknowledge", "unit:a", {}),
    ("contact_citizen", "unit:a", {"text": "已电话联系"}),
    ("reply", "unit:a", {"result": "已修复", "evidence": "照片"}),
)
TO_END = (
    *TO_REPLY,
    ("review", "centre:1001", {}),
    ("follow_up", "agent:1002", {"reached": True, "contacted": True, "solved": True, "satisfied": True}),
    ("close", "centre:1001", {"rule": "followed_up"}),
    ("publish", "centre:1001", {"text": "张先生（13800000000）反映的路灯已修复"}),
)


async def row(sql: Sessions, number: str) -> CaseRow:
    async with sql() as session:
        found = await session.scalar(select(CaseRow).where(CaseRow.number == number))
    assert found is not None
    return found


async def events(sql: Sessions, number: str) -> list[CaseEventRow]:
    case = await row(sql, number)
    async with sql() as session:
        mine = select(CaseEventRow).where(CaseEventRow.case_id == case.id).order_by(CaseEventRow.id)
        return list(await session.scalars(mine))


async def test_a_whole_case_leaves_its_history_its_limits_and_its_facts(
    work: Casework, sql: Sessions
) -> None:
    (number,) = await opened(sql)
    await walk(work, number, *TO_END)
    case = await row(sql, number)
    assert (case.state, case.version, case.unit, case.co_units) == ("published", 9, "a", "b")
    assert (case.solved, case.satisfied, case.rule, case.wake_at) == (True, True, "followed_up", None)
    assert (case.registered_at, case.closed_at) == (START + 60_000_000, START + 8 * 60_000_000)
    told = await events(sql, number)
    assert [one.version for one in told if one.version] == list(range(1, 10))
    assert told[-1].data["text"] == "某先生（（电话略））反映的路灯已修复"
    assert history(told).state == "published"
    async with sql() as session:
        limits = (await session.scalars(select(CaseLimitRow).order_by(CaseLimitRow.place))).all()
        facts = (await session.scalars(select(FactRow).where(FactRow.kind == "case_step"))).all()
    assert [(one.stage, one.unit, one.ended) for one in limits] == [
        ("dispatch", "", "done"),
        ("acknowledge", "a", "done"),
        ("reply", "a", "done"),
        ("review", "", "done"),
        ("follow_up", "", "done"),
    ]
    assert [one.data["action"] for one in facts] == [action for action, _, _ in TO_END]
    for one in facts:
        check(Fact(one.fact_id, one.kind, one.at, one.call_id, one.leg, one.node, one.data))
        assert "路灯" not in str(one.data)
        assert "138" not in str(one.data)


async def test_what_sql_says_is_what_the_history_comes_to(work: Casework, sql: Sessions) -> None:
    (number,) = await opened(sql)
    for place, (action, who, data) in enumerate(TO_END):
        role, _, actor = who.partition(":")
        done = await work.step(number, action, role, actor, data, START + place + 1)  # type: ignore[arg-type]
        case, replayed = await row(sql, number), history(await events(sql, number))
        assert replayed == done.case
        assert (case.state, case.version) == (replayed.state, replayed.version)


async def test_a_step_that_is_refused_leaves_nothing(work: Casework, sql: Sessions) -> None:
    (number,) = await opened(sql)
    await walk(work, number, *TO_REPLY[:2])
    before = len(await events(sql, number))
    for action, who, data, error in (
        ("reply", "unit:a", {"result": "r", "evidence": "e"}, TransitionError),
        ("request_return", "unit:a", {}, StepError),
        ("acknowledge", "unit:b", {}, StepError),
        ("reassign", "centre:1", {"unit": "nobody", "reason": "r"}, StepError),
    ):
        role, _, actor = who.partition(":")
        with pytest.raises(error):
            await work.step(number, action, role, actor, data, START + HOUR)  # type: ignore[arg-type]
    assert len(await events(sql, number)) == before
    assert (await row(sql, number)).version == 2
    with pytest.raises(NoCaseError):
        await work.step("20990101000001", "acknowledge", "unit", "a", {}, START)


async def test_who_acts_on_an_old_version_is_told_what_happened_meanwhile(
    work: Casework, sql: Sessions
) -> None:
    (number,) = await opened(sql)
    await walk(work, number, *TO_REPLY[:3])
    with pytest.raises(
        StaleError, match=r"from version 2 to 3 \(3: acknowledge by unit a\).*acknowledged now"
    ):
        await work.step(number, "request_return", "unit", "a", {"reason": "r"}, START + HOUR, version=2)
    with pytest.raises(StaleError, match="no version 9 yet"):
        await work.step(number, "comment", "unit", "a", {"text": "r"}, START + HOUR, version=9)
    await work.step(number, "comment", "unit", "a", {"text": "r"}, START + HOUR, version=3)


async def test_two_editors_at_once_act_one_after_the_other(work: Casework, sql: Sessions) -> None:
    numbers = await opened(sql, 4)
    for number in numbers:
        await walk(work, number, *TO_REPLY[:2])

    async def act(number: str, action: Any, data: dict[str, Any]) -> str:
        try:
            await work.step(number, action, "unit", "a", data, START + HOUR, version=2)
        except StaleError:
            return "stale"
        return "done"

    for number in numbers:
        said = await asyncio.gather(
            act(number, "acknowledge", {}),
            act(number, "request_return", {"reason": "不属本单位"}),
            act(number, "acknowledge", {}),
        )
        assert sorted(said) == ["done", "stale", "stale"]
        assert (await row(sql, number)).version == 3


async def test_notices_are_made_once_and_wait_for_a_channel(work: Casework, sql: Sessions) -> None:
    (number,) = await opened(sql)
    await walk(work, number, *TO_REPLY[:2])
    async with sql() as session:
        rows = (await session.scalars(select(CaseNoticeRow).where(CaseNoticeRow.why == "dispatch"))).all()
    assert {(one.means, one.unit, one.level, one.state) for one in rows} == {
        ("network", "a", "person_in_charge", "inbox"),
        ("phone", "a", "person_in_charge", "waiting"),
        ("sms", "a", "person_in_charge", "waiting"),
        ("network", "b", "person_in_charge", "inbox"),
        ("sms", "b", "person_in_charge", "waiting"),
    }


async def test_the_same_citizen_with_the_same_matter_joins_the_parent(work: Casework, sql: Sessions) -> None:
    numbers = [(await opened(sql, caller="13900000001", at=START + place * HOUR))[0] for place in range(4)]
    lamps = ("建设路路灯坏了，晚上很黑", "建设路的路灯还是坏的，晚上很黑", "建设路路灯又坏了，很黑")
    texts = [*lamps[:2], "楼下烧烤店噪音扰民", lamps[2]]
    for place, (number, words) in enumerate(zip(numbers, texts, strict=True)):
        data = {**REGISTER, "text": words}
        if place == 2:
            data["address"] = "江滨路2号"
        await work.step(number, "register", "agent", "1001", data, START + place * HOUR + 60_000_000)
    rows = [await row(sql, number) for number in numbers]
    assert [(one.parent, one.repeat) for one in rows] == [
        ("", 0),
        (numbers[0], 1),
        ("", 0),
        (numbers[0], 2),
    ]
    assert rows[0].repeats == 2
    registered = next(one for one in await events(sql, numbers[3]) if one.action == "register")
    assert "the same caller; words" in str(registered.data["evidence_of_repeat"])
    await work.step(numbers[3], "dispatch", "centre", "1", {"unit": "a"}, START + 9 * HOUR)
    async with sql() as session:
        levels = set(
            await session.scalars(select(CaseNoticeRow.level).where(CaseNoticeRow.case_id == rows[3].id))
        )
    assert levels == {"duty", "person_in_charge", "first_leader"}


async def test_a_repeat_can_be_named_or_denied_by_the_agent(work: Casework, sql: Sessions) -> None:
    first, second, third = await opened(sql, 3, caller="13900000001")
    await work.step(first, "register", "agent", "1001", REGISTER, START + HOUR)
    await work.step(second, "register", "agent", "1001", {**REGISTER, "parent": "none"}, START + HOUR)
    assert (await row(sql, second)).parent == ""
    with pytest.raises(StepError, match="no other case"):
        await work.step(third, "register", "agent", "1001", {**REGISTER, "parent": third}, START + HOUR)
    await work.step(third, "register", "agent", "1001", {**REGISTER, "parent": second}, START + HOUR)
    assert ((await row(sql, third)).parent, (await row(sql, second)).repeats) == (second, 1)


async def test_who_returns_too_often_meets_the_fallback_unit(work: Casework, sql: Sessions) -> None:
    (number,) = await opened(sql)
    await walk(work, number, *TO_REPLY[:2])
    now = START + HOUR
    for unit, then in (("a", "c"), ("c", "urban"), ("urban", "")):
        await work.step(number, "request_return", "unit", unit, {"reason": "不属本单位"}, now)
        if then:
            await work.step(number, "redispatch", "centre", "1", {"unit": then}, now)
    with pytest.raises(StepError, match="what is left is arbitrate or assign_fallback"):
        await work.step(number, "redispatch", "centre", "1", {"unit": "office"}, now)
    done = await work.step(number, "assign_fallback", "centre", "1", {"reason": "兜底"}, now)
    assert (done.case.unit, done.case.is_binding) == ("fallback", True)
    with pytest.raises(StepError, match="can not be returned"):
        await work.step(number, "request_return", "unit", "fallback", {"reason": "r"}, now)


async def test_a_dispatch_goes_to_the_hotline_s_own_unit_unless_another_is_named(
    work: Casework, sql: Sessions
) -> None:
    tenant, plain = await opened(sql, 2)
    async with sql.begin() as session:
        await session.execute(update(CaseRow).where(CaseRow.number == tenant).values(unit="urban"))
    for number in (tenant, plain):
        await work.step(number, "register", "agent", "1001", {**REGISTER, "parent": "none"}, START + HOUR)
    assert (await work.step(tenant, "dispatch", "centre", "1", {}, START + HOUR)).case.unit == "urban"
    with pytest.raises(StepError, match="needs 'unit'"):
        await work.step(plain, "dispatch", "centre", "1", {}, START + HOUR)


async def test_an_extension_is_granted_as_it_was_asked_for(work: Casework, sql: Sessions) -> None:
    (number,) = await opened(sql)
    await walk(work, number, *TO_REPLY[:3])
    until = START + 150 * HOUR
    asked = {"reason": "等配件", "until": until}
    await work.step(number, "request_extension", "unit", "a", asked, START + HOUR)
    done = await work.step(number, "grant_extension", "centre", "1", {}, START + 2 * HOUR)
    reply = done.case.running("reply")
    assert reply is not None
    assert (reply.due_at, reply.is_extended) == (until, True)
    async with sql() as session:
        row_ = (await session.scalars(select(CaseLimitRow).where(CaseLimitRow.stage == "reply"))).one()
    assert (row_.due_at, row_.is_extended) == (until, True)


async def test_a_history_can_not_be_changed_or_deleted(work: Casework, sql: Sessions) -> None:
    (number,) = await opened(sql)
    await walk(work, number, *TO_REPLY[:2])
    for statement in (update(CaseEventRow).values(actor="x"), text("DELETE FROM case_event")):
        with pytest.raises(DBAPIError, match="append-only"):
            async with sql.begin() as session:
                await session.execute(statement)  # type: ignore[call-overload]
    async with sql() as session:
        assert await session.scalar(select(func.count()).select_from(CaseEventRow)) == 4
