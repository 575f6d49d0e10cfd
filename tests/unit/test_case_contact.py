"""What a case is made of: the contact that the facts tell, its number, the steps it may take."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caselink import loop
from caselink.contact import Contact, clean, contact
from caselink.number import check_code, day_of, format_number
from cti.facts import Fact

pytestmark = pytest.mark.unit

CALL = "n1-1795536000.42"
START = 1_795_536_000_000_000


def _facts() -> list[Fact]:
    return [
        Fact(
            "a",
            "call_arrived",
            START,
            CALL,
            data={"dialed_number": "12319", "caller_number": "13800000001", "channel": "PJSIP/t-1"},
        ),
        Fact(
            "h",
            "hotline_resolved",
            START + 1,
            CALL,
            data={"hotline": "12319", "queue": "hall", "plan": "queue", "reason": ""},
        ),
        Fact("x", "answered", START + 9, CALL, data={"offer": "o1", "agent": "1001", "seat": "1001"}),
        Fact("y", "answered", START + 99, CALL, data={"offer": "o2", "agent": "1002", "seat": "1002"}),
        Fact("z", "answered", START + 5, "n1-7.7", data={"offer": "o3", "agent": "1003", "seat": "1003"}),
    ]


@given(st.permutations(_facts()), st.lists(st.sampled_from(_facts())))
def test_the_contact_is_the_same_in_any_order_and_however_often_it_is_told(
    facts: list[Fact], again: list[Fact]
) -> None:
    found = contact(CALL, [*facts, *again])
    assert (found.dialed_number, found.caller_number, found.hotline) == ("12319", "13800000001", "12319")
    assert [answer.agent for answer in found.answers] == ["1001", "1002"]


def test_in_the_static_queue_the_talk_is_the_answer_once_a_seat() -> None:
    def talk(name: str, at: int, seat: str) -> Fact:
        data = {"channel": f"PJSIP/{seat}-1", "peer": "PJSIP/trunk-a-2", "seat": seat, "bridge": "b"}
        return Fact(name, "talk_started", at, CALL, data=data)

    facts = [
        talk("t1", 5, "1001"),
        talk("t2", 6, "1001"),
        Fact("f", "fallback_entered", 4, CALL, data={"step": "x"}),
    ]
    (answer,) = contact(CALL, facts).answers
    assert (answer.fact_id, answer.agent, answer.seat) == ("t1", "", "1001")
    assert contact(CALL, facts[:2]).answers == ()


def test_what_is_not_told_yet_is_empty() -> None:
    assert contact(CALL, []) == Contact(CALL)


@given(st.text(max_size=10_000))
def test_rubbish_from_the_network_becomes_a_short_text_that_a_database_takes(text: str) -> None:
    short = clean(text)
    assert len(short) <= 80
    assert "\0" not in short
    short.encode()


def test_a_number_begins_with_the_day_in_the_citys_time() -> None:
    before_midnight = 1_795_535_999_999_999  # 2026-11-24T15:59:59Z
    assert day_of(before_midnight, "Asia/Shanghai") == "20261124"
    assert day_of(before_midnight + 1, "Asia/Shanghai") == "20261125"
    assert day_of(before_midnight + 1, "UTC") == "20261124"


def test_a_number_is_fourteen_digits_and_does_not_end_there() -> None:
    assert format_number("20261124", 1) == "20261124000001"
    assert format_number("20261124", 1_000_000) == "202611241000000"


def test_check_codes_are_six_digits_and_not_guessed_from_one_another() -> None:
    random.seed(0)
    codes = [check_code() for _ in range(200)]
    assert all(len(code) == 6 and code.isdigit() for code in codes)
    assert len(set(codes)) > 190


def test_a_step_that_the_loop_does_not_know_is_an_error_that_names_it() -> None:
    assert loop.after("", "open") == "received"
    assert loop.after("received", "answer") == "received"
    with pytest.raises(loop.TransitionError, match=r"not opened.*answer"):
        loop.after("", "answer")
