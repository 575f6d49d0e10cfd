"""Limits in working and calendar time over holidays, and what the clock does about them: once each, in order."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caselink.casefile import Case, Limit, advance
from caselink.guards import take
from caselink.limits import Deed, Policy, Rule, check_extension, due, with_limits
from caselink.loop import Action
from caselink.steps import Step, StepError
from caselink.worktime import Duration, WorkClock, WorkTimeError, duration
from cti.facts import Value
from ivr.calendar import Calendar
from tests.unit.case_walks import RULES

pytestmark = pytest.mark.unit

ZONE = ZoneInfo("Asia/Shanghai")
CLOCK = WorkClock(ZONE, Calendar().is_workday, ((510, 720), (870, 1050)))


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZONE).timestamp() * 1_000_000)


def said(moment: int) -> str:
    return datetime.fromtimestamp(moment / 1_000_000, ZONE).strftime("%Y-%m-%d %H:%M")


@pytest.mark.parametrize(
    ("start", "length", "end"),
    [
        ("2026-11-25 10:00", "30 minutes", "2026-11-25 10:30"),
        ("2026-11-25 23:50", "24 hours", "2026-11-26 23:50"),
        # The lunch break is no working time.
        ("2026-11-25 11:00", "2 working hours", "2026-11-25 15:30"),
        ("2026-11-25 20:00", "1 working hour", "2026-11-26 09:30"),
        # Friday to Monday.
        ("2026-11-27 17:00", "1 working hour", "2026-11-30 09:00"),
        ("2026-11-27 17:00", "1 working day", "2026-11-30 17:30"),
        # The day it begins does not count; the last one counts to its end.
        ("2026-11-25 00:00", "1 working day", "2026-11-26 17:30"),
        ("2026-11-25 10:00", "2 days", "2026-11-28 00:00"),
        # National Day of 2026: 1 to 7 October are free, Sunday 20 September and Saturday 10 October are worked.
        ("2026-09-30 10:00", "1 working day", "2026-10-08 17:30"),
        ("2026-09-30 10:00", "5 working days", "2026-10-13 17:30"),
        ("2026-09-30 17:00", "1 working hour", "2026-10-08 09:00"),
        ("2026-10-09 17:00", "1 working hour", "2026-10-10 09:00"),
        ("2026-11-25 10:00", "0 minutes", "2026-11-25 10:00"),
    ],
)
def test_a_limit_is_over_when_a_person_would_say_so(start: str, length: str, end: str) -> None:
    assert said(CLOCK.after(at(start), duration(length))) == end


def test_what_is_no_length_is_refused() -> None:
    for wrong in ("", "5", "five days", "5 weeks", "99999 days", "-1 days", "5  days"):
        with pytest.raises(WorkTimeError, match="write such as 5 working days"):
            duration(wrong)
    with pytest.raises(WorkTimeError, match="no workday"):
        WorkClock(ZONE, lambda day: False, ((0, 60),)).after(at("2026-11-25"), duration("1 working day"))


moments = st.integers(at("2025-01-01 00:00"), at("2027-06-01 00:00"))
hours = st.integers(1, 200).map(lambda amount: Duration(amount, "hour", True))


@settings(max_examples=200, deadline=None)
@given(moments, hours)
def test_working_time_passed_is_working_time_given(start: int, length: Duration) -> None:
    end = CLOCK.after(start, length)
    assert CLOCK.worked(start, end) == length.amount * 3_600_000_000
    assert end > start


@settings(max_examples=100, deadline=None)
@given(moments, moments, st.sampled_from(["3 hours", "7 working hours", "2 days", "5 working days"]))
def test_who_begins_later_is_never_due_earlier(one: int, other: int, length: str) -> None:
    first, second = sorted((one, other))
    assert CLOCK.after(first, duration(length)) <= CLOCK.after(second, duration(length))


def policy(**changes: object) -> Policy:
    def rule(limits: dict[str, str], **fits: frozenset[str]) -> Rule:
        empty: frozenset[str] = frozenset()
        return Rule(
            fits.get("hotlines", empty),
            fits.get("request_types", empty),
            fits.get("urgencies", empty),
            {name: duration(text) for name, text in limits.items()},
        )

    rules = (
        rule({"reply": "24 hours"}, hotlines=frozenset({"12319"}), urgencies=frozenset({"urgent"})),
        rule({"dispatch": "1 hour"}, urgencies=frozenset({"critical"})),
        rule(
            {
                "dispatch": "4 working hours",
                "acknowledge": "1 working day",
                "reply": "5 working days",
                "extension": "10 working days",
                "review": "1 working day",
                "follow_up": "3 working days",
                "supervise": "3 working days",
            }
        ),
    )
    return replace(Policy(CLOCK, rules, duration("1 working day"), duration("0 minutes")), **changes)  # type: ignore[arg-type]


def step(action: Action, role: str, when: str, **data: Value) -> Step:
    return Step(action, role, "a" if role == "unit" else "1", at(when), data)  # type: ignore[arg-type]


def dispatched(hotline: str = "12345", urgency: str = "normal") -> Case:
    case = advance(Case(), step("open", "system", "2026-11-25 09:00"))
    for one in (
        step("register", "agent", "2026-11-25 09:05", request_type="help", urgency=urgency, text="路灯"),
        step("dispatch", "centre", "2026-11-25 10:00", unit="a"),
    ):
        case = take(case, with_limits(case, hotline, one, policy()), RULES)
    return case


def test_a_rule_of_the_hotline_and_urgency_goes_before_the_general_one() -> None:
    reply = dispatched("12319", "urgent").running("reply")
    assert reply is not None
    assert (said(reply.due_at), reply.is_working) == ("2026-11-26 10:00", False)
    reply = dispatched("12345", "urgent").running("reply")
    assert reply is not None
    assert said(reply.due_at) == "2026-12-02 17:30"


def test_what_a_step_registers_decides_its_own_limit() -> None:
    case = advance(Case(), step("open", "system", "2026-11-25 09:00"))
    one = step("register", "agent", "2026-11-25 09:05", request_type="help", urgency="critical", text="x")
    assert said(int(with_limits(case, "12345", one, policy()).data["dispatch_by"] or 0)) == "2026-11-25 10:05"


def test_an_extension_adds_no_more_than_its_limit() -> None:
    case = take(dispatched(), step("acknowledge", "unit", "2026-11-25 11:00"), RULES)
    fine = step("request_extension", "unit", "2026-11-30 11:00", reason="x", until=at("2026-12-16 17:30"))
    check_extension(case, "12345", fine, policy())
    with pytest.raises(StepError, match="at most 10 working days"):
        check_extension(case, "12345", replace(fine, data={"until": at("2026-12-16 17:31")}), policy())


def do(case: Case, now: int, rules: Policy) -> tuple[list[str], Case]:
    """Do what is due, as the clock's shell does."""
    done = []
    for deed in due(case, rules, now).deeds:
        data: dict[str, Value] = {"stage": deed.stage, "due": deed.due_at}
        if deed.action == "supervise":
            data["reason"] = "超期"
        one = with_limits(case, "12345", Step(deed.action, "system", "", now, data), rules)
        case = take(case, one, RULES)
        done.append(f"{deed.action} {deed.stage}")
    return done, case


def test_the_ladder_is_climbed_one_wake_after_the_other() -> None:
    case, rules = dispatched(), policy()
    now, told = at("2026-11-25 10:00"), []
    while (wake := due(case, rules, now).wake_at) is not None:
        now = wake
        done, case = do(case, now, rules)
        told += [f"{said(now)} {one}" for one in done]
    assert told == [
        "2026-11-26 15:12 warn acknowledge",
        "2026-11-26 17:30 yellow_card acknowledge",
        "2026-11-27 17:30 red_card acknowledge",
        "2026-11-27 17:30 supervise acknowledge",
        "2026-12-01 16:30 warn reply",
        "2026-12-02 17:30 yellow_card reply",
        "2026-12-02 17:30 escalate supervise",
        "2026-12-03 17:30 red_card reply",
    ]
    assert (case.card, case.is_supervised) == ("red_card", True)
    assert due(case, rules, now + 10**15).deeds == ()


def test_after_a_long_night_all_is_done_at_once_but_no_warning_that_comes_too_late() -> None:
    done, case = do(dispatched(), at("2026-11-28 00:00"), policy())
    assert done == ["yellow_card acknowledge", "red_card acknowledge", "supervise acknowledge"]
    assert due(case, policy(), at("2026-11-28 00:00")).deeds == ()


def test_the_centre_is_warned_and_gets_no_card() -> None:
    case = advance(Case(), step("open", "system", "2026-11-25 09:00"))
    one = step("register", "agent", "2026-11-25 09:00", request_type="help", urgency="normal", text="x")
    case = take(case, with_limits(case, "12345", one, policy()), RULES)
    assert [deed.action for deed in due(case, policy(), at("2026-11-25 15:00")).deeds] == ["warn"]
    assert due(case, policy(), at("2026-12-25 15:00")).deeds == ()


def test_a_case_that_is_over_wakes_nobody() -> None:
    limit = Limit("reply", "a", 0, 1)
    assert due(Case(state="closed", limits=(limit,)), policy(), 10).wake_at is None


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 30 * 24 * 60), min_size=1, max_size=12))
def test_whenever_it_is_looked_at_every_deed_is_done_once(minutes: list[int]) -> None:
    case, rules, told = dispatched(), policy(), []
    for minute in sorted(minutes):
        now = at("2026-11-25 10:00") + int(timedelta(minutes=minute).total_seconds() * 1_000_000)
        done, case = do(case, now, rules)
        told += done
        again = due(case, rules, now)
        assert again.deeds == ()
        assert again.wake_at is None or again.wake_at > now
    assert len(told) == len(set(told))


def test_the_id_of_a_deed_is_made_of_what_it_is_about() -> None:
    assert Deed("warn", "reply", 17).event_id("20261125000001") == "warn:20261125000001:reply:17"
