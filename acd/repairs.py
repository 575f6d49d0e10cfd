"""Carries out what a resync found: each repair is one atomic step."""

from __future__ import annotations

from typing import assert_never

from acd.policy import Policy
from acd.resync import AdoptTalk, Aside, Ended, Enqueue, Free, Repair
from acd.store import Step, Store


async def carry_out(store: Store, repair: Repair, policy: Policy, now: int) -> tuple[Step, ...]:
    """Do one repair (`now` in µs is when wrap-ups begin) and return its steps. Raises StoreError."""
    match repair:
        case Enqueue():
            return (await store.enqueue(repair.arrival, repair.place, offer=repair.offer, seen=repair.seen),)
        case AdoptTalk():
            signed_in: tuple[Step, ...] = ()
            if repair.queues and repair.seat:
                signed_in = (await store.sign_in(repair.agent, repair.seat, repair.queues),)
            adopted = await store.adopt_talk(
                repair.arrival, repair.place, repair.agent, repair.offer, repair.seat_channel, repair.seen
            )
            return (*signed_in, adopted)
        case Aside():
            until = policy.wrap_up_until(repair.queue, now)
            return (await store.aside(repair.call_id, repair.state, until, seen=repair.seen),)
        case Ended():
            return (await store.ended(repair.call_id, policy.wrap_up_until(repair.queue, now)),)
        case Free():
            until = policy.wrap_up_until(repair.queue, now)
            return (await store.free(repair.agent, repair.call_id, until),)
        case _:
            assert_never(repair)
