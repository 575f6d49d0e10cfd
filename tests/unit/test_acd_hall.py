"""How the hall takes signals: what it asks of the store and of Asterisk, against fakes of both."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from acd.hall import Hall, Phase
from acd.policy import SECOND, Policy
from acd.resync import Sight
from acd.rows import Agent, Call, Change, LiveId, Snapshot
from acd.steer import SteerError
from acd.store import Step, Store, StoreError
from cti.signals import Answered, Channel, Fallback, Gone, SeatState, Waiting

pytestmark = pytest.mark.unit

NOW = 1_800_000_000 * SECOND
ID = "n1-1.1"
WAITING = Waiting(ID, "PJSIP/trunk-a-1", "n1", "12319", "hall", 0, NOW, "138", "", "")
CALL = Call(ID, "waiting", node="n1", channel="PJSIP/trunk-a-1", queue="hall", queued_at=NOW)
AGENT = Agent("1001", "ready", ready_since=NOW, seat="801", queues=("hall",))
TALKING = replace(CALL, state="talking", agent="1001", offer="o1", seat_channel="PJSIP/801-2")
POLICY = Policy(wrap_up_seconds={"hall": 10})


class FakeStore(Store):
    """Writes down what is asked and answers from a table; "done" with nothing changed where it says nothing."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self.answers: dict[str, list[Step | Exception]] = {}
        self.rows = Snapshot((1, 0), (), ())
        self.live_id = 1
        self.gates: dict[str, asyncio.Event] = {}
        self.broken = asyncio.Event()

    async def _run(self, name: str, *arguments: str | int) -> Step:
        self.asked.append((name, *arguments))
        await asyncio.sleep(0)
        if gate := self.gates.get(str(arguments[0])):
            await gate.wait()
        answers = self.answers.get(name, [])
        answer = answers.pop(0) if answers else Step("done")
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def snapshot(self) -> Snapshot:
        self.asked.append(("snapshot",))
        if self.broken.is_set():
            raise StoreError("snapshot: gone")
        return self.rows

    async def live(self, after: LiveId) -> AsyncIterator[tuple[Change, ...]]:
        await asyncio.Event().wait()
        yield ()

    def will(self, name: str, *rows: Agent | Call, code: str = "") -> None:
        self.live_id += 1
        agent = next((row for row in rows if isinstance(row, Agent)), None)
        call = next((row for row in rows if isinstance(row, Call)), None)
        change = Change((self.live_id, 0), "told", "e1", NOW, agent, call)
        step = Step("refused", code, code, (change,)) if code else Step("done", changes=(change,))
        self.answers.setdefault(name, []).append(step)

    def names(self) -> list[str]:
        return [asked[0] for asked in self.asked if asked[0] != "snapshot"]


@dataclass
class FakeSteer:
    offers: list[tuple[str, ...]] = field(default_factory=list)
    error: SteerError | None = None
    looks: int = 0
    sight: Sight = field(default_factory=lambda: Sight((), ()))

    async def offer(self, node: str, channel: str, seat: str, offer: str, agent: str) -> None:
        self.offers.append((node, channel, seat, offer, agent))
        if self.error is not None:
            raise self.error

    async def look(self, node: str) -> Sight:
        self.looks += 1
        return self.sight


def channel(call: Call) -> Channel:
    """The citizen's channel as Asterisk shows it for a call that waits or talks."""
    talks = call.state == "talking"
    variables = {
        "YHT_STATE": "offered" if talks else call.state,
        "YHT_OFFER": call.offer,
        "YHT_AGENT": call.agent,
        "YHT_QUEUE": call.queue,
        "YHT_QUEUED_AT": str(call.queued_at),
    }
    return Channel(
        call.channel, call.id, call.id, call.node, True, "", "", "", "b1" if talks else "", "", variables
    )


class House:
    def __init__(self) -> None:
        self.store = FakeStore()
        self.steer = FakeSteer()
        self.hall = Hall(self.store, self.steer, POLICY, lambda: NOW)

    async def open(self, *rows: Agent | Call) -> None:
        calls = tuple(row for row in rows if isinstance(row, Call))
        self.store.rows = Snapshot((1, 0), tuple(row for row in rows if isinstance(row, Agent)), calls)
        self.steer.sight = Sight(tuple(channel(call) for call in calls), ())
        await self.hall.start()
        await self.hall.resync("n1")

    async def until(self, true: Callable[[], object]) -> None:
        async with asyncio.timeout(5):
            while not true():  # noqa: ASYNC110 - polls with a deadline
                await asyncio.sleep(0.001)

    async def settle(self) -> None:
        """Let everything that can happen now happen."""
        for _ in range(50):
            await asyncio.sleep(0)


@pytest.fixture
async def house() -> AsyncIterator[House]:
    made = House()
    yield made
    await made.hall.stop()
    assert made.hall._tasks.failures == 0


async def test_a_citizen_who_waits_is_offered_to_the_agent_who_is_ready(house: House) -> None:
    await house.open(AGENT)
    house.store.will("enqueue", CALL)
    house.store.will("claim", replace(AGENT, state="offered"), replace(CALL, state="offered"))
    house.hall.signal(WAITING)
    await house.until(lambda: house.steer.offers)
    assert house.store.names() == ["enqueue", "claim"]
    _, call, agent, offer, lease, ready, waiting = house.store.asked[-1]
    assert (call, agent, lease, ready, waiting) == (ID, "1001", POLICY.lease_until(NOW), 1, 1)
    assert "*" not in offer
    assert len(offer) <= 16
    assert house.steer.offers == [("n1", "PJSIP/trunk-a-1", "801", offer, "1001")]


async def test_a_claim_that_is_lost_is_not_tried_again(house: House) -> None:
    house.store.will("claim", AGENT, replace(CALL, state="offered", agent="1002"), code="call_not_waiting")
    await house.open(AGENT, CALL)
    await house.settle()
    assert house.store.names() == ["claim"]
    assert house.steer.offers == []
    assert house.hall.counts["claims_lost"] == 1


async def test_a_claim_refused_for_a_reason_that_no_row_explains_rests(house: House) -> None:
    for _ in range(5):
        house.store.will("claim", code="unknown_call")
    await house.open(AGENT, CALL)
    await house.settle()
    assert house.store.names() == ["claim"]
    assert house.hall.counts["doubts"] == 1


async def test_an_offer_whose_channel_is_gone_is_released_and_rests(house: House) -> None:
    house.steer.error = SteerError("Channel does not exist", may_have_run=False)
    house.store.will("claim", replace(AGENT, state="offered"), replace(CALL, state="offered"))
    house.store.will("release", AGENT, CALL)
    await house.open(AGENT, CALL)
    await house.settle()
    assert house.store.names() == ["claim", "release"]
    assert len(house.steer.offers) == 1


async def test_an_offer_that_may_be_on_its_way_is_for_asterisk_to_tell(house: House) -> None:
    house.steer.error = SteerError("no answer", may_have_run=True)
    house.store.will("claim", replace(AGENT, state="offered"), replace(CALL, state="offered"))
    await house.open(AGENT, CALL)
    await house.settle()
    assert house.store.names() == ["claim"]
    assert house.hall.counts["doubts"] == 1


async def test_no_answer_is_told_with_its_offer_and_reason(house: House) -> None:
    await house.open()
    house.hall.signal(replace(WAITING, returned="NOANSWER", offer="o1"))
    await house.settle()
    (asked,) = (asked for asked in house.store.asked if asked[0] == "enqueue")
    assert asked[-3:] == ("o1", "no_answer", "-")


async def test_a_call_back_for_no_clear_reason_rests_before_the_next_offer(house: House) -> None:
    await house.open(AGENT)
    house.store.will("enqueue", CALL)
    house.hall.signal(replace(WAITING, returned="CANCEL", offer="o1"))
    await house.settle()
    assert house.store.names() == ["enqueue"]


async def test_the_agent_hangs_up_first(house: House) -> None:
    await house.open(replace(AGENT, state="talking", call=ID, offer="o1"), TALKING)
    house.hall.signal(Gone(ID, "PJSIP/801-1", False, "801", 19))
    house.hall.signal(Gone(ID, "PJSIP/801-2", False, "801", 16))
    await house.settle()
    (asked,) = (asked for asked in house.store.asked if asked[0] == "aside")
    assert asked == ("aside", ID, "after", "PJSIP/801-2", NOW + 10 * SECOND, "-")


async def test_a_citizen_in_the_static_queue_is_left_there(house: House) -> None:
    await house.open(CALL)
    house.store.will("aside", replace(CALL, state="fallback"))
    house.hall.signal(Fallback(ID))
    await house.settle()
    assert ("aside", ID, "fallback", "", 0, "-") in house.store.asked
    assert house.hall.health()["waiting"] == 0


async def test_the_citizen_hangs_up(house: House) -> None:
    await house.open(replace(AGENT, state="talking", call=ID, offer="o1"), TALKING)
    house.hall.signal(Gone(ID, "PJSIP/trunk-a-1", True, "", 16))
    await house.settle()
    assert ("ended", ID, NOW + 10 * SECOND) in house.store.asked


async def test_an_answer_of_a_call_that_nobody_knows_has_the_node_looked_at(house: House) -> None:
    await house.open()
    house.store.will("answered", code="unknown_call")
    house.hall.signal(Answered(ID, "o1", "1001", "801", "PJSIP/801-2"))
    await house.settle()
    assert house.hall.counts["doubts"] == 1


async def test_a_phone_is_told_of_when_it_goes_and_when_it_comes_back(house: House) -> None:
    await house.open()
    for state in ("NOT_INUSE", "RINGING", "UNAVAILABLE", "UNAVAILABLE", "UNKNOWN", "INUSE"):
        house.hall.signal(SeatState("801", state))
    await house.settle()
    assert [asked[1:] for asked in house.store.asked if asked[0] == "seat_state"] == [
        ("801", 1),
        ("801", 0),
        ("801", 1),
    ]


async def test_an_agent_on_the_phone_is_not_offered_a_call_until_it_is_down(house: House) -> None:
    await house.open(AGENT)
    house.hall.signal(SeatState("801", "INUSE"))
    house.store.will("enqueue", CALL)
    house.hall.signal(WAITING)
    await house.settle()
    assert "claim" not in house.store.names()
    house.hall.signal(Gone("n1-5.5", "PJSIP/801-9", False, "801", 16))
    await house.until(lambda: "claim" in house.store.names())


async def test_signals_of_one_call_are_in_order_and_do_not_hold_up_another(house: House) -> None:
    await house.open()
    house.store.gates[ID] = asyncio.Event()
    house.hall.signal(WAITING)
    house.hall.signal(Gone(ID, WAITING.channel, True, "", 16))
    house.hall.signal(replace(WAITING, call_id="n1-2.2"))
    await house.settle()
    assert [asked[:2] for asked in house.store.asked if asked[0] != "snapshot"] == [
        ("enqueue", ID),
        ("enqueue", "n1-2.2"),
    ]
    house.store.gates[ID].set()
    await house.settle()
    assert house.store.asked[-1][:2] == ("ended", ID)


async def test_without_redis_nothing_is_offered_and_with_it_the_node_is_looked_at_first(house: House) -> None:
    await house.open(AGENT)
    house.store.answers["enqueue"] = [StoreError("enqueue: gone")]
    house.store.broken.set()
    house.hall.signal(WAITING)
    await house.until(lambda: house.hall.phase is Phase.AWAY)
    house.hall.signal(WAITING)
    assert house.hall.counts["signals_dropped"] == 2
    assert house.hall.health()["nodes"] == {"n1": "not served"}
    house.store.broken.clear()
    await house.until(lambda: house.hall.phase is Phase.LIVE)
    assert house.steer.looks == 2
    assert house.hall.health()["nodes"] == {"n1": "served"}


async def test_a_fault_in_one_call_is_counted_and_hurts_nobody_else() -> None:
    house = House()
    await house.open()
    house.store.answers["enqueue"] = [KeyError("a fault of ours")]
    house.hall.signal(WAITING)
    house.hall.signal(Gone(ID, WAITING.channel, True, "", 16))
    await house.settle()
    assert house.store.names() == ["enqueue", "ended"]
    assert house.hall.health()["failures"] == 1
    await house.hall.stop()
