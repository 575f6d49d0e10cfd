"""The hall: signals of Asterisk and changes in Redis in, claims and redirects out.

Nothing polls: a signal becomes one atomic step in Redis, its answer updates the mirror (acd.floor), and what
can be matched then is claimed and redirected at once (acd.offering). Any number of engines do the same with
the same signals; the claim decides. While Redis is away signals are dropped and nothing is offered; when it is
back Asterisk is asked what is (acd.resync), as it is after each login.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterable
from enum import Enum
from functools import partial
from typing import Final

import structlog

from acd.alarm import Alarm
from acd.floor import Floor
from acd.following import Following
from acd.invariants import Breach
from acd.lanes import Lanes, Tasks
from acd.nodes import Nodes
from acd.offering import Offering
from acd.policy import Policy
from acd.rows import AFTER, FALLBACK, TALKING, Arrival, Change, LiveId, Place
from acd.steer import Steer
from acd.store import Step, Store, StoreError
from acd.watch import Watch
from cti.signals import Answered, Fallback, Gone, SeatState, Signal, Waiting, node_of

log = structlog.get_logger(__name__)

EXPIRE_BATCH: Final = 100
WATCH_SECONDS: Final = 5.0
BACKLOG: Final = 50_000

_IN_USE: Final = frozenset(("INUSE", "BUSY", "RINGING", "RINGINUSE", "ONHOLD"))
_NO_PHONE: Final = frozenset(("UNAVAILABLE", "INVALID"))


class Phase(Enum):
    """Where the hall is."""

    AWAY = "Redis is away"
    LOADING = "taking stock"
    LIVE = "live"


class Hall:
    """One engine's share in the hall; everything on one asyncio loop.

    `clock` tells microseconds since the epoch; `policy` may be replaced at any time.
    """

    def __init__(self, store: Store, steer: Steer, policy: Policy, clock: Callable[[], int]) -> None:
        self.policy = policy
        self.phase = Phase.AWAY
        self.counts: Counter[str] = Counter()
        """What happened since the start, by name."""
        self._store = store
        self._steer = steer
        self._clock = clock
        self._floor = Floor()
        self._tasks = Tasks()
        self._lanes = Lanes(self._tasks)
        self._offering = Offering(self._floor, store, steer, clock, self._tasks, self)
        self._alarm = Alarm(self._floor, clock, self._tasks, expire=self._expire, woken=self._go)
        self._following = Following(store, load=self._load, changed=self._changed, away=self._away)
        self._watch = Watch(clock, self.counts)
        self._backlog: deque[Signal] = deque()
        self._nodes = Nodes(self._floor, store, steer, clock, self._tasks, self, seat=self._seat)
        self._reachable: dict[str, bool] = {}

    # Its life

    async def start(self) -> None:
        """Begin; returns once Redis has been looked at for the first time, be it there or away."""
        self._tasks.keep(self._following.run, "hall-following")
        self._tasks.keep(self._watching, "hall-watch")
        await self._following.looked.wait()

    async def stop(self) -> None:
        """End every task. Calls and agents stay as they are, in Redis and Asterisk."""
        self.phase = Phase.AWAY
        self._alarm.stop()
        self._nodes.stop()
        await self._tasks.stop()

    # What comes in

    def signal(self, signal: Signal) -> None:
        """Take one signal; those of one call, and of one seat, are served in the order given."""
        self.counts["signals"] += 1
        if self.phase is Phase.LIVE:
            self._sort_in(signal)
        elif self.phase is Phase.LOADING and len(self._backlog) < BACKLOG:
            self._backlog.append(signal)
        else:
            self.counts["signals_dropped"] += 1

    def arrived(self, arrival: Arrival) -> None:
        """A call is in the house; what it dialed and where it comes from is known from here on."""
        if self.phase is Phase.LIVE:
            self._lanes.put(arrival.call_id, lambda: self._told(self._store.arrive(arrival)))

    def node_lost(self, node: str) -> None:
        """The manager link of a node is down: its calls can not be offered from here."""
        self._nodes.down(node)

    async def resync(self, node: str) -> None:
        """The manager link of a node is up: set Redis right about its calls, then serve them.

        Made for AmiLink's `resync`; without Redis it is done as soon as that is back. Raises SteerError if the
        node does not tell what is there.
        """
        self._nodes.up(node)
        if self.phase is not Phase.LIVE:
            return
        try:
            await self._nodes.look(node)
        except StoreError as error:
            self.lost(error)
        self._go()

    async def sign_in(self, agent: str, seat: str, queues: Iterable[str]) -> Step:
        """Seat an agent. Raises StoreError, as the next three do."""
        return self._seen(await self._store.sign_in(agent, seat, queues))

    async def sign_out(self, agent: str, reason: str = "") -> Step:
        """Free an agent's seat."""
        return self._seen(await self._store.sign_out(agent, reason))

    async def ready(self, agent: str) -> Step:
        """Let an agent take calls."""
        return self._seen(await self._store.ready(agent))

    async def not_ready(self, agent: str, reason: str = "") -> Step:
        """Let an agent pause."""
        return self._seen(await self._store.not_ready(agent, reason))

    def _seen(self, step: Step) -> Step:
        self.took(step)
        return step

    # What is

    def ahead(self, queue: str, call_id: str) -> int | None:
        """Return how many wait before this call; None if it does not wait there, or nobody can tell now."""
        return self._floor.state.ahead(queue, call_id) if self.phase is Phase.LIVE else None

    def health(self) -> dict[str, object]:
        """Return what an operator wants to know, as JSON has it."""
        state = self._floor.state
        return {
            "phase": self.phase.value,
            "nodes": self._nodes.health(),
            "agents": dict(Counter(agent.state for agent in state.agents.values())),
            "calls": dict(Counter(call.state for call in state.calls.values())),
            "waiting": self._floor.waiting,
            "ready": self._floor.ready,
            "seats_in_use": len(self._floor.busy),
            "busy_lanes": len(self._lanes),
            "breaches": dict(Counter(breach.name for breach in self._watch.confirmed)),
            "failures": self._tasks.failures,
            "counts": dict(self.counts),
        }

    # What the parts tell each other

    def took(self, step: Step) -> None:
        """A step was answered: what it says is so, and what follows from it is done."""
        self._floor.apply(step.changes)
        self._go()

    def lost(self, error: StoreError) -> None:
        """A step failed: Redis is away, or as good as."""
        self._following.lost(error)

    def doubt(self, node: str) -> None:
        """Something about this node does not add up: look at it again soon."""
        self._nodes.doubt(node)

    def _go(self) -> None:
        if self.phase is Phase.LIVE:
            self._offering.go()
            self._alarm.arm()

    async def _told(self, asked: Awaitable[Step]) -> Step | None:
        try:
            step = await asked
        except StoreError as error:
            self.counts["signals_dropped"] += 1
            self.lost(error)
            return None
        self.took(step)
        return step

    # Signals

    def _sort_in(self, signal: Signal) -> None:
        if isinstance(signal, SeatState):
            self._seat(signal)
        else:
            self._lanes.put(signal.call_id, partial(self._serve, signal))

    async def _serve(self, signal: Waiting | Fallback | Answered | Gone) -> None:
        if isinstance(signal, Waiting):
            await self._waiting(signal)
        elif isinstance(signal, Gone):
            await self._gone(signal)
        elif isinstance(signal, Fallback):
            await self._told(self._store.aside(signal.call_id, FALLBACK, 0))
        else:
            step = await self._told(
                self._store.answered(signal.call_id, signal.offer, signal.agent, signal.channel)
            )
            if step is not None and not step.ok and step.code != "call_ended":
                self.doubt(node_of(signal.call_id))

    async def _waiting(self, signal: Waiting) -> None:
        if pause := self.policy.pause_after(signal.returned):
            self._floor.hold(signal.call_id, self._clock() + pause)
        arrival = Arrival(
            signal.call_id, signal.node, signal.channel, hotline=signal.hotline, caller=signal.caller
        )
        place = Place(signal.queue, signal.priority, signal.queued_at)
        reason = self.policy.reason_after(signal.returned)
        await self._told(self._store.enqueue(arrival, place, offer=signal.offer, reason=reason))

    async def _gone(self, signal: Gone) -> None:
        call = self._floor.state.calls.get(signal.call_id)
        until = self.policy.wrap_up_until(call.queue if call else "", self._clock())
        if signal.is_citizen:
            await self._told(self._store.ended(signal.call_id, until))
            return
        self._floor.seat(signal.seat, busy=False)
        if call and call.state == TALKING and call.seat_channel == signal.channel:
            await self._told(self._store.aside(signal.call_id, AFTER, until, seat_channel=signal.channel))
        else:
            self._go()

    def _seat(self, signal: SeatState) -> None:
        self._floor.seat(signal.seat, signal.state in _IN_USE)
        reachable = signal.state not in _NO_PHONE
        if signal.state != "UNKNOWN" and self._reachable.get(signal.seat) is not reachable:
            self._reachable[signal.seat] = reachable
            self._lanes.put(f"seat {signal.seat}", partial(self._phone, signal.seat, reachable))
        self._go()

    async def _phone(self, seat: str, reachable: bool) -> None:
        await self._told(self._store.seat_state(seat, reachable))

    # Redis: there, away, and there again

    async def _load(self) -> LiveId:
        self.phase = Phase.LOADING
        snapshot = await self._store.snapshot()
        self._floor.forget()
        self._floor.load(snapshot)
        await self._nodes.look_all()
        self.phase = Phase.LIVE
        log.info("hall_live", agents=len(snapshot.agents), calls=len(snapshot.calls))
        while self._backlog:
            self._sort_in(self._backlog.popleft())
        self._go()
        return snapshot.live

    def _changed(self, changes: Iterable[Change]) -> None:
        live: LiveId | None = None
        for change in changes:
            self._floor.apply((change,))
            live = change.live
        if live is not None:
            self._floor.passed(live)
            self._go()

    def _away(self, error: StoreError) -> None:
        log.warning("hall_away", reason=str(error))
        self.counts["redis_lost"] += 1
        self.phase = Phase.AWAY
        self._backlog.clear()
        self._reachable.clear()
        self._nodes.unsure()

    # What runs out, and what should not be

    async def _expire(self) -> None:
        while self.phase is Phase.LIVE:
            step = await self._told(self._store.expire(EXPIRE_BATCH))
            if step is None or len(step.changes) < EXPIRE_BATCH:
                return

    async def _watching(self) -> None:
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            if self.phase is not Phase.LIVE:
                continue
            for breach in self._watch.look(self._floor.state):
                await self._mend(breach)

    async def _mend(self, breach: Breach) -> None:
        try:
            # Either Redis is wrong, or the mirror is.
            self._floor.load(await self._store.snapshot())
            if breach.name.startswith("agent_bound"):
                self.took(await self._store.free(breach.agent, breach.call, 0))
        except StoreError as error:
            self.lost(error)
        self.doubt(node_of(breach.call))
