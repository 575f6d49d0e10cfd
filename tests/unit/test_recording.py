"""Recordings and transcripts as values: who was on which side when, what is transcribed, in which order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cti.facts import Fact
from recorder.recording import (
    BrokenIndexError,
    Part,
    Recording,
    Side,
    State,
    decode,
    encode,
    parts,
    started_at,
)
from recorder.speech.base import Segment, Span
from recorder.transcript import merge, spans

pytestmark = pytest.mark.unit

START = 1_795_536_000_000_000


def _at(ms: int) -> int:
    return START + ms * 1000


def _answered(ms: int, offer: str = "o1", agent: str = "8001") -> Fact:
    return Fact(f"a{ms}", "answered", _at(ms), data={"offer": offer, "agent": agent, "seat": agent})


def _ended(ms: int, offer: str = "o1") -> Fact:
    data = {"offer": offer, "seat": "8001", "status": "ANSWER", "talked_ms": 1}
    return Fact(f"e{ms}", "offer_ended", _at(ms), data=data)


def _recording(*sides: Side, parts: tuple[Part, ...] = ()) -> Recording:
    return Recording("n1-1.1", "2026/11/24/n1-1.1", START, START, sides, parts)


def _side(speaker: str = "citizen", state: State = "sealed", ms: int = 10_000, **more: object) -> Side:
    return Side(speaker, state, duration_ms=ms, sample_rate=8000, **more)  # type: ignore[arg-type]


def test_an_agent_is_on_the_line_from_the_answer_to_the_end_of_the_offer() -> None:
    facts = [_ended(9_000), _answered(4_000)]
    assert parts(facts, START, 12_000) == (Part("8001", "8001", 4_000, 9_000),)


def test_a_talk_whose_end_nobody_saw_lasts_as_long_as_the_recording() -> None:
    assert parts([_answered(4_000)], START, 12_000) == (Part("8001", "8001", 4_000, 12_000),)


def test_two_agents_one_after_the_other_are_two_parts() -> None:
    facts = [_answered(1_000), _ended(2_000), _answered(5_000, "o2", "8002"), _ended(8_000, "o2")]
    assert parts(facts, START, 12_000) == (
        Part("8001", "8001", 1_000, 2_000),
        Part("8002", "8002", 5_000, 8_000),
    )


def test_an_offer_that_nobody_answered_is_no_part() -> None:
    assert parts([_ended(5_000)], START, 12_000) == ()


@given(st.integers(-5_000, 60_000), st.integers(-5_000, 60_000), st.integers(0, 40_000))
def test_parts_lie_within_the_recording(answer: int, end: int, length: int) -> None:
    for part in parts([_answered(answer), _ended(end)], START, length):
        assert 0 <= part.from_ms < part.to_ms <= length


def test_the_recording_began_with_its_first_fact() -> None:
    started = Fact("r", "recording_started", _at(0), data={"folder": "x"})
    assert started_at([_answered(3), started]) == START
    assert started_at([_answered(3)]) is None


@pytest.mark.parametrize(
    ("citizen", "agent", "whole"),
    [
        ("sealed", "sealed", "sealed"),
        ("sealed", "repaired", "repaired"),
        ("empty", "repaired", "empty"),
        ("missing", "empty", "missing"),
        ("sealed", "damaged", "damaged"),
    ],
)
def test_the_state_of_a_recording_is_its_worse_side(citizen: State, agent: State, whole: State) -> None:
    assert _recording(_side("citizen", citizen), _side("agent", agent)).state == whole


def test_sides_of_different_length_are_told() -> None:
    assert "differ by 4000 ms" in _recording(_side(ms=10_000), _side("agent", ms=6_000)).note
    assert _recording(_side(ms=10_000), _side("agent", ms=9_800)).note == ""


def test_the_index_is_read_back_as_it_was_written() -> None:
    recording = _recording(_side(note="x"), _side("agent", silent=True), parts=(Part("8001", "8001", 1, 2),))
    assert decode(encode(recording)) == recording


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"version": 9}', '{"version": 1, "call_id": "x"}'])
def test_a_broken_index_is_refused(text: str) -> None:
    with pytest.raises(BrokenIndexError, match=r"index\.json"):
        decode(text)


def test_only_the_talk_is_transcribed_not_the_music_before_it() -> None:
    recording = _recording(_side(), _side("agent"), parts=(Part("8001", "8001", 4_000, 9_000),))
    assert spans(recording, "agent") == (Span(4_000, 9_000),)


def test_talks_that_touch_are_transcribed_in_one() -> None:
    touching = (Part("a", "a", 1_000, 4_000), Part("b", "b", 3_500, 6_000), Part("c", "c", 8_000, 99_000))
    recording = _recording(_side(), _side("agent"), parts=touching)
    assert spans(recording, "citizen") == (Span(1_000, 6_000), Span(8_000, 10_000))


def test_without_facts_the_whole_side_is_transcribed() -> None:
    assert spans(_recording(_side(), _side("agent")), "citizen") == (Span(0, 10_000),)


@pytest.mark.parametrize("side", [_side(silent=True), _side(state="damaged"), _side(state="empty", ms=0)])
def test_a_side_with_nothing_to_hear_is_not_given_to_an_engine(side: Side) -> None:
    assert spans(_recording(side, _side("agent")), "citizen") == ()


def test_both_sides_are_merged_by_time_and_the_citizen_goes_first_on_a_tie() -> None:
    said = {
        "agent": (Segment(0, 900, "您好", 1), Segment(3_000, 4_000, "在哪里", 1)),
        "citizen": (Segment(0, 500, "喂", 1), Segment(1_000, 2_000, "路灯坏了", 1)),
    }
    order = [(line.speaker, line.segment.text) for line in merge(said)]  # type: ignore[arg-type]
    assert order == [("citizen", "喂"), ("agent", "您好"), ("citizen", "路灯坏了"), ("agent", "在哪里")]
