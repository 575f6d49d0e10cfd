"""What a hotline does on each of its days and hours: all seven merge modes, holidays, make-up workdays, nights."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config import load
from config.schema.hotline import Hotline
from config.schema.hours import Span
from ivr.calendar import Calendar
from ivr.directory import Directory, Plan

pytestmark = pytest.mark.unit

CITY = load(Path(__file__).parent / "wrong_config" / "city")
SHANGHAI = ZoneInfo("Asia/Shanghai")
OUTSIDE = {"sip": "sip:owner@10.0.0.5", "on_fail_queue": "night"}
MOMENTS = st.datetimes(datetime(2024, 1, 1), datetime(2029, 12, 31))


def line(**fields: Any) -> Hotline:
    """A line of the number 12388, read as from a file."""
    base = {
        "id": "line",
        "numbers": ["12388"],
        "name": "热线",
        "owner_unit": "centre",
        "greeting": "greeting",
    }
    return Hotline.model_validate_json(json.dumps({**base, **fields}))


def at(moment: str | datetime, hotline: Hotline, **platform: Any) -> Plan:
    city = replace(
        CITY, hotlines=(*CITY.hotlines, hotline), platform=CITY.platform.model_copy(update=platform)
    )
    when = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return Directory(city).resolve("12388", "13800138000", when)


def test_a_merged_number_is_told_of_its_end_then_ends_then_is_gone() -> None:
    merged = line(
        queue="general",
        valid_from="2026-12-01",
        transition_until="2027-01-01",
        transition_prompt="callback_taken",
        retire_at="2027-07-01",
        retired_prompt="unknown_number",
    )
    before = at("2026-11-30T23:59", merged)
    assert (before.outcome, before.reason) == ("prompt", "not_yet_valid")
    during = at("2026-12-01", merged)
    assert (during.outcome, during.queue, during.notice, during.greeting) == (
        "queue",
        "general",
        "callback_taken",
        "greeting",
    )
    over = at("2027-01-01", merged)
    assert (over.outcome, over.reason, over.greeting, over.queue) == (
        "prompt",
        "transition_over",
        "unknown_number",
        "",
    )
    gone = at("2027-07-01", merged)
    assert (gone.outcome, gone.reason, gone.greeting) == ("prompt", "retired", "unknown_number")
    assert not gone.record


def test_two_numbers_stay_and_one_pool_answers() -> None:
    plan = at("2026-12-01", line(queue="general", merge_mode="dual_number"))
    assert (plan.outcome, plan.hotline, plan.queue, plan.greeting) == ("queue", "line", "general", "greeting")


def test_a_centre_of_its_own_answers_here_or_outside() -> None:
    assert at("2026-12-01", line(merge_mode="sub_center", queue="night")).queue == "night"
    outside = at("2026-12-01", line(merge_mode="sub_center", forward=OUTSIDE))
    assert outside.outcome == "forward"
    assert outside.forward is not None
    assert str(outside.forward.to) == "sip:owner@10.0.0.5"
    assert outside.queue == "night", "who reaches nobody waits there"


def test_one_key_is_answered_by_12345_and_knows_its_owner() -> None:
    plan = at("2026-12-01", line(merge_mode="one_key_transfer", queue="general", forward=OUTSIDE))
    assert (plan.outcome, plan.queue, plan.transfers) == ("queue", "general", ("line",))


def test_a_linked_number_goes_to_its_own_centre() -> None:
    assert at("2026-12-01", line(merge_mode="interconnect", forward=OUTSIDE)).outcome == "forward"


def test_an_office_rings_the_duty_phone_of_the_hour() -> None:
    office = line(
        merge_mode="office_only",
        greeting=None,
        duty=[
            {
                "days": "workday",
                "from": "08:30",
                "to": "17:30",
                "sip": "sip:day@10.0.0.5",
                "on_fail_queue": "night",
            },
            {"from": "17:30", "to": "08:30", "sip": "sip:night@10.0.0.5", "on_fail_queue": "night"},
        ],
        retired_prompt="unknown_number",
    )

    def rings(moment: str) -> str:
        plan = at(moment, office)
        return str(plan.forward.to) if plan.forward else plan.reason

    assert rings("2026-11-24T08:30") == "sip:day@10.0.0.5"
    assert rings("2026-11-24T17:29:59") == "sip:day@10.0.0.5"
    assert rings("2026-11-24T17:30") == "sip:night@10.0.0.5"
    assert rings("2026-11-25T03:00") == "sip:night@10.0.0.5"
    assert rings("2026-10-01T10:00") == "nobody_on_duty", "the National Day is no workday"
    assert rings("2026-10-10T10:00") == "sip:day@10.0.0.5", "a Saturday that is worked"


def test_a_retired_number_says_so_or_forwards_or_rings_the_office() -> None:
    assert at("2026-12-01", line(merge_mode="retired", retired_prompt="unknown_number")).reason == "retired"
    forwards = at("2026-12-01", line(merge_mode="retired", after_retire="forward", forward=OUTSIDE))
    assert (forwards.outcome, forwards.reason) == ("forward", "retired")
    office = line(merge_mode="retired", after_retire="office", duty=[OUTSIDE])
    assert (at("2026-12-01", office).outcome, at("2026-12-01", office).reason) == ("forward", "retired")


WORKDAYS: dict[str, Any] = {
    "queue": "general",
    "hours": [{"days": ["workday"], "from": "09:00", "to": "17:00"}],
    "off_hours": {"then": "queue", "queue": "night", "prompt": "callback_taken"},
}

HOURS = {
    "2026-11-24T09:00": "general",  # a Tuesday
    "2026-11-24T08:59": "night",
    "2026-11-24T17:00": "night",
    "2026-11-28T10:00": "night",  # a Saturday
    "2026-10-01T10:00": "night",  # National Day, a Thursday
    "2026-10-10T10:00": "general",  # a Saturday that makes up for it
    "2026-02-14T10:00": "general",  # before the Spring Festival
    "2027-10-01T10:00": "general",  # a Friday of a year whose holidays are not known yet
}


@pytest.mark.parametrize(("moment", "queue"), HOURS.items())
def test_workdays_follow_the_holidays_of_china(moment: str, queue: str) -> None:
    plan = at(moment, line(**WORKDAYS))
    assert plan.queue == queue
    assert plan.greeting == ("greeting" if queue == "general" else "callback_taken")
    assert plan.reason == ("exact" if queue == "general" else "off_hours")


def test_the_city_adds_days_of_its_own() -> None:
    assert at("2027-10-01T10:00", line(**WORKDAYS), days_off=(date(2027, 10, 1),)).queue == "night"
    assert at("2026-11-28T10:00", line(**WORKDAYS), workdays=(date(2026, 11, 28),)).queue == "general"


def test_hours_are_of_the_lines_own_time_zone() -> None:
    there = line(**WORKDAYS, timezone="Asia/Urumqi")
    assert at("2026-11-24T10:00", there).queue == "night", "eight in the morning there"
    assert at("2026-11-24T11:00", there).queue == "general"


def test_a_closure_goes_before_hours_and_may_say_why() -> None:
    closures = [
        {"from": "2026-11-24T10:00", "until": "2026-11-24T11:00", "prompt": "unknown_number"},
        {"from": "2026-11-24T12:00", "until": "2026-11-24T13:00"},
    ]
    closing = line(**WORKDAYS, closures=closures)
    told = at("2026-11-24T10:30", closing)
    assert (told.outcome, told.reason, told.greeting) == ("prompt", "closed", "unknown_number")
    assert (at("2026-11-24T12:30", closing).queue, at("2026-11-24T12:30", closing).reason) == (
        "night",
        "closed",
    )
    assert at("2026-11-24T11:00", closing).queue == "general"


def test_off_hours_may_ring_the_duty_phone() -> None:
    nights = {**WORKDAYS, "off_hours": {"then": "duty"}, "duty": [OUTSIDE]}
    plan = at("2026-11-24T20:00", line(**nights))
    assert (plan.outcome, plan.reason) == ("forward", "off_hours")


@given(MOMENTS, st.integers(0, 6 * 24 * 4 - 1), st.integers(1, 24 * 4))
def test_hours_over_midnight_are_those_of_the_day_they_begin_on(
    now: datetime, begins: int, length: int
) -> None:
    """A span and its complement on the same days share no moment, and together leave none out."""
    clock = [f"{quarter // 4:02}:{quarter % 4 * 15:02}" for quarter in range(96)]
    start, end = clock[begins % 96], clock[(begins + length) % 96]
    if start == end:
        return
    calendar = Calendar()
    minute = now.hour * 60 + now.minute
    one = calendar.covers(
        Span.model_validate({"from": start, "to": end}), now.date(), now.date() - timedelta(1), minute
    )
    other = calendar.covers(
        Span.model_validate({"from": end, "to": start}), now.date(), now.date() - timedelta(1), minute
    )
    assert one is not other


LINES = [
    line(**WORKDAYS),
    line(**WORKDAYS, retire_at="2027-01-01", retired_prompt="unknown_number"),
    line(
        queue="general",
        valid_from="2025-01-01",
        transition_until="2026-06-01",
        retired_prompt="unknown_number",
    ),
    line(merge_mode="office_only", greeting=None, duty=[OUTSIDE]),
    line(merge_mode="sub_center", forward=OUTSIDE),
    line(merge_mode="interconnect", forward=OUTSIDE, closures=[]),
    line(merge_mode="retired", retired_prompt="unknown_number"),
]
DIRECTORIES = [Directory(replace(CITY, hotlines=(*CITY.hotlines, one))) for one in LINES]


@given(st.sampled_from(DIRECTORIES), MOMENTS)
def test_at_any_moment_a_caller_reaches_somebody_or_is_told(directory: Directory, now: datetime) -> None:
    plan = directory.resolve("12388", "", now)
    assert plan == directory.resolve("075012388", "", now) or plan.reason == "exact"
    if plan.outcome == "queue":
        assert plan.queue in CITY.queue
    elif plan.outcome == "forward":
        assert plan.forward is not None
        assert plan.forward.to.on_fail_queue or plan.forward.to.on_fail_prompt
    else:
        assert plan.greeting in CITY.prompts
        assert not plan.queue
    assert plan.hotline == "line", "whatever becomes of it, it is counted"


@given(MOMENTS)
def test_a_line_goes_through_its_phases_in_order_and_never_back(now: datetime) -> None:
    order = ["not_yet_valid", "exact", "transition_over", "retired"]
    dated = line(
        queue="general",
        valid_from="2025-03-01",
        transition_until="2026-03-01",
        retire_at="2027-03-01",
        retired_prompt="unknown_number",
    )
    directory = Directory(replace(CITY, hotlines=(*CITY.hotlines, dated)))
    now_is = directory.resolve("12388", "", now).reason
    later_is = directory.resolve("12388", "", now + timedelta(days=200)).reason
    assert order.index(now_is) <= order.index(later_is)
