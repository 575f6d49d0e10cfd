"""Agents as they are now: the city's list of them joined with their live state."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis

from config import City
from cti.live import PREFIX

STATES = ("talking", "offered", "wrap_up", "ready", "not_ready", "signed_out")


@dataclass(frozen=True, slots=True)
class AgentView:
    """One agent; `since` and `ready_since` in microseconds since the epoch, None where there is none."""

    id: str
    name: str
    state: str
    reason: str
    since: int | None
    seat: str
    call: str
    queues: tuple[str, ...]
    known: bool
    """Whether the city's configuration has this agent; one it dropped may be signed in still."""


def agent_view(agent: str, row: Mapping[str, str], city: City) -> AgentView:
    """Return one agent from the live row ({} for one who never signed in) and the city."""
    known = city.agent.get(agent)
    configured = known.queues if known is not None else ()
    signed_in = row.get("state", "signed_out") != "signed_out"
    serving = tuple(filter(None, row.get("queues", "").split(",")))
    return AgentView(
        id=agent,
        name=known.name if known is not None else "",
        state=row.get("state") or "signed_out",
        reason=row.get("reason", ""),
        since=moment(row.get("since")),
        seat=row.get("seat", "") if signed_in else "",
        call=row.get("call", "") if signed_in else "",
        queues=serving if signed_in else configured,
        known=known is not None,
    )


def moment(text: str | None) -> int | None:
    """Return the microseconds that a live row holds; None for "", "0" and what is no number."""
    return int(text) if text and text.isascii() and text.isdigit() and int(text) else None


def sort_key(agent: AgentView) -> tuple[int, str]:
    """Order agents by what they do, then by id; a state nobody knows comes last."""
    return (STATES.index(agent.state) if agent.state in STATES else len(STATES), agent.id)


async def agents(redis: Redis[str], city: City) -> tuple[AgentView, ...]:
    """Return every agent of the city, and whoever is signed in beside them, the busiest first."""
    signed_in = await redis.smembers(f"{PREFIX}agents")
    ids = sorted({*signed_in, *city.agent})
    rows = await hashes(redis, [f"{PREFIX}agent:{agent}" for agent in ids])
    views = (agent_view(agent, row, city) for agent, row in zip(ids, rows, strict=True))
    return tuple(sorted(views, key=sort_key))


async def hashes(redis: Redis[str], keys: Iterable[str]) -> list[dict[str, str]]:
    """Return the hashes under these keys, {} for those that are not there, in one round trip."""
    async with redis.pipeline(transaction=False) as step:
        for key in keys:
            step.hgetall(key)
        found: list[Any] = await step.execute()
    return [dict(row) for row in found]


def as_json(agent: AgentView, iso: Any, now: int) -> dict[str, Any]:
    """Return one agent as `yht agent list --json` prints it.

    Keys: id, name, state, reason, since (ISO 8601, null), for_ms (null), seat, call, queues (list), known.
    """
    return {
        "id": agent.id,
        "name": agent.name,
        "state": agent.state,
        "reason": agent.reason,
        "since": iso(agent.since),
        "for_ms": None if agent.since is None else max(now - agent.since, 0) // 1000,
        "seat": agent.seat,
        "call": agent.call,
        "queues": list(agent.queues),
        "known": agent.known,
    }
