"""Queues as they are now: who waits, how long, and who could answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from redis.asyncio import Redis

from config import City
from cti.app.views.agents import AgentView, agents, hashes, moment
from cti.live import PREFIX


@dataclass(frozen=True, slots=True)
class QueueView:
    """One queue. Citizens who wait, those being offered right now; agents by what they could do."""

    id: str
    name: str
    waiting: int
    offered: int
    longest_wait_ms: int
    ready: int
    talking: int
    not_ready: int
    """Signed in for this queue and neither ready nor talking: pause, wrap-up, being offered a call."""
    known: bool


def queue_view(
    queue: str, calls: Iterable[Mapping[str, str]], people: Sequence[AgentView], city: City, now: int
) -> QueueView:
    """Return one queue from the live rows of its calls and from all agents; `now` in microseconds."""
    rows = [row for row in calls if row.get("state") in ("waiting", "offered")]
    since = [queued for row in rows if (queued := moment(row.get("queued_at"))) is not None]
    serving = [agent.state for agent in people if queue in agent.queues and agent.state != "signed_out"]
    known = city.queue.get(queue)
    ready, talking = serving.count("ready"), serving.count("talking")
    return QueueView(
        id=queue,
        name=known.name if known is not None else "",
        waiting=sum(row["state"] == "waiting" for row in rows),
        offered=sum(row["state"] == "offered" for row in rows),
        longest_wait_ms=max((now - min(since)) // 1000, 0) if since else 0,
        ready=ready,
        talking=talking,
        not_ready=len(serving) - ready - talking,
        known=known is not None,
    )


async def queues(redis: Redis[str], city: City, now: int) -> tuple[QueueView, ...]:
    """Return every queue of the city, and any other that citizens wait in, in the order of the configuration."""
    people = await agents(redis, city)
    prefix = f"{PREFIX}queue:"
    others = {key.removeprefix(prefix) async for key in redis.scan_iter(match=f"{prefix}*", count=1000)}
    names = [*city.queue, *sorted(others - city.queue.keys())]
    views = []
    for name in names:
        ids = await redis.zrange(f"{prefix}{name}", 0, -1)
        rows = await hashes(redis, [f"{PREFIX}call:{call_id}" for call_id in ids])
        views.append(queue_view(name, rows, people, city, now))
    return tuple(views)


def as_json(queue: QueueView) -> dict[str, Any]:
    """Return one queue as `yht queue list --json` prints it: the fields of QueueView by their names."""
    return asdict(queue)
