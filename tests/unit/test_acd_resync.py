"""What a resync finds: Asterisk's picture against Redis's, one difference a test."""

from __future__ import annotations

from dataclasses import replace

import pytest

from acd.policy import SECOND, Policy
from acd.resync import SETTLE, AdoptTalk, Aside, Ended, Enqueue, Free, Plan, Sight, plan
from acd.rows import Agent, Arrival, Call, Place, Snapshot
from cti.signals import Channel

pytestmark = pytest.mark.unit

NOW = 1_800_000_000 * SECOND
ID = "n1-1.1"
ARRIVAL = Arrival(ID, "n1", "PJSIP/trunk-a-1", hotline="12319", caller="138", dialed="12319")
PLACE = Place("hall", 2, NOW - 60 * SECOND)
ROW = Call(ID, "waiting", node="n1", queue="hall", priority=2, queued_at=PLACE.queued_at)
AGENT = Agent("1001", "ready", seat="1001", queues=("hall",))
POLICY = Policy(agents={"1001": ("hall", "law")}, seats=frozenset(("1001",)))


def citizen(state: str, *, call_id: str = ID, bridge: str = "", offer: str = "", agent: str = "") -> Channel:
    variables = {
        "YHT_CALL_ID": call_id,
        "YHT_STATE": state,
        "YHT_HOTLINE": "12319",
        "YHT_QUEUE": "hall",
        "YHT_PRIORITY": "2",
        "YHT_QUEUED_AT": str(PLACE.queued_at),
        "YHT_OFFER": offer,
        "YHT_AGENT": agent,
        "YHT_SEAT": agent,
        "YHT_DIALED": "12319",
    }
    node = call_id.partition("-")[0]
    return Channel(
        "PJSIP/trunk-a-1", call_id, call_id, node, True, "", "yht-waiting", "", bridge, "138", variables
    )


LEG = Channel("PJSIP/1001-7", "n1-1.2", ID, "n1", False, "1001", "yht-dial", "", "b1", "", {"YHT_STATE": ""})


def found(
    channels: tuple[Channel, ...], calls: tuple[Call, ...] = (), agents: tuple[Agent, ...] = ()
) -> Plan:
    return plan("n1", Snapshot((1, 0), agents, calls), Sight(channels, ()), POLICY, NOW)


def test_what_agrees_needs_nothing() -> None:
    offered = replace(ROW, state="offered", agent="1001", offer="o1")
    talking = replace(offered, state="talking")
    busy = replace(AGENT, state="offered", call=ID, offer="o1", since=NOW)
    for channels, calls, agents in (
        ((citizen("waiting"),), (ROW,), (AGENT,)),
        ((citizen("offered", offer="o1", agent="1001"),), (offered,), (busy,)),
        (
            (citizen("offered", bridge="b1", offer="o1", agent="1001"), LEG),
            (talking,),
            (replace(busy, state="talking"),),
        ),
        ((citizen("after"),), (replace(talking, state="after"),), ()),
        ((citizen(""),), (replace(ROW, state="arriving"),), ()),
        ((citizen(""),), (), ()),
        ((), (), (AGENT,)),
    ):
        assert found(channels, calls, agents) == Plan((), False)


def test_a_citizen_whom_redis_does_not_know_gets_the_old_place() -> None:
    assert found((citizen("waiting"),)).repairs == (Enqueue(ARRIVAL, PLACE, "", ""),)


def test_a_call_that_redis_has_not_queued_yet_is_queued() -> None:
    repairs = found((citizen("waiting"),), (replace(ROW, state="arriving"),)).repairs
    assert repairs == (Enqueue(ARRIVAL, PLACE, "", "arriving:"),)


def test_a_call_whose_channel_is_gone_has_ended_whatever_redis_says() -> None:
    for state in ("arriving", "waiting", "offered", "talking", "after", "fallback"):
        assert found((), (replace(ROW, state=state),)).repairs == (Ended(ID, "hall"),)


def test_calls_of_other_nodes_are_not_judged() -> None:
    foreign = replace(ROW, id="n2-1.1", node="n2")
    bound = replace(AGENT, state="talking", call="n2-9.9", offer="o9")
    assert found((citizen("waiting", call_id="n2-7.7"),), (foreign,), (bound,)) == Plan((), False)


def test_a_talk_that_redis_missed_is_adopted_with_its_leg() -> None:
    channels = (citizen("offered", bridge="b1", offer="o1", agent="1001"), LEG)
    for row in (ROW, replace(ROW, state="offered", agent="1001", offer="o1")):
        (repair,) = found(channels, (row,), (AGENT,)).repairs
        seen = f"{row.state}:{row.offer}"
        assert repair == AdoptTalk(ARRIVAL, PLACE, "1001", "1001", (), "o1", "PJSIP/1001-7", seen)


def test_who_talks_and_is_not_signed_in_is_signed_in_as_the_city_says() -> None:
    (repair,) = found((citizen("offered", bridge="b1", offer="o1", agent="1001"), LEG)).repairs
    assert isinstance(repair, AdoptTalk)
    assert repair.queues == ("hall", "law")


def test_a_citizen_back_from_a_talk_or_an_old_offer_waits_again() -> None:
    talking = replace(ROW, state="talking", agent="1001", offer="o1")
    bound = replace(AGENT, state="talking", call=ID, offer="o1")
    assert found((citizen("waiting"),), (talking,), (bound,)).repairs == (
        Enqueue(ARRIVAL, PLACE, "o1", "talking:o1"),
    )
    offered = replace(talking, state="offered")
    bound = replace(bound, state="offered", since=NOW - SETTLE)
    assert found((citizen("waiting"),), (offered,), (bound,)).repairs == (
        Enqueue(ARRIVAL, PLACE, "o1", "offered:o1"),
    )


def test_an_offer_whose_redirect_may_be_on_its_way_is_given_time() -> None:
    offered = replace(ROW, state="offered", agent="1001", offer="o1")
    bound = replace(AGENT, state="offered", call=ID, offer="o1", since=NOW - SECOND)
    assert found((citizen("waiting"),), (offered,), (bound,)) == Plan((), True)


def test_a_phone_that_rings_without_a_claim_will_be_judged_when_it_has_rung() -> None:
    ringing = citizen("offered", offer="o1", agent="1001")
    assert found((ringing,)) == Plan((), True)
    assert found((ringing,), (ROW,), (AGENT,)) == Plan((), True)


@pytest.mark.parametrize("state", ["after", "fallback"])
def test_a_citizen_out_of_the_halls_hands_is_set_aside(state: str) -> None:
    talking = replace(ROW, state="talking", agent="1001", offer="o1")
    bound = replace(AGENT, state="talking", call=ID, offer="o1")
    assert found((citizen(state),), (talking,), (bound,)).repairs == (Aside(ID, state, "hall", "talking:o1"),)
    assert found((citizen(state),)).repairs == ()


def test_an_agent_bound_to_a_call_that_is_no_more_is_freed() -> None:
    bound = replace(AGENT, state="talking", call=ID, offer="o1")
    assert found((), (), (bound,)).repairs == (Free("1001", ID, ""),)
    elsewhere = replace(ROW, state="talking", agent="1002", offer="o2")
    other = Agent("1002", "talking", call=ID, offer="o2")
    channels = (citizen("offered", bridge="b1", offer="o2", agent="1002"),)
    assert found(channels, (elsewhere,), (bound, other)).repairs == (Free("1001", ID, "hall"),)


def test_rubbish_in_a_variable_breaks_nothing() -> None:
    channel = citizen("waiting")
    wrong = replace(channel, variables={**channel.variables, "YHT_PRIORITY": "-x", "YHT_QUEUED_AT": "9" * 30})
    (repair,) = found((wrong,)).repairs
    assert isinstance(repair, Enqueue)
    assert repair.place == Place("hall", 0, 0)
