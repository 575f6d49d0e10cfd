"""Every atomic step of the hall on a real Redis: what it changes, what it refuses, and that twice is once."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from acd.hall_state import HallState
from acd.invariants import breaches
from acd.rows import Agent, Arrival, Call, Place, Snapshot, change
from acd.store import Step, Store, StoreError
from cti import facts

pytestmark = pytest.mark.contract

SECOND = 1_000_000
START = 1_800_000_000 * SECOND
CALL = Arrival("n1-1.1", "n1", "PJSIP/trunk-a-1", hotline="12319", caller="13800000000", dialed="12319")
OTHER = Arrival("n1-1.2", "n1", "PJSIP/trunk-a-2")
PLACE = Place("hall", 0, START)
LEASE = START + 100 * SECOND


class House:
    """A store whose clock moves on by a millisecond with each step."""

    def __init__(self, redis: Any) -> None:
        self.redis = redis
        self.now = START
        self.store = Store(redis, "e1", self._clock)

    def _clock(self) -> int:
        self.now += 1000
        return self.now

    async def rows(self) -> Snapshot:
        return await self.store.snapshot()

    async def agent(self, agent: str = "1001") -> Agent:
        return next(row for row in (await self.rows()).agents if row.id == agent)

    async def call(self, call: str = CALL.call_id) -> Call:
        return next(row for row in (await self.rows()).calls if row.id == call)

    async def ready(self, agent: str = "1001", queues: tuple[str, ...] = ("hall",)) -> Agent:
        assert (await self.store.sign_in(agent, agent, queues)).outcome == "done"
        assert (await self.store.ready(agent)).outcome == "done"
        return await self.agent(agent)

    async def offered(self, offer: str = "o1") -> Step:
        await self.ready()
        await self.store.enqueue(CALL, PLACE)
        step = await self.store.claim(CALL.call_id, "1001", offer, LEASE, ready=3, waiting=2)
        assert step.outcome == "done"
        return step

    async def talking(self, offer: str = "o1") -> None:
        await self.offered(offer)
        step = await self.store.answered(CALL.call_id, offer, "1001", "PJSIP/1001-1")
        assert step.outcome == "done"

    async def facts(self) -> list[facts.Fact]:
        return [facts.decode(entry["f"]) for _, entry in await self.redis.xrange("{yht}:facts")]

    async def queue(self, queue: str = "hall") -> list[str]:
        members: list[str] = await self.redis.zrange(f"{{yht}}:queue:{queue}", 0, -1)
        return members


@pytest.fixture
async def house(redis_socket: Path) -> AsyncIterator[House]:
    async with Redis.from_url(f"unix://{redis_socket}", decode_responses=True) as redis:
        made = House(redis)
        yield made
        state = HallState()
        state.load(await made.rows())
        assert not list(breaches(state, made.now))
        mirror = HallState()
        for entry, fields in await redis.xrange("{yht}:live"):
            mirror.apply(change(entry, fields["e"]))
        assert mirror.agents == state.agents
        assert mirror.calls == state.calls


def outcome(step: Step) -> str:
    return step.code or step.outcome


async def test_a_call_arrives_once_and_waits_with_what_was_known_of_it(house: House) -> None:
    assert outcome(await house.store.arrive(CALL)) == "done"
    assert outcome(await house.store.arrive(CALL)) == "already"
    assert outcome(await house.store.enqueue(Arrival(CALL.call_id, "n1", CALL.channel), PLACE)) == "done"
    call = await house.call()
    assert (call.state, call.queue, call.queued_at) == ("waiting", "hall", START)
    assert (call.hotline, call.dialed, call.caller) == ("12319", "12319", "13800000000")


async def test_a_queue_is_in_order_of_priority_and_then_of_arrival(house: House) -> None:
    for number, (priority, second) in enumerate([(0, 5), (0, 1), (7, 9), (7, 3)]):
        arrival = Arrival(f"n1-1.{number}", "n1", "c")
        await house.store.enqueue(arrival, Place("hall", priority, START + second * SECOND))
    assert await house.queue() == ["n1-1.3", "n1-1.2", "n1-1.1", "n1-1.0"]


async def test_entering_the_waiting_room_twice_is_entering_it_once(house: House) -> None:
    await house.store.enqueue(CALL, PLACE)
    again = await house.store.enqueue(CALL, Place("hall", 0, START + 99))
    assert outcome(again) == "already"
    assert (await house.call()).queued_at == START


async def test_a_claim_binds_both_and_tells_why_this_one(house: House) -> None:
    step = await house.offered()
    agent, call = await house.agent(), await house.call()
    assert (agent.state, agent.call, agent.offer, agent.lease) == ("offered", CALL.call_id, "o1", LEASE)
    assert (call.state, call.agent, call.offer) == ("offered", "1001", "o1")
    assert step.changes[0].agent == agent
    assert step.changes[0].call == call
    fact = next(fact for fact in await house.facts() if fact.kind == "offered")
    assert fact.fact_id == "offered:o1"
    assert fact.node == "n1"
    assert fact.data["ready"] == 3
    assert fact.data["waiting"] == 2
    assert 0 < int(fact.data["idle_ms"] or 0) < 10
    assert 0 < int(fact.data["waited_ms"] or 0) < 10


async def test_a_claim_told_twice_is_one_claim(house: House) -> None:
    await house.offered()
    again = await house.store.claim(CALL.call_id, "1001", "o1", LEASE)
    assert outcome(again) == "already"
    assert [fact.kind for fact in await house.facts()].count("offered") == 1


async def test_a_call_is_not_claimed_twice_and_the_loser_gets_the_rows(house: House) -> None:
    await house.ready("1002")
    await house.offered()
    lost = await house.store.claim(CALL.call_id, "1002", "o2", LEASE)
    assert lost.code == "call_not_waiting"
    assert lost.sentence == "call n1-1.1 is offered with agent 1001"
    seen = lost.changes[0]
    assert (seen.what, seen.call) == ("seen", await house.call())
    assert (await house.agent("1002")).state == "ready"


async def test_an_agent_is_not_claimed_twice(house: House) -> None:
    await house.offered()
    await house.store.enqueue(OTHER, PLACE)
    lost = await house.store.claim(OTHER.call_id, "1001", "o2", LEASE)
    assert lost.code == "agent_not_ready"
    assert lost.changes[0].agent == await house.agent()


async def test_claims_of_what_is_not_there_are_refused(house: House) -> None:
    assert (await house.store.claim("n1-9.9", "1001", "o", LEASE)).code == "unknown_call"
    await house.store.enqueue(CALL, PLACE)
    assert (await house.store.claim(CALL.call_id, "1001", "o", LEASE)).code == "not_signed_in"
    await house.ready(queues=("other", "hallway"))
    assert (await house.store.claim(CALL.call_id, "1001", "o", LEASE)).code == "not_in_queue"
    await house.store.ended(CALL.call_id, 0)
    assert (await house.store.claim(CALL.call_id, "1001", "o", LEASE)).code == "call_ended"


async def test_an_offer_whose_seat_was_never_rung_leaves_both_at_their_places(house: House) -> None:
    before = await house.ready()
    await house.store.enqueue(CALL, PLACE)
    await house.store.claim(CALL.call_id, "1001", "o1", LEASE)
    assert outcome(await house.store.release(CALL.call_id, "o1")) == "done"
    assert outcome(await house.store.release(CALL.call_id, "o1")) == "already"
    agent, call = await house.agent(), await house.call()
    assert (agent.state, agent.ready_since, agent.call, agent.lease) == ("ready", before.ready_since, "", 0)
    assert (call.state, call.agent, call.offer, call.queued_at) == ("waiting", "", "", START)
    assert (await house.store.claim(CALL.call_id, "1001", "o1", LEASE)).code == "stale_offer"


async def test_no_answer_brings_the_citizen_back_to_the_place_held(house: House) -> None:
    await house.offered()
    await house.store.enqueue(OTHER, Place("hall", 0, START + SECOND))
    late = Place("hall", 0, START + 9 * SECOND)
    back = await house.store.enqueue(CALL, late, offer="o1", reason="no_answer")
    assert outcome(back) == "done"
    agent, call = await house.agent(), await house.call()
    assert (agent.state, agent.reason, agent.call) == ("not_ready", "no_answer", "")
    assert (call.state, call.queued_at) == ("waiting", START)
    assert await house.queue() == [CALL.call_id, OTHER.call_id]
    assert outcome(await house.store.enqueue(CALL, late, offer="o1", reason="no_answer")) == "already"


async def test_an_agent_who_stays_ready_goes_behind_the_others(house: House) -> None:
    before = await house.ready("1002")
    await house.offered()
    await house.store.enqueue(CALL, PLACE, offer="o1")
    agent = await house.agent()
    assert agent.state == "ready"
    assert agent.ready_since > before.ready_since


async def test_the_second_offer_of_a_call_is_not_ended_by_news_of_the_first(house: House) -> None:
    await house.ready("1002")
    await house.offered("o1")
    await house.store.enqueue(CALL, PLACE, offer="o1", reason="no_answer")
    await house.store.claim(CALL.call_id, "1002", "o2", LEASE)
    assert (await house.store.enqueue(CALL, PLACE, offer="o1", reason="no_answer")).code == "stale_offer"
    assert (await house.store.answered(CALL.call_id, "o1", "1001", "x")).code == "stale_offer"
    assert (await house.store.release(CALL.call_id, "o1")).outcome == "already"
    call = await house.call()
    assert (call.state, call.offer, call.agent) == ("offered", "o2", "1002")


async def test_late_news_of_the_first_entry_does_not_tear_a_talk_apart(house: House) -> None:
    await house.talking()
    assert outcome(await house.store.enqueue(CALL, PLACE)) == "already"
    assert (await house.call()).state == "talking"
    assert (await house.agent()).state == "talking"


async def test_an_answer_is_told_once(house: House) -> None:
    await house.talking()
    agent, call = await house.agent(), await house.call()
    assert (agent.state, agent.call, agent.lease) == ("talking", CALL.call_id, 0)
    assert (call.state, call.agent, call.seat_channel) == ("talking", "1001", "PJSIP/1001-1")
    assert await house.queue() == []
    assert outcome(await house.store.answered(CALL.call_id, "o1", "1001", "PJSIP/1001-1")) == "already"
    assert (await house.store.answered("n1-9.9", "o1", "1001", "x")).code == "unknown_call"


async def test_an_answer_counts_although_the_lease_ran_out_a_moment_before(house: House) -> None:
    await house.offered()
    house.now = LEASE
    await house.store.expire(10)
    assert (await house.call()).state == "waiting"
    assert outcome(await house.store.answered(CALL.call_id, "o1", "1001", "c")) == "done"
    assert (await house.agent()).state == "talking"


async def test_a_late_answer_does_not_take_an_agent_who_has_another_call(house: House) -> None:
    await house.offered()
    house.now = LEASE
    await house.store.expire(10)
    await house.store.enqueue(OTHER, PLACE)
    await house.store.claim(OTHER.call_id, "1001", "o2", LEASE + 100 * SECOND)
    assert (await house.store.answered(CALL.call_id, "o1", "1001", "c")).code == "stale_offer"


async def test_a_late_answer_of_an_offer_that_was_told_to_be_over_is_refused(house: House) -> None:
    await house.offered()
    await house.store.enqueue(CALL, PLACE, offer="o1")
    assert (await house.store.answered(CALL.call_id, "o1", "1001", "c")).code == "stale_offer"


async def test_the_citizen_hangs_up_while_the_seat_rings(house: House) -> None:
    await house.offered()
    before = await house.agent()
    assert outcome(await house.store.ended(CALL.call_id, LEASE)) == "done"
    assert outcome(await house.store.ended(CALL.call_id, LEASE)) == "already"
    agent = await house.agent()
    assert (agent.state, agent.ready_since, agent.call) == ("ready", before.ready_since, "")
    assert (await house.rows()).calls == ()
    assert 0 < await house.redis.ttl("{yht}:call:n1-1.1") <= 3600


async def test_the_citizen_hangs_up_after_the_talk(house: House) -> None:
    await house.talking()
    until = house.now + 10 * SECOND
    await house.store.ended(CALL.call_id, until)
    agent = await house.agent()
    assert (agent.state, agent.lease) == ("wrap_up", until)
    house.now = until
    await house.store.expire(10)
    agent = await house.agent()
    assert (agent.state, agent.call, agent.lease) == ("ready", "", 0)
    assert agent.ready_since >= until


async def test_without_wrap_up_the_agent_is_ready_at_once(house: House) -> None:
    await house.talking()
    await house.store.ended(CALL.call_id, 0)
    assert (await house.agent()).state == "ready"


async def test_a_call_that_ended_does_not_come_back_by_late_news(house: House) -> None:
    await house.store.enqueue(CALL, PLACE)
    await house.store.ended(CALL.call_id, 0)
    assert (await house.store.enqueue(CALL, PLACE)).code == "call_ended"
    assert (await house.store.answered(CALL.call_id, "o1", "1001", "c")).code == "call_ended"
    assert outcome(await house.store.arrive(CALL)) == "already"


async def test_a_call_whose_end_is_told_before_its_arrival_does_not_live_for_ever(house: House) -> None:
    assert outcome(await house.store.ended(CALL.call_id, 0)) == "already"
    assert outcome(await house.store.arrive(CALL)) == "already"
    assert (await house.rows()).calls == ()
    assert outcome(await house.store.enqueue(CALL, PLACE, seen="")) == "done"
    assert (await house.call()).state == "waiting"
    await house.store.ended(CALL.call_id, 0)


async def test_the_agent_hangs_up_and_the_citizen_hears_the_goodbye(house: House) -> None:
    await house.talking()
    until = house.now + 10 * SECOND
    other_leg = await house.store.aside(CALL.call_id, "after", until, seat_channel="PJSIP/1001-0")
    assert outcome(other_leg) == "already"
    assert (await house.agent()).state == "talking"
    assert (
        outcome(await house.store.aside(CALL.call_id, "after", until, seat_channel="PJSIP/1001-1")) == "done"
    )
    agent = await house.agent()
    assert (agent.state, agent.lease) == ("wrap_up", until)
    assert (await house.call()).state == "after"
    assert outcome(await house.store.answered(CALL.call_id, "o1", "1001", "PJSIP/1001-1")) == "already"
    await house.store.ended(CALL.call_id, until + SECOND)
    assert (await house.agent()).lease == until


@pytest.mark.parametrize("wrap_up_seconds", [0, 10])
async def test_who_answers_and_is_gone_at_once_does_not_get_the_next_call(
    house: House, wrap_up_seconds: int
) -> None:
    await house.talking()
    until = house.now + wrap_up_seconds * SECOND if wrap_up_seconds else 0
    await house.store.aside(CALL.call_id, "after", until, seat_channel="PJSIP/1001-1")
    await house.store.enqueue(CALL, PLACE, offer="o1", reason="hung_up_at_once")
    agent, call = await house.agent(), await house.call()
    assert (agent.state, agent.reason, agent.lease) == ("not_ready", "hung_up_at_once", 0)
    assert (call.state, call.queued_at) == ("waiting", START)
    house.now = LEASE
    assert (await house.store.expire(10)).changes == ()


async def test_a_call_in_the_static_queue_is_out_of_the_halls_hands(house: House) -> None:
    await house.offered()
    await house.store.aside(CALL.call_id, "fallback", 0)
    assert (await house.call()).state == "fallback"
    assert (await house.agent()).state == "ready"
    assert await house.queue() == []
    assert (await house.store.aside("n1-9.9", "fallback", 0)).code == "unknown_call"


async def test_a_lease_that_runs_out_frees_both(house: House) -> None:
    await house.offered()
    before = await house.agent()
    assert (await house.store.expire(10)).changes == ()
    house.now = LEASE
    assert [change.what for change in (await house.store.expire(10)).changes] == ["lease_expired"]
    assert (await house.agent()).state == "ready"
    assert (await house.agent()).ready_since == before.ready_since
    assert (await house.call()).state == "waiting"


async def test_one_seat_one_agent(house: House) -> None:
    assert outcome(await house.store.sign_in("1001", "801", ("hall",))) == "done"
    assert outcome(await house.store.sign_in("1001", "801", ("hall",))) == "already"
    taken = await house.store.sign_in("1002", "801", ("hall",))
    assert taken.sentence == "seat 801 is taken by agent 1001; sign that agent out first"
    elsewhere = await house.store.sign_in("1001", "802", ("hall",))
    assert elsewhere.sentence == "agent 1001 is signed in at seat 801; sign out there first"
    assert outcome(await house.store.sign_in("1001", "801", ("hall", "law"))) == "done"
    assert (await house.agent()).queues == ("hall", "law")


async def test_an_agent_who_comes_back_the_same_day_does_not_vanish_the_next(house: House) -> None:
    await house.ready()
    await house.store.sign_out("1001")
    assert await house.redis.ttl("{yht}:agent:1001") > 0
    assert (await house.rows()).agents == ()
    await house.ready()
    assert await house.redis.ttl("{yht}:agent:1001") == -1


async def test_who_has_a_call_can_neither_pause_nor_leave(house: House) -> None:
    await house.offered()
    ringing = "agent 1001 is being offered a call; answer it or let it ring out first"
    for refused in (
        await house.store.not_ready("1001"),
        await house.store.ready("1001"),
        await house.store.sign_out("1001"),
    ):
        assert (refused.code, refused.sentence) == ("agent_offered", ringing)
    await house.store.answered(CALL.call_id, "o1", "1001", "c")
    refused = await house.store.sign_out("1001")
    assert refused.sentence == "agent 1001 is talking; finish the call first"


async def test_ready_and_not_ready(house: House) -> None:
    assert (await house.store.ready("1001")).sentence == "agent 1001 is not signed in"
    assert (await house.store.not_ready("1001")).code == "not_signed_in"
    assert outcome(await house.store.sign_out("1001")) == "already"
    first = await house.ready()
    assert outcome(await house.store.ready("1001")) == "already"
    assert (await house.agent()).ready_since == first.ready_since
    assert outcome(await house.store.not_ready("1001", "lunch")) == "done"
    assert outcome(await house.store.not_ready("1001", "lunch")) == "already"
    assert (await house.agent()).reason == "lunch"
    assert outcome(await house.store.not_ready("1001", "meeting")) == "done"


async def test_wrap_up_is_ended_by_ready_and_by_a_pause(house: House) -> None:
    await house.talking()
    await house.store.ended(CALL.call_id, LEASE)
    await house.store.not_ready("1001", "lunch")
    house.now = LEASE
    assert (await house.store.expire(10)).changes == ()
    assert (await house.agent()).state == "not_ready"


async def test_a_phone_that_is_gone_takes_the_agent_out_and_brings_back_to_the_same_place(
    house: House,
) -> None:
    before = await house.ready()
    assert outcome(await house.store.seat_state("1001", False)) == "done"
    assert outcome(await house.store.seat_state("1001", False)) == "already"
    agent = await house.agent()
    assert (agent.state, agent.reason) == ("not_ready", "seat_unreachable")
    assert outcome(await house.store.ready("1001")) == "already"
    assert outcome(await house.store.seat_state("1001", True)) == "done"
    agent = await house.agent()
    assert (agent.state, agent.ready_since) == ("ready", before.ready_since)


async def test_an_agent_without_a_phone_is_ready_once_it_is_there(house: House) -> None:
    await house.store.seat_state("1001", False)
    await house.store.sign_in("1001", "1001", ("hall",))
    assert outcome(await house.store.ready("1001")) == "done"
    assert (await house.agent()).reason == "seat_unreachable"
    await house.store.seat_state("1001", True)
    assert (await house.agent()).state == "ready"


async def test_a_phone_that_is_lost_during_a_talk_counts_after_it(house: House) -> None:
    await house.talking()
    assert outcome(await house.store.seat_state("1001", False)) == "already"
    await house.store.ended(CALL.call_id, 0)
    assert (await house.agent()).reason == "seat_unreachable"


async def test_a_seat_that_failed_without_a_known_reason_waits_for_the_agent(house: House) -> None:
    """Its phone's state changes as it fails; were that its return, the offers would spin."""
    await house.offered()
    await house.store.enqueue(CALL, PLACE, offer="o1", reason="seat_unreachable")
    assert outcome(await house.store.seat_state("1001", True)) == "already"
    assert (await house.agent()).state == "not_ready"
    assert outcome(await house.store.ready("1001")) == "done"
    assert (await house.agent()).state == "ready"


async def test_a_talk_is_adopted_into_an_empty_redis(house: House) -> None:
    await house.store.sign_in("1001", "1001", ("hall",))
    step = await house.store.adopt_talk(CALL, PLACE, "1001", "o1", "PJSIP/1001-1", "")
    assert outcome(step) == "done"
    agent, call = await house.agent(), await house.call()
    assert (agent.state, agent.call) == ("talking", CALL.call_id)
    assert (call.state, call.queue, call.queued_at, call.seat_channel) == (
        "talking",
        "hall",
        START,
        "PJSIP/1001-1",
    )
    again = await house.store.adopt_talk(CALL, PLACE, "1001", "o1", "PJSIP/1001-1", "")
    assert outcome(again) == "already"


async def test_a_talk_of_somebody_unknown_is_adopted_all_the_same(house: House) -> None:
    assert outcome(await house.store.adopt_talk(CALL, PLACE, "1009", "o1", "c", "")) == "done"
    assert (await house.call()).state == "talking"
    await house.store.ended(CALL.call_id, 0)


async def test_an_adopted_talk_frees_whom_redis_took_for_the_other_side(house: House) -> None:
    await house.ready("1002")
    await house.offered()
    await house.store.adopt_talk(CALL, PLACE, "1002", "o0", "c", "offered:o1")
    assert (await house.agent("1001")).state == "ready"
    assert (await house.agent("1002")).state == "talking"


async def test_a_resync_does_not_undo_what_happened_since_it_looked(house: House) -> None:
    await house.offered()
    for late in (
        await house.store.enqueue(CALL, PLACE, offer="o1", seen="waiting:"),
        await house.store.adopt_talk(CALL, PLACE, "1002", "o9", "c", "waiting:"),
        await house.store.aside(CALL.call_id, "after", 0, seen="talking:o1"),
    ):
        assert late.code == "moved_on"
    assert (await house.call()).state == "offered"


async def test_a_resync_wakes_a_call_that_was_taken_for_ended(house: House) -> None:
    await house.store.enqueue(CALL, PLACE)
    await house.store.ended(CALL.call_id, 0)
    await house.store.enqueue(CALL, PLACE, seen="")
    assert await house.redis.ttl("{yht}:call:n1-1.1") == -1
    assert (await house.call()).state == "waiting"
    assert (await house.call()).queued_at == START


async def test_an_agent_bound_to_nothing_is_freed_and_one_bound_well_is_not(house: House) -> None:
    await house.offered()
    assert (await house.store.free("1001", CALL.call_id, 0)).code == "call_offered"
    await house.redis.delete("{yht}:call:n1-1.1")
    await house.redis.delete("{yht}:queue:hall")
    assert outcome(await house.store.free("1001", CALL.call_id, 0)) == "done"
    assert (await house.agent()).state == "ready"
    assert outcome(await house.store.free("1001", CALL.call_id, 0)) == "already"
    await house.redis.xtrim("{yht}:live", 0)
    await house.store.not_ready("1001", "lunch")


async def test_every_change_of_an_agent_is_a_fact_with_an_id_of_its_own(house: House) -> None:
    await house.talking()
    await house.store.ended(CALL.call_id, 0)
    told = [fact for fact in await house.facts() if fact.kind == "agent_state"]
    assert [fact.data["state"] for fact in told] == ["not_ready", "ready", "offered", "talking", "ready"]
    assert [fact.data["before"] for fact in told] == [
        "signed_out",
        "not_ready",
        "ready",
        "offered",
        "talking",
    ]
    assert len({fact.fact_id for fact in told}) == len(told)


async def test_a_redis_that_forgot_the_scripts_is_told_them_again(house: House) -> None:
    await house.ready()
    await house.redis.script_flush()
    assert outcome(await house.store.not_ready("1001")) == "done"


async def test_the_live_stream_tells_every_change(house: House) -> None:
    await house.offered()
    events = [json.loads(fields["e"]) for _, fields in await house.redis.xrange("{yht}:live")]
    assert [event["what"] for event in events] == ["signed_in", "ready", "waiting", "offered"]
    assert all(event["by"] == "e1" for event in events)
    async for changes in house.store.live((0, 0)):
        assert [change.what for change in changes] == [event["what"] for event in events]
        break


async def test_a_redis_that_is_away_is_said(tmp_path: Path) -> None:
    redis: Any = Redis.from_url(f"unix://{tmp_path}/nothing.sock", decode_responses=True, retry=None)
    with pytest.raises(StoreError, match=r"ready: .*nothing\.sock"):
        await Store(redis, "e1", lambda: START).ready("1001")
    await redis.aclose()
