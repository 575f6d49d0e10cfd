"""What Redis must be told after events were missed: pure, from what Asterisk says and what Redis says.

Redis is looked at first and Asterisk after it, so where they differ Asterisk is the newer. Only the calls of
one node are judged, and only what can not be on its way: a redirect that was sent a moment ago is given time.
Each repair carries how its call was seen (`seen`) and does nothing if it has moved on since.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from acd.policy import SECOND, Policy
from acd.rows import (
    AFTER,
    ENDED,
    FALLBACK,
    OFFERED,
    TALKING,
    WAITING,
    Arrival,
    Call,
    Place,
    Snapshot,
    seen_as,
)
from cti.signals import Channel, SeatState, node_of

SETTLE: Final = 5 * SECOND
"""How long an offer may have been claimed without the redirect being seen."""


@dataclass(frozen=True, slots=True)
class Sight:
    """One node as it is: every channel, and the phone of every seat."""

    channels: tuple[Channel, ...]
    seats: tuple[SeatState, ...]


@dataclass(frozen=True, slots=True)
class Enqueue:
    """The citizen waits; with `offer`, back from it."""

    arrival: Arrival
    place: Place
    offer: str
    seen: str


@dataclass(frozen=True, slots=True)
class AdoptTalk:
    """The two talk. The agent is signed in at the seat first, if nobody knows of it."""

    arrival: Arrival
    place: Place
    agent: str
    seat: str
    queues: tuple[str, ...]
    offer: str
    seat_channel: str
    seen: str


@dataclass(frozen=True, slots=True)
class Aside:
    """The citizen hears the goodbye (`after`) or is in the static queue (`fallback`)."""

    call_id: str
    state: str
    queue: str
    seen: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The citizen's channel is no more."""

    call_id: str
    queue: str


@dataclass(frozen=True, slots=True)
class Free:
    """The agent is bound to a call that is not bound to the agent."""

    agent: str
    call_id: str
    queue: str


Repair = Enqueue | AdoptTalk | Aside | Ended | Free


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do, in order, and whether something was too young to be judged."""

    repairs: tuple[Repair, ...]
    look_again: bool


def plan(node: str, snapshot: Snapshot, sight: Sight, policy: Policy, now: int) -> Plan:
    """Return what sets Redis right about the calls of one node."""
    rows = {call.id: call for call in snapshot.calls if call.node == node or node_of(call.id) == node}
    citizens = {found.call_id: found for found in sight.channels if found.is_citizen and found.node == node}
    legs = {
        (found.call_id, found.seat): found.channel
        for found in sight.channels
        if not found.is_citizen and found.seat
    }
    since = {agent.call: agent.since for agent in snapshot.agents if agent.state == OFFERED}
    signed_in = {agent.id for agent in snapshot.agents}
    repairs: list[Repair] = []
    look_again = False
    for call_id, row in rows.items():
        if call_id not in citizens and row.state != ENDED:
            repairs.append(Ended(call_id, row.queue))
    for call_id, found in citizens.items():
        known = rows.get(call_id)
        if known and known.state == OFFERED and _state(found) == WAITING:
            if now - since.get(call_id, 0) < SETTLE:
                look_again = True
                continue
        elif _state(found) == OFFERED and not found.bridge and (known is None or known.state != OFFERED):
            # It rings and nobody holds the claim: it will wait, talk or be gone.
            look_again = True
            continue
        repair = _repair(found, known, legs, signed_in, policy)
        if repair is not None:
            repairs.append(repair)
    repairs.extend(_unbound(node, snapshot))
    return Plan(tuple(repairs), look_again)


def _state(found: Channel) -> str:
    return found.variables.get("YHT_STATE", "")


def _repair(
    found: Channel,
    row: Call | None,
    legs: dict[tuple[str, str], str],
    signed_in: set[str],
    policy: Policy,
) -> Repair | None:
    state, before = _state(found), row.state if row else ""
    seen = seen_as(row)
    if state == WAITING and before != WAITING:
        return Enqueue(_arrival(found), _place(found), row.offer if row else "", seen)
    if state == OFFERED and found.bridge:
        agent, offer = found.variables.get("YHT_AGENT", ""), found.variables.get("YHT_OFFER", "")
        if row and (before, row.agent, row.offer) == (TALKING, agent, offer) and agent in signed_in:
            return None
        seat = found.variables.get("YHT_SEAT", "")
        queues = () if agent in signed_in else policy.agents.get(agent, ())
        leg = legs.get((found.call_id, seat), "")
        return AdoptTalk(_arrival(found), _place(found), agent, seat, queues, offer, leg, seen)
    if row and state in (AFTER, FALLBACK) and before not in (state, ENDED):
        return Aside(found.call_id, state, row.queue, seen)
    return None


def _unbound(node: str, snapshot: Snapshot) -> Iterator[Free]:
    calls = {call.id: call for call in snapshot.calls}
    for agent in snapshot.agents:
        if agent.state not in (OFFERED, TALKING) or node_of(agent.call) != node:
            continue
        call = calls.get(agent.call)
        if call is None or (call.agent, call.offer) != (agent.id, agent.offer):
            yield Free(agent.id, agent.call, call.queue if call else "")


def _arrival(found: Channel) -> Arrival:
    return Arrival(
        call_id=found.call_id,
        node=found.node,
        channel=found.channel,
        hotline=found.variables.get("YHT_HOTLINE", ""),
        caller=found.caller,
        dialed=found.variables.get("YHT_DIALED", ""),
    )


def _place(found: Channel) -> Place:
    return Place(
        queue=found.variables.get("YHT_QUEUE", ""),
        priority=_number(found.variables.get("YHT_PRIORITY", "")),
        queued_at=_number(found.variables.get("YHT_QUEUED_AT", "")),
    )


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else 0
