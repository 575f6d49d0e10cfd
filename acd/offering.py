"""From a match to a ringing phone: claim in Redis, then one Redirect; nothing else is on that way."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable
from typing import Final, Protocol

import structlog

from acd.floor import Floor
from acd.lanes import Tasks
from acd.matching import Match
from acd.policy import SECOND, Policy
from acd.rows import Agent, Call
from acd.steer import Steer, SteerError
from acd.store import Step, Store, StoreError

log = structlog.get_logger(__name__)

REST: Final = 2 * SECOND
"""How long a call rests whose channel could not be redirected: its hangup is on the way, or the link is down."""

_DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"
_EXPLAINED: Final = frozenset(("call_not_waiting", "agent_not_ready", "not_in_queue", "call_ended"))
"""Refusals that come with the row that explains them."""


class Owner(Protocol):
    """Whom the offering tells what became of it."""

    policy: Policy
    counts: Counter[str]

    def took(self, step: Step) -> None:
        """A step was answered: what it says is so."""

    def doubt(self, node: str) -> None:
        """Something about this node does not add up."""

    def lost(self, error: StoreError) -> None:
        """Redis is away."""


class OfferIds:
    """Ids of offers: unique over all engines and times, 14 letters and digits, sorted by time within one."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._last = 0
        self._engine = "".join(secrets.choice(_DIGITS) for _ in range(4))

    def __call__(self) -> str:
        """Return a new one."""
        number = self._last = max(self._clock(), self._last + 1)
        letters = ""
        while number:
            number, digit = divmod(number, 36)
            letters = _DIGITS[digit] + letters
        return letters + self._engine


class Offering:
    """Makes offers of what the floor matches."""

    def __init__(
        self, floor: Floor, store: Store, steer: Steer, clock: Callable[[], int], tasks: Tasks, owner: Owner
    ) -> None:
        self._floor = floor
        self._store = store
        self._steer = steer
        self._clock = clock
        self._tasks = tasks
        self._owner = owner
        self._new_id = OfferIds(clock)

    def go(self) -> None:
        """Offer whatever can be offered now."""
        now = self._clock()
        while (match := self._floor.next(now)) is not None:
            call, agent = self._floor.state.calls[match.call], self._floor.state.agents[match.agent]
            self._tasks.spawn(self._offer(match, call, agent), f"offer of {call.id}")

    async def _offer(self, match: Match, call: Call, agent: Agent) -> None:
        offer = self._new_id()
        if await self._claim(match, call, agent, offer):
            await self._redirect(call, agent, offer)

    async def _claim(self, match: Match, call: Call, agent: Agent, offer: str) -> bool:
        now = self._clock()
        lease = self._owner.policy.lease_until(now)
        try:
            step = await self._store.claim(
                call.id, agent.id, offer, lease, ready=match.ready, waiting=match.waiting
            )
            self._floor.apply(step.changes)
            if not step.ok and step.code not in _EXPLAINED:
                self._floor.hold(call.id, now + REST)
                self._floor.hold(agent.id, now + REST)
                self._owner.doubt(call.node)
        except StoreError as error:
            self._owner.lost(error)
            return False
        finally:
            self._floor.settled(match)
        self._owner.counts["claims" if step.ok else "claims_lost"] += 1
        self._owner.took(step)
        return step.ok

    async def _redirect(self, call: Call, agent: Agent, offer: str) -> None:
        try:
            await self._steer.offer(call.node, call.channel, agent.seat, offer, agent.id)
        except SteerError as error:
            self._owner.counts["redirects_failed"] += 1
            log.info("redirect_failed", call_id=call.id, offer=offer, reason=str(error))
            if error.may_have_run:
                # Whether it did is for Asterisk to say: the phone rings, or the citizen waits still.
                self._owner.doubt(call.node)
                return
            self._floor.hold(call.id, self._clock() + REST)
            try:
                step = await self._store.release(call.id, offer)
            except StoreError as lost:
                self._owner.lost(lost)
            else:
                self._owner.took(step)
