"""Facts told as sentences: each kind, the order of time, the caller's number masked."""

from __future__ import annotations

import random

import pytest

from cti.app.views.timeline import timeline, why
from cti.app.views.words import offset
from cti.facts import KINDS, Fact, Value
from tests.contract.call_of_12319 import NAMES, fact, whole_call

pytestmark = pytest.mark.unit


def _lines(*facts: Fact, full: bool = False) -> list[str]:
    return [f"{offset(moment.offset_ms)}  {moment.text}" for moment in timeline(facts, NAMES, full=full)]


def test_a_whole_call_reads_as_a_story() -> None:
    assert _lines(*whole_call()) == [
        "00:00.0  a call to 12319 arrives from 138****0001",
        "00:00.0  leg of the citizen begins",
        "00:00.0  hotline 12319 城市管理热线: queue hall 综合坐席",
        "00:00.0  leg of the citizen is answered",
        "00:00.0  greeting begins (greeting_12319)",
        "00:04.2  waits in queue hall 综合坐席 with priority 5",
        "00:04.2  offered to agent 1001 王芳 (seat 1001), waited 0.0 s",
        "00:04.2  recording begins",
        "00:19.2  agent 1001 王芳 (seat 1001) does not answer, rang 15.0 s",
        "00:19.2  back in queue hall 综合坐席 at the place held: the seat did not answer",
        "00:19.3  offered to agent 1002 李强 (seat 1002), waited 15.1 s",
        "00:19.3  leg of seat 1002 begins",
        "00:21.3  agent 1002 李强 (seat 1002) answers, rang 2.0 s",
        "00:21.3  the citizen and seat 1002 are joined",
        "00:21.4  case 20261125000001 opened",
        "00:53.7  the citizen and seat 1002 part",
        "00:53.7  talk with agent 1002 李强 (seat 1002) ends after 32.4 s",
        "00:53.7  leg of seat 1002 ends (cause 16)",
        "00:55.0  leg of the citizen ends (cause 16)",
        "00:55.0  the call ends",
        "00:55.1  recording sealed, 50.8 s",
        "00:59.0  transcript written by faster-whisper (whisper-base): 2 segments",
    ]


def test_the_story_is_in_the_order_of_time_however_the_facts_come() -> None:
    facts = list(whole_call())
    random.Random(3).shuffle(facts)
    told = timeline(facts, NAMES)
    assert [moment.at for moment in told] == sorted(moment.at for moment in told)
    assert told[0].offset_ms == 0


def test_what_was_known_before_the_call_arrived_lies_before_the_start() -> None:
    lines = _lines(
        fact(-1500, "greeting_started", prompt="p"),
        fact(0, "call_arrived", dialed_number="12319", caller_number="", channel="c"),
    )
    assert lines == [
        "-00:01.5  greeting begins (p)",
        "00:00.0  a call to 12319 arrives from a withheld number",
    ]


@pytest.mark.parametrize(
    ("kind", "data", "sentence"),
    [
        (
            "hotline_resolved",
            {"hotline": "", "queue": "", "plan": "prompt", "reason": "unknown_number"},
            "no hotline: a prompt is played and the call ends (unknown number)",
        ),
        (
            "hotline_resolved",
            {"hotline": "12319", "queue": "", "plan": "reject", "reason": "blocked"},
            "hotline 12319 城市管理热线: the call is rejected (blocked)",
        ),
        (
            "queued",
            {"queue": "hall", "priority": 0, "queued_at": 1, "returned": ""},
            "waits in queue hall 综合坐席",
        ),
        (
            "offer_ended",
            {"offer": "x", "seat": "1001", "status": "CANCEL", "talked_ms": 0},
            "the caller hangs up while seat 1001 rings",
        ),
        (
            "offer_ended",
            {"offer": "x", "agent": "1001", "seat": "1001", "status": "BUSY", "talked_ms": 0},
            "agent 1001 王芳 (seat 1001) is busy",
        ),
        (
            "offer_ended",
            {"offer": "x", "agent": "1001", "seat": "1001", "status": "CHANUNAVAIL", "talked_ms": 0},
            "the phone of agent 1001 王芳 (seat 1001) can not be reached",
        ),
        (
            "fallback_entered",
            {"step": "static_queue"},
            "no engine answers: the call goes to the static queue of the same seats",
        ),
        ("fallback_entered", {"step": "callback"}, "nobody took the call: a callback request is noted down"),
        (
            "agent_state",
            {"agent": "1001", "seat": "1001", "state": "wrap_up", "reason": "", "before": "talking"},
            "agent 1001 王芳 is in wrap-up",
        ),
        (
            "transcribed",
            {"engine": "vosk", "model": "small", "segments": 1},
            "transcript written by vosk (small): 1 segment",
        ),
    ],
)
def test_each_thing_that_may_happen_has_words(kind: str, data: dict[str, Value], sentence: str) -> None:
    (moment,) = timeline([Fact("f", kind, 1, "n1-1.1", data=data)], NAMES)
    assert moment.text == sentence


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_fact_with_nothing_beyond_what_it_must_carry_is_told(kind: str) -> None:
    data: dict[str, Value] = {
        name: "x" if wanted is str else 1 for name, wanted in KINDS[kind].required.items()
    }
    (moment,) = timeline([Fact("f", kind, 1, "n1-1.1", data=data)], NAMES)
    assert moment.text
    assert moment.text[0] != " "


def test_a_kind_from_a_newer_platform_is_told_as_it_is() -> None:
    (moment,) = timeline([Fact("f", "survey_answered", 1, "n1-1.1", data={"rating": 5})], NAMES)
    assert moment.text == "survey answered: rating 5"


def test_the_callers_number_is_whole_only_on_request() -> None:
    arrived = whole_call()[0]
    assert "13800000001" not in repr(timeline([arrived], NAMES))
    assert "from 13800000001" in timeline([arrived], NAMES, full=True)[0].text


def test_why_an_agent_was_chosen_is_told_with_all_that_the_decision_saw() -> None:
    offered = next(fact for fact in whole_call() if fact.kind == "offered")
    assert why(offered) == (
        "the citizen had waited 0.0 s",
        "the agent had been idle for 1 min 1 s",
        "agents who could have been chosen: 2",
        "citizens who could have been chosen: 1",
    )
    assert why(Fact("f", "offered", 1, data={"waited_ms": 10, "skill_level": 3}))[1:] == ("skill level: 3",)


def test_no_facts_make_no_story() -> None:
    assert timeline([], NAMES) == ()
