"""What the hall's live state is made of: agents, calls and changes, as the Lua scripts tell them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

LiveId = tuple[int, int]
"""Where an event stands in `{yht}:live`: later is greater."""

SIGNED_OUT: Final = "signed_out"
NOT_READY: Final = "not_ready"
READY: Final = "ready"
OFFERED: Final = "offered"
TALKING: Final = "talking"
WRAP_UP: Final = "wrap_up"
ARRIVING: Final = "arriving"
WAITING: Final = "waiting"
AFTER: Final = "after"
FALLBACK: Final = "fallback"
ENDED: Final = "ended"


@dataclass(frozen=True, slots=True)
class Agent:
    """An agent's row. Times are microseconds UTC, 0 where none is meant; the texts are "" there."""

    id: str
    state: str
    reason: str = ""
    since: int = 0
    ready_since: int = 0
    """The place among the idle: the smallest is served first."""
    seat: str = ""
    queues: tuple[str, ...] = ()
    call: str = ""
    offer: str = ""
    lease: int = 0
    """When an offer or a wrap-up runs out."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call's row. `queued_at` (µs) is the moment of the first entry and with the priority the place."""

    id: str
    state: str
    node: str = ""
    channel: str = ""
    hotline: str = ""
    queue: str = ""
    priority: int = 0
    queued_at: int = 0
    caller: str = field(default="", repr=False)
    dialed: str = ""
    agent: str = ""
    offer: str = ""
    seat_channel: str = ""
    """The seat's leg, once it has answered."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """Who calls what from where: what is known of a call before it waits."""

    call_id: str
    node: str
    channel: str
    hotline: str = ""
    caller: str = field(default="", repr=False)
    dialed: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a queue: the moment of the first entry (µs) behind those of higher priority."""

    queue: str
    priority: int
    queued_at: int


def seen_as(call: Call | None) -> str:
    """Return how a resync saw a call, for the steps that must not act on an older picture."""
    return f"{call.state}:{call.offer}" if call and call.state != ENDED else ""


@dataclass(frozen=True, slots=True)
class Change:
    """One event of the live stream: what happened and the rows as they are since.

    `what` is "seen" where nothing changed and the rows are told as they stood at `live`.
    """

    live: LiveId
    what: str
    by: str
    at: int
    agent: Agent | None
    call: Call | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that lives, at one instant of Redis: after `live` and before anything later."""

    live: LiveId
    agents: tuple[Agent, ...]
    calls: tuple[Call, ...]
    unreachable: frozenset[str] = frozenset()
    """Seats whose phone can not be rung."""


def live_id(text: str) -> LiveId:
    """Return the id of a stream entry, `1795536000000-3`, in a form that sorts."""
    milliseconds, _, sequence = text.partition("-")
    return int(milliseconds), int(sequence)


def _agent(row: Mapping[str, str]) -> Agent:
    return Agent(
        id=row["id"],
        state=row["state"],
        reason=row.get("reason", ""),
        since=int(row.get("since", 0)),
        ready_since=int(row.get("ready_since", 0)),
        seat=row.get("seat", ""),
        queues=tuple(dict.fromkeys(filter(None, row.get("queues", "").split(",")))),
        call=row.get("call", ""),
        offer=row.get("offer", ""),
        lease=int(row.get("lease", 0)),
    )


def _call(row: Mapping[str, str]) -> Call:
    return Call(
        id=row["id"],
        state=row["state"],
        node=row.get("node", ""),
        channel=row.get("channel", ""),
        hotline=row.get("hotline", ""),
        queue=row.get("queue", ""),
        priority=int(row.get("priority", 0)),
        queued_at=int(row.get("queued_at", 0)),
        caller=row.get("caller", ""),
        dialed=row.get("dialed", ""),
        agent=row.get("agent", ""),
        offer=row.get("offer", ""),
        seat_channel=row.get("seat_channel", ""),
    )


def change(live: str, text: str) -> Change:
    """Return what one live event says. Raises ValueError or KeyError on a text that no script of ours wrote."""
    event: dict[str, Any] = json.loads(text)
    agent, call = event.get("agent"), event.get("call")
    return Change(
        live=live_id(live),
        what=event["what"],
        by=event["by"],
        at=int(event["at"]),
        agent=_agent(agent) if agent else None,
        call=_call(call) if call else None,
    )


def snapshot(live: str, unreachable: list[str], agents: list[str], calls: list[str]) -> Snapshot:
    """Return what the script snapshot.lua answered."""
    return Snapshot(
        live=live_id(live),
        agents=tuple(_agent(json.loads(text)) for text in agents),
        calls=tuple(_call(json.loads(text)) for text in calls),
        unreachable=frozenset(unreachable),
    )
