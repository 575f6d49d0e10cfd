"""The Asterisk nodes that this engine steers: which are up, and setting Redis right about their calls."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import structlog

from acd import resync
from acd.floor import Floor
from acd.lanes import Tasks
from acd.offering import Owner
from acd.repairs import carry_out
from acd.steer import Steer, SteerError
from acd.store import Store, StoreError
from cti.signals import SeatState

log = structlog.get_logger(__name__)

DOUBT_SECONDS: Final = 1.0
"""How soon a node is looked at again after something that does not add up."""


class Nodes:
    """Calls are offered only on nodes that have been looked at since their link, and Redis, came up.

    `seat` takes the state of each phone seen.
    """

    def __init__(
        self,
        floor: Floor,
        store: Store,
        steer: Steer,
        clock: Callable[[], int],
        tasks: Tasks,
        owner: Owner,
        *,
        seat: Callable[[SeatState], None],
    ) -> None:
        self._floor = floor
        self._store = store
        self._steer = steer
        self._clock = clock
        self._tasks = tasks
        self._owner = owner
        self._seat = seat
        self._up: set[str] = set()
        self._served: set[str] = set()
        self._doubts: dict[str, asyncio.TimerHandle] = {}

    def up(self, node: str) -> None:
        """The manager link is up; nothing is offered there before a look."""
        self._up.add(node)

    def down(self, node: str) -> None:
        """The manager link is down."""
        self._up.discard(node)
        self._serve(node, False)

    def unsure(self) -> None:
        """Redis was away: every node must be looked at anew."""
        self._served.clear()
        self._floor.steer(())

    def stop(self) -> None:
        """Look at nothing again."""
        for timer in self._doubts.values():
            timer.cancel()
        self._up.clear()
        self._doubts.clear()

    def health(self) -> dict[str, str]:
        """Return what an operator reads of each node."""
        return {node: "served" if node in self._served else "not served" for node in sorted(self._up)}

    def doubt(self, node: str) -> None:
        """Look at the node soon; any number of doubts until then are one."""
        if node in self._up and node not in self._doubts:
            self._owner.counts["doubts"] += 1
            self._doubts[node] = asyncio.get_running_loop().call_later(DOUBT_SECONDS, self._again, node)

    def _again(self, node: str) -> None:
        del self._doubts[node]
        if node in self._up:
            self._tasks.spawn(self._look_again(node), f"look at {node}")

    async def _look_again(self, node: str) -> None:
        try:
            await self._try(node)
        except StoreError as error:
            self._owner.lost(error)

    async def look_all(self) -> None:
        """Look at every node that is up. One that does not tell is tried again later. Raises StoreError."""
        looked: set[str] = set()
        while nodes := self._up - looked:
            for node in nodes:
                looked.add(node)
                await self._try(node)

    async def _try(self, node: str) -> None:
        try:
            await self.look(node)
        except SteerError as error:
            log.warning("node_not_seen", node=node, reason=str(error))
            self._serve(node, False)
            self.doubt(node)

    async def look(self, node: str) -> None:
        """Set Redis right about the node's calls, then serve them. Raises SteerError and StoreError."""
        snapshot = await self._store.snapshot()
        sight = await self._steer.look(node)
        now, policy = self._clock(), self._owner.policy
        self._floor.load(snapshot)
        for seat in sight.seats:
            self._seat(seat)
        made = resync.plan(node, snapshot, sight, policy, now)
        unsure = made.look_again
        for repair in made.repairs:
            for step in await carry_out(self._store, repair, policy, now):
                unsure |= step.code == "moved_on"
                self._owner.took(step)
        self._owner.counts["looks"] += 1
        self._owner.counts["repairs"] += len(made.repairs)
        log.info("node_seen", node=node, channels=len(sight.channels), repairs=len(made.repairs))
        if node in self._up:
            self._serve(node, True)
            if unsure:
                self.doubt(node)

    def _serve(self, node: str, served: bool) -> None:
        (self._served.add if served else self._served.discard)(node)
        self._floor.steer(self._served)
