"""The match: who is served next and by whom, over thousands of random halls and schedules."""

from __future__ import annotations

import random
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acd.matching import Match, Matcher, ReadyAgent, WaitingCall, match

pytestmark = pytest.mark.unit

QUEUES = ("hall", "law", "water")

calls = st.lists(
    st.builds(
        WaitingCall,
        id=st.integers(0, 30).map("n1-{}".format),
        queue=st.sampled_from((*QUEUES, "nobody")),
        priority=st.integers(0, 3),
        queued_at=st.integers(0, 20),
    ),
    max_size=25,
    unique_by=lambda call: call.id,
)
agents = st.lists(
    st.builds(
        ReadyAgent,
        id=st.integers(1000, 1030).map(str),
        queues=st.lists(st.sampled_from(QUEUES), unique=True, max_size=3).map(tuple),
        ready_since=st.integers(0, 20),
    ),
    max_size=25,
    unique_by=lambda agent: agent.id,
)


def drain(matcher: Matcher) -> list[Match]:
    found = []
    while (one := matcher.next()) is not None:
        found.append(one)
    return found


def filled(waiting: list[WaitingCall], ready: list[ReadyAgent]) -> Matcher:
    matcher = Matcher()
    for call in waiting:
        matcher.put_call(call)
    for agent in ready:
        matcher.put_agent(agent)
    return matcher


@given(calls, agents)
@settings(max_examples=1000)
def test_nobody_is_matched_twice_passed_over_or_left_waiting_beside_a_ready_agent(
    waiting: list[WaitingCall], ready: list[ReadyAgent]
) -> None:
    found = list(match(waiting, ready))
    assert len({one.call for one in found}) == len(found)
    assert len({one.agent for one in found}) == len(found)
    by_call = {call.id: call for call in waiting}
    by_agent = {agent.id: agent for agent in ready}
    left_calls = by_call.keys() - {one.call for one in found}
    left_agents = by_agent.keys() - {one.agent for one in found}
    for one in found:
        call, agent = by_call[one.call], by_agent[one.agent]
        assert call.queue == one.queue
        assert call.queue in agent.queues
        for other in left_calls:
            assert by_call[other].queue != call.queue or by_call[other].place > call.place
        for other in left_agents:
            assert call.queue not in by_agent[other].queues or by_agent[other].place > agent.place
    for call_id in left_calls:
        assert not any(by_call[call_id].queue in by_agent[agent_id].queues for agent_id in left_agents)


@given(calls, agents, st.randoms(use_true_random=False))
@settings(max_examples=1000)
def test_the_matcher_gives_the_answers_of_the_rule_in_whatever_order_it_learnt(
    waiting: list[WaitingCall], ready: list[ReadyAgent], rng: random.Random
) -> None:
    expected = list(match(waiting, ready))
    rng.shuffle(waiting)
    rng.shuffle(ready)
    assert drain(filled(waiting, ready)) == expected


def test_thousands_of_random_schedules_keep_the_rule() -> None:
    """Puts, moves, drops and matches in any order: at each match it is the first that the rule names."""
    rng = random.Random(12345)
    for _ in range(300):
        matcher = Matcher()
        waiting: dict[str, WaitingCall] = {}
        ready: dict[str, ReadyAgent] = {}
        clock = count()
        for _ in range(80):
            what = rng.random()
            if what < 0.35:
                call = WaitingCall(
                    f"n1-{rng.randrange(20)}", rng.choice(QUEUES), rng.randrange(3), next(clock)
                )
                waiting[call.id] = call
                matcher.put_call(call)
            elif what < 0.7:
                served = tuple(rng.sample(QUEUES, rng.randrange(1, 4)))
                agent = ReadyAgent(str(rng.randrange(20)), served, next(clock))
                ready[agent.id] = agent
                matcher.put_agent(agent)
            elif what < 0.8:
                gone = f"n1-{rng.randrange(20)}"
                waiting.pop(gone, None)
                matcher.drop_call(gone)
            elif what < 0.9:
                gone = str(rng.randrange(20))
                ready.pop(gone, None)
                matcher.drop_agent(gone)
            else:
                expected = next(match(waiting.values(), ready.values()), None)
                found = matcher.next()
                assert found == expected
                if found:
                    del waiting[found.call], ready[found.agent]
            assert (len(matcher), matcher.idle) == (len(waiting), len(ready))


def test_the_longest_waiting_of_the_highest_priority_wins_over_all_queues() -> None:
    agent = ReadyAgent("1001", ("hall", "law"), 0)
    first, second = WaitingCall("a", "hall", 0, 1), WaitingCall("b", "law", 0, 2)
    urgent = WaitingCall("c", "law", 5, 3)
    assert drain(filled([second, first], [agent])) == [Match("a", "1001", "hall", 1, 1)]
    assert drain(filled([second, first, urgent], [agent])) == [Match("c", "1001", "law", 1, 2)]


def test_the_longest_idle_who_serves_the_queue_is_chosen() -> None:
    ready = [
        ReadyAgent("1001", ("law",), 0),
        ReadyAgent("1002", ("hall",), 2),
        ReadyAgent("1003", ("hall", "law"), 1),
    ]
    assert drain(filled([WaitingCall("a", "hall", 0, 9)], ready)) == [Match("a", "1003", "hall", 2, 1)]


def test_a_call_whose_queue_nobody_serves_does_not_hold_up_the_others() -> None:
    waiting = [WaitingCall("a", "nobody", 9, 0), WaitingCall("b", "hall", 0, 5)]
    assert [one.call for one in drain(filled(waiting, [ReadyAgent("1001", ("hall",), 0)]))] == ["b"]


def test_a_place_held_is_found_again() -> None:
    matcher = filled([WaitingCall("a", "hall", 0, 1), WaitingCall("b", "hall", 0, 2)], [])
    matcher.put_agent(ReadyAgent("1001", ("hall",), 0))
    one = matcher.next()
    assert one is not None
    assert one.call == "a"
    matcher.put_call(WaitingCall("a", "hall", 0, 1))
    matcher.put_agent(ReadyAgent("1002", ("hall",), 0))
    again = matcher.next()
    assert again is not None
    assert again.call == "a"
