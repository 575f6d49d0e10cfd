"""The hall's atomic steps in Redis: one Lua script each, which changes everything it should or nothing.

Each step may be told twice and is done once, so a step whose answer was lost is simply asked for again. Who
asks with an old picture gets the rows as they are now (`Step.changes`).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal

from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from acd import rows
from acd.rows import Arrival, Change, LiveId, Place, Snapshot
from acd.scripts import Scripts, StoreError
from cti.live import FACTS, LIVE

LIVE_BATCH: Final = 1000
"""Most events of one read."""
_BLOCK_MS: Final = 2000
"""Well below the 5 s after which the client takes Redis for lost (redis-py's own default)."""

Outcome = Literal["done", "already", "refused"]

__all__ = ["ANYTHING", "LIVE_BATCH", "Outcome", "Step", "Store", "StoreError"]


@dataclass(frozen=True, slots=True)
class Step:
    """What became of one step.

    `code` names why it was refused ("" else) and `sentence` says it to a person. `changes` are the events it
    caused, in order; where it changed nothing, the rows it looked at, as they are.
    """

    outcome: Outcome
    code: str = ""
    sentence: str = ""
    changes: tuple[Change, ...] = ()

    @property
    def ok(self) -> bool:
        """True if things are now as was asked."""
        return self.outcome != "refused"


ANYTHING: Final = "-"
"""A step that judges nothing which a resync saw."""


def _step(raw: list[Any]) -> Step:
    told = raw[3:]
    changes = tuple(rows.change(told[i], told[i + 1]) for i in range(0, len(told), 2))
    if raw[0] == 1:
        return Step("done" if raw[1] == "done" else "already", changes=changes)
    return Step("refused", raw[1], raw[2], changes)


class Store:
    """The steps, on one Redis. `engine_id` signs the live events, `clock` tells microseconds since the epoch.

    Every method raises StoreError when Redis is away.
    """

    def __init__(self, redis: Redis[str], engine_id: str, clock: Callable[[], int]) -> None:
        self._redis = redis
        self._engine_id = engine_id
        self._clock = clock
        self._scripts = Scripts(redis, FACTS)

    async def _run(self, name: str, *arguments: str | int) -> Step:
        return _step(await self._scripts.run(name, str(self._clock()), self._engine_id, *arguments))

    # Calls

    async def arrive(self, arrival: Arrival) -> Step:
        """The call is in the house and in no queue yet."""
        return await self._run("arrive", *_head(arrival))

    async def enqueue(
        self, arrival: Arrival, place: Place, *, offer: str = "", reason: str = "", seen: str = ANYTHING
    ) -> Step:
        """The call is in the waiting room: for the first time, or back from `offer` at the place held.

        That offer's agent becomes not ready for `reason`; with "" the last among the ready. A resync passes
        `seen` (`seen_as`), is refused with "moved_on" if the call is not so any more, and wakes an ended call.
        """
        return await self._run(
            "enqueue",
            *_head(arrival),
            place.queue,
            place.priority,
            place.queued_at,
            offer,
            reason,
            seen,
        )

    async def claim(
        self, call_id: str, agent: str, offer: str, lease_until: int, *, ready: int = 0, waiting: int = 0
    ) -> Step:
        """Bind a waiting call to a ready agent, or neither.

        `lease_until` (µs) is when the offer is over if nobody has told its end. `ready` and `waiting` are the
        counts that the decision saw, for the fact.
        """
        return await self._run("claim", call_id, agent, offer, lease_until, ready, waiting)

    async def release(self, call_id: str, offer: str) -> Step:
        """The seat was never rung: call and agent are back at their old places."""
        return await self._run("release", call_id, offer)

    async def answered(self, call_id: str, offer: str, agent: str, seat_channel: str) -> Step:
        """The seat took the call."""
        return await self._run("answered", call_id, offer, agent, seat_channel)

    async def aside(
        self,
        call_id: str,
        state: str,
        wrap_up_until: int,
        *,
        seat_channel: str = "",
        seen: str = ANYTHING,
    ) -> Step:
        """The citizen is in the house and not in the hall's hands: `after` a talk, or in the `fallback` queue.

        With `seat_channel` only if the talk is with that leg.
        """
        return await self._run("aside", call_id, state, seat_channel, wrap_up_until, seen)

    async def ended(self, call_id: str, wrap_up_until: int) -> Step:
        """The citizen is gone. `wrap_up_until` (µs) is for an agent who talked; 0 is none."""
        return await self._run("ended", call_id, wrap_up_until)

    async def adopt_talk(
        self, arrival: Arrival, place: Place, agent: str, offer: str, seat_channel: str, seen: str
    ) -> Step:
        """Asterisk says that the two talk, and so it is."""
        return await self._run(
            "adopt_talk",
            *_head(arrival),
            place.queue,
            place.priority,
            place.queued_at,
            agent,
            offer,
            seat_channel,
            seen,
        )

    # Agents and seats

    async def sign_in(self, agent: str, seat: str, queues: Iterable[str]) -> Step:
        """The agent is at the seat and not ready yet; one who is there already gets the queues."""
        return await self._run("sign_in", agent, seat, ",".join(queues))

    async def sign_out(self, agent: str, reason: str = "") -> Step:
        """The seat is free; refused while the agent has a call."""
        return await self._run("sign_out", agent, reason)

    async def ready(self, agent: str) -> Step:
        """The agent takes calls, as soon as the phone can be rung."""
        return await self._run("ready", agent)

    async def not_ready(self, agent: str, reason: str = "") -> Step:
        """The agent takes no calls; refused while the agent has one."""
        return await self._run("not_ready", agent, reason)

    async def seat_state(self, seat: str, reachable: bool) -> Step:
        """The seat's phone is gone, or back."""
        return await self._run("seat_state", seat, int(reachable))

    async def free(self, agent: str, call_id: str, wrap_up_until: int) -> Step:
        """The agent is bound to a call that is not bound to the agent: mend it."""
        return await self._run("free", agent, call_id, wrap_up_until)

    async def expire(self, limit: int) -> Step:
        """End at most `limit` offers and wrap-ups that ran out by now."""
        return await self._run("expire", limit)

    # Everything

    async def snapshot(self) -> Snapshot:
        """Return everything that lives, at one instant."""
        live, unreachable, agents, calls, _ = await self._scripts.run("snapshot", "0", self._engine_id)
        return rows.snapshot(live, unreachable, agents, calls)

    async def live(self, after: LiveId) -> AsyncIterator[tuple[Change, ...]]:
        """Yield what changed after an event, as it happens, on a connection of its own; () now and then.

        A batch of LIVE_BATCH may have left some behind that the capped stream has dropped: look anew then.
        """
        cursor = f"{after[0]}-{after[1]}"
        async with _listener(self._redis) as redis:
            while True:
                try:
                    answer = await redis.xread({LIVE: cursor}, count=LIVE_BATCH, block=_BLOCK_MS)
                except (RedisError, OSError) as error:
                    raise StoreError(f"live: {error}") from error
                entries = answer[0][1] if answer else []
                if entries:
                    cursor = entries[-1][0]
                yield tuple(rows.change(entry, fields["e"]) for entry, fields in entries)


def _listener(redis: Redis[str]) -> Any:
    """Return a client on the same Redis that does not come back by itself when its connection breaks.

    A Redis that was killed may be up again within milliseconds and have forgotten everything; who reconnects
    in silence would never know.
    """
    client: Any = Redis
    pool: Any = redis.connection_pool
    settings = {**pool.connection_kwargs, "retry": Retry(NoBackoff(), 0), "retry_on_error": []}
    return client.from_pool(ConnectionPool(connection_class=pool.connection_class, **settings))


def _head(arrival: Arrival) -> tuple[str, ...]:
    return (
        arrival.call_id,
        arrival.node,
        arrival.channel,
        arrival.hotline,
        arrival.caller,
        arrival.dialed,
    )
