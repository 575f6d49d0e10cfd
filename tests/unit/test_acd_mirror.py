"""The mirror and the floor: any order of events gives the same hall, and who must wait a moment does."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acd.floor import HEAD_START, Floor
from acd.hall_state import HallState
from acd.invariants import breaches
from acd.policy import SECOND, Policy
from acd.rows import Agent, Call, Change, Snapshot, live_id

pytestmark = pytest.mark.unit

NOW = 1_800_000_000 * SECOND
CALL = Call("n1-1.1", "waiting", node="n1", channel="c1", queue="hall", queued_at=NOW)
AGENT = Agent("1001", "ready", ready_since=NOW, seat="1001", queues=("hall",))


def change(live: int, *, agent: Agent | None = None, call: Call | None = None, what: str = "told") -> Change:
    return Change((live, 0), what, "e1", NOW, agent, call)


def history(rng: random.Random) -> list[Change]:
    events = []
    for live in range(1, rng.randrange(2, 40)):
        agent = Agent(
            str(rng.randrange(1001, 1004)),
            rng.choice(("signed_out", "ready", "not_ready", "wrap_up")),
            since=live,
            lease=rng.choice((0, live)),
        )
        call = Call(f"n1-{rng.randrange(4)}.1", rng.choice(("waiting", "talking", "ended")), queued_at=live)
        kind = rng.randrange(3)
        events.append(change(live, agent=agent if kind != 1 else None, call=call if kind != 2 else None))
    return events


def rows(state: HallState) -> tuple[dict[str, Agent], dict[str, Call]]:
    return state.agents, state.calls


@given(st.randoms(use_true_random=False))
@settings(max_examples=1000)
def test_own_answers_ahead_of_the_stream_change_nothing_in_the_end(rng: random.Random) -> None:
    events = history(rng)
    plain, mirror = HallState(), HallState()
    for event in events:
        plain.apply(event)
    ahead = [event for event in events if rng.random() < 0.4]
    for event in events:
        while ahead and rng.random() < 0.5:
            mirror.apply(ahead.pop(rng.randrange(len(ahead))))
        mirror.apply(event)
        mirror.passed(event.live)
    for event in ahead:
        mirror.apply(event)
    assert rows(mirror) == rows(plain)


@given(st.randoms(use_true_random=False))
@settings(max_examples=500)
def test_a_snapshot_does_not_undo_what_is_newer(rng: random.Random) -> None:
    events = history(rng)
    cut = rng.randrange(len(events) + 1)
    told, whole, mirror = HallState(), HallState(), HallState()
    for event in events[:cut]:
        told.apply(event)
    for event in events:
        whole.apply(event)
        if rng.random() < 0.5:
            mirror.apply(event)
    live = events[cut - 1].live if cut else (0, 0)
    mirror.load(Snapshot(live, tuple(told.agents.values()), tuple(told.calls.values())))
    for event in events[cut:]:
        mirror.apply(event)
    assert rows(mirror) == rows(whole)


def test_ids_of_the_stream_sort_as_they_came() -> None:
    assert live_id("1795536000000-10") > live_id("1795536000000-9") > live_id("999-0")


def test_the_next_lease_is_the_next_that_counts() -> None:
    state = HallState()
    state.apply(change(1, agent=replace(AGENT, state="offered", lease=50)))
    state.apply(change(2, agent=Agent("1002", "wrap_up", lease=40)))
    assert state.next_lease() == 40
    state.apply(change(3, agent=Agent("1002", "ready")))
    assert state.next_lease() == 50
    state.apply(change(4, agent=replace(AGENT, state="talking")))
    assert state.next_lease() is None


def test_the_place_that_a_citizen_is_told() -> None:
    state = HallState()
    for live, (priority, queued_at) in enumerate([(0, 5), (0, 3), (9, 7)], 1):
        state.apply(change(live, call=replace(CALL, id=f"n1-{live}", priority=priority, queued_at=queued_at)))
    assert [state.ahead("hall", f"n1-{live}") for live in (1, 2, 3)] == [2, 1, 0]
    assert state.ahead("law", "n1-1") is None
    assert state.ahead("hall", "n1-9") is None


def floor(*changes: Change, nodes: tuple[str, ...] = ("n1",)) -> Floor:
    made = Floor()
    made.steer(nodes)
    made.apply(changes)
    return made


def test_a_match_is_not_made_again_while_its_claim_is_on_the_way() -> None:
    hall = floor(change(1, agent=AGENT), change(2, call=CALL))
    found = hall.next(NOW)
    assert found is not None
    hall.apply((change(3, agent=replace(AGENT, since=1)), change(4, call=replace(CALL, dialed="12319"))))
    assert hall.next(NOW) is None
    hall.settled(found)
    assert hall.next(NOW) == found


def test_a_lost_claim_leaves_what_the_rows_say() -> None:
    other = Agent("1002", "ready", ready_since=NOW + 1, seat="1002", queues=("hall",))
    hall = floor(change(1, agent=AGENT), change(2, call=CALL), change(3, agent=other))
    found = hall.next(NOW)
    assert found is not None
    hall.apply((change(9, agent=replace(AGENT, state="offered", call="n1-7"), what="seen"),))
    hall.settled(found)
    again = hall.next(NOW)
    assert again is not None
    assert (again.call, again.agent) == (CALL.id, "1002")


def test_an_agent_whose_phone_is_in_use_is_not_rung() -> None:
    hall = floor(change(1, agent=AGENT), change(2, call=CALL))
    hall.seat("1001", busy=True)
    assert hall.next(NOW) is None
    hall.seat("1001", busy=False)
    assert hall.next(NOW) is not None


def test_what_is_held_comes_back_when_its_time_is_over() -> None:
    hall = floor(change(1, agent=AGENT), change(2, call=CALL))
    hall.hold(CALL.id, NOW + SECOND)
    assert hall.next(NOW) is None
    assert hall.wake_at() == NOW + SECOND
    hall.wake(NOW + SECOND - 1)
    assert hall.next(NOW) is None
    hall.wake(NOW + SECOND)
    assert hall.next(NOW) is not None


def test_nothing_is_offered_on_a_node_that_is_not_steered() -> None:
    hall = floor(change(1, agent=AGENT), change(2, call=CALL), nodes=())
    assert hall.next(NOW) is None
    hall.steer(("n1",))
    assert hall.next(NOW) is not None


def test_the_order_holds_over_nodes_but_one_that_sleeps_stops_nobody() -> None:
    foreign = replace(CALL, id="n2-1.1", node="n2", queued_at=NOW - 1)
    hall = floor(change(1, call=CALL), change(2, call=foreign), change(3, agent=AGENT))
    assert hall.next(NOW) is None
    assert hall.wake_at() == NOW + HEAD_START
    hall.wake(NOW + HEAD_START)
    found = hall.next(NOW + HEAD_START)
    assert found is not None
    assert found.call == CALL.id


def test_a_floor_that_forgets_knows_nobody() -> None:
    hall = floor(change(5, agent=AGENT), change(6, call=CALL))
    hall.forget()
    assert (hall.waiting, hall.ready, hall.next(NOW)) == (0, 0, None)
    hall.load(Snapshot((1, 0), (AGENT,), (CALL,)))
    assert hall.next(NOW) is not None


BOUND = replace(AGENT, state="offered", call=CALL.id, offer="o1", lease=NOW + SECOND)
OFFERED = replace(CALL, state="offered", agent="1001", offer="o1")


@pytest.mark.parametrize(
    ("agent", "call", "name"),
    [
        (BOUND, None, "agent_bound_to_no_call"),
        (BOUND, replace(OFFERED, agent="1002"), "agent_bound_to_anothers_call"),
        (BOUND, replace(OFFERED, offer="o2"), "agent_bound_to_anothers_call"),
        (replace(BOUND, lease=0), OFFERED, "offered_without_end"),
        (replace(BOUND, lease=NOW - 60 * SECOND), OFFERED, "offered_overdue"),
        (replace(AGENT, state="wrap_up"), None, "wrap_up_without_end"),
        (None, replace(CALL, queue=""), "waiting_in_no_queue"),
        (None, replace(CALL, offer="o1"), "waiting_with_an_agent"),
        (AGENT, OFFERED, "offered_to_nobody"),
        (AGENT, replace(OFFERED, state="talking"), "talking_with_an_agent_elsewhere"),
    ],
)
def test_what_must_not_be_is_seen(agent: Agent | None, call: Call | None, name: str) -> None:
    state = HallState()
    state.apply(change(1, agent=agent, call=call))
    assert name in {breach.name for breach in breaches(state, NOW)}


def test_a_sound_hall_has_no_breach() -> None:
    state = HallState()
    state.apply(change(1, agent=BOUND, call=OFFERED))
    state.apply(change(2, agent=Agent("1002", "ready", seat="1002"), call=replace(CALL, id="n1-2")))
    assert not list(breaches(state, NOW))
    state.apply(change(3, agent=Agent("1003", "ready", seat="1002")))
    assert [breach.name for breach in breaches(state, NOW)] == ["two_agents_at_a_seat"]


@pytest.mark.parametrize(
    ("status", "reason", "pauses"),
    [
        ("NOANSWER", "no_answer", False),
        ("BUSY", "seat_busy", False),
        ("CHANUNAVAIL", "seat_unreachable", False),
        ("CONGESTION", "seat_unreachable", False),
        ("ANSWER", "hung_up_at_once", True),
        ("CANCEL", "", True),
        ("DONTCALL", "", True),
        ("", "", False),
    ],
)
def test_what_follows_from_an_offer_that_came_to_nothing(status: str, reason: str, pauses: bool) -> None:
    assert Policy().reason_after(status) == reason
    assert bool(Policy().pause_after(status)) is pauses


def test_the_city_may_let_those_who_do_not_answer_stay_ready() -> None:
    policy = Policy(after_no_answer="ready")
    assert policy.reason_after("NOANSWER") == ""
    assert policy.reason_after("BUSY") == "seat_busy"
