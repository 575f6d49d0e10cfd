"""What the facts of a call come to, whatever the order in which they are told and however often."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cti.facts import Fact, Value
from cti.journal import cut, translate
from cti.ledger import project

pytestmark = pytest.mark.unit

CORPUS = Path(__file__).parent / "journal_corpus"
NAMES = sorted(file.stem for file in CORPUS.glob("*.json"))
CALL = "n1-100.0"


def captured(name: str) -> list[Fact]:
    records = cut((CORPUS / f"{name}.json").read_bytes()).records
    return [fact for record in records for fact in translate(record)]


def call(name: str) -> project.Call:
    found = project.call(captured(name))
    assert found is not None
    return found


def fact(kind: str, second: float, leg: str = "", **data: Value) -> Fact:
    at = int(second * 1_000_000)
    return Fact(f"{kind}:{second}", kind, at, CALL, leg or CALL, "n1", data)


def queued(second: float, returned: str = "", place: int = 2_000_000) -> Fact:
    return fact("queued", second, queue="general", returned=returned, priority=0, queued_at=place)


def answered(second: float, agent: str) -> Fact:
    return fact("answered", second, f"leg-{agent}", offer=f"o{second}", agent=agent, seat=agent)


def talk(kind: str, second: float, bridge: str = "b", seat: str = "1001") -> Fact:
    return fact(kind, second, channel="PJSIP/trunk-t1-0", peer=f"PJSIP/{seat}-1", seat=seat, bridge=bridge)


ARRIVED = fact(
    "call_arrived", 1, dialed_number="12319", caller_number="13800000000", channel="PJSIP/trunk-t1-0"
)
RESOLVED = fact("hotline_resolved", 1.5, hotline="12319", queue="general", plan="queue", reason="number")
ENDED = fact("call_ended", 60)


# Calls that a real Asterisk told


@pytest.mark.parametrize(
    ("name", "outcome", "agent", "seat", "waited"),
    [
        ("answered", "answered", "1001", "1001", True),
        ("abandoned", "abandoned", "", "", True),
        ("returned_then_answered", "answered", "1002", "1002", True),
        ("hung_up_while_ringing", "abandoned", "", "", True),
        ("unknown_number", "prompt", "", "", False),
        ("rejected", "rejected", "", "", False),
        ("static_queue", "answered", "", "1001", True),
        ("callback", "callback", "", "", True),
    ],
)
def test_what_became_of_a_call(name: str, outcome: str, agent: str, seat: str, waited: bool) -> None:
    found = call(name)
    assert (found.outcome, found.agent, found.seat) == (outcome, agent, seat)
    assert (found.wait_ms is not None) == (found.queued_at is not None) == waited
    assert (found.answered_at is not None) == (outcome == "answered") == (found.talk_ms > 0)
    assert found.ended_at is not None
    assert (found.dialed_number, found.caller_number, found.node) == ("12345", "13800000000", "n1")


def test_a_call_that_came_back_waited_from_its_first_place_on() -> None:
    found = call("returned_then_answered")
    assert found.queued_at == 1795557475125227
    assert found.wait_ms == 3009
    assert found.talk_ms == 3198
    assert found.folder == "2026/11/24/n1-1795557474.0"


def test_the_legs_of_a_call_tell_who_rang_and_who_answered() -> None:
    citizen, first, second = project.legs(captured("returned_then_answered"))
    assert [leg.seat for leg in (citizen, first, second)] == ["", "1001", "1002"]
    assert first.answered_at is None
    assert second.answered_at is not None
    assert [leg.cause for leg in (citizen, first, second)] == [16, 0, 16]


# Any order


@given(st.sampled_from(NAMES), st.randoms(use_true_random=False), st.integers(0, 5))
def test_the_order_of_telling_and_telling_twice_change_nothing(
    name: str, chance: random.Random, repeated: int
) -> None:
    told = captured(name)
    shuffled = told + told[:repeated]
    chance.shuffle(shuffled)
    for call_id in {fact.call_id for fact in told}:
        mine = [fact for fact in told if fact.call_id == call_id]
        other = [fact for fact in shuffled if fact.call_id == call_id]
        assert project.call(other) == project.call(mine)
        assert project.legs(other) == project.legs(mine)


@given(st.sampled_from(NAMES), st.data())
def test_any_part_of_the_facts_makes_rows_without_an_error(name: str, data: st.DataObject) -> None:
    told = captured(name)
    part = [fact for fact in told if fact.call_id == told[0].call_id and data.draw(st.booleans())]
    found = project.call(part)
    if found is not None:
        assert found.call_id == told[0].call_id
        assert found.wait_ms is None or found.wait_ms >= 0
        assert found.talk_ms >= 0
    project.legs(part)


# The finer rules


def test_a_call_that_goes_on_has_no_outcome_yet() -> None:
    found = project.call([ARRIVED, RESOLVED, queued(2)])
    assert found is not None
    assert (found.outcome, found.ended_at, found.wait_ms) == ("", None, None)


def test_an_agent_who_cut_the_citizen_off_is_not_the_one_who_answered() -> None:
    told = [ARRIVED, RESOLVED, queued(2), answered(10, "1001"), queued(10.4, returned="ANSWER")]
    waiting = project.call(told)
    assert waiting is not None
    assert (waiting.agent, waiting.answered_at) == ("", None)
    served = project.call([*told, answered(20, "1002"), ENDED])
    assert served is not None
    assert (served.agent, served.answered_at, served.wait_ms) == ("1002", 20_000_000, 18_000)


def test_the_first_agent_stays_the_one_who_answered_after_a_transfer() -> None:
    found = project.call([ARRIVED, queued(2), answered(10, "1001"), answered(30, "1002"), ENDED])
    assert found is not None
    assert found.agent == "1001"


def test_a_third_who_joins_a_talk_makes_it_no_longer() -> None:
    found = project.call(
        [
            ARRIVED,
            answered(10, "1001"),
            talk("talk_started", 10),
            talk("talk_started", 20, seat="1002"),
            talk("talk_ended", 30, seat="1002"),
            talk("talk_ended", 40),
            talk("talk_started", 45, bridge="c"),
            talk("talk_ended", 50, bridge="c"),
            ENDED,
        ]
    )
    assert found is not None
    assert found.talk_ms == 35_000


def test_a_talk_whose_end_nobody_told_ends_with_the_call() -> None:
    told = [ARRIVED, answered(10, "1001"), talk("talk_started", 10)]
    going_on, over = project.call(told), project.call([*told, ENDED])
    assert going_on is not None
    assert over is not None
    assert (going_on.talk_ms, over.talk_ms) == (0, 50_000)


def test_a_call_that_asterisk_took_with_it_is_lost_unless_somebody_had_answered() -> None:
    lost = replace(ENDED, data={"lost": True})
    waiting = project.call([ARRIVED, RESOLVED, queued(2), lost])
    served = project.call([ARRIVED, RESOLVED, queued(2), answered(10, "1001"), lost])
    assert waiting is not None
    assert served is not None
    assert (waiting.outcome, served.outcome) == ("lost", "answered")


def test_hanging_up_in_the_greeting_is_no_abandoning() -> None:
    found = project.call([ARRIVED, RESOLVED, ENDED])
    assert found is not None
    assert found.outcome == "hung_up"


def test_a_seat_that_dials_has_legs_and_no_call() -> None:
    told = [fact("leg_started", 1, channel="PJSIP/1001-0", seat="1001"), ENDED]
    assert project.call(told) is None
    assert len(project.legs(told)) == 1
