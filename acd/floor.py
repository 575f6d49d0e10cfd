"""The hall as one engine sees it: the mirror, who can be matched now, and who must wait a moment and why.

Pure: time is an argument, `wake_at` says when to come back. A match takes its two out until the claim is
answered (`settled`); whatever their rows say then holds. Nobody is tried again for the same reason at once:
a refused claim brings the rows as they are, and what else failed is held for a while.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterable
from typing import Final

from acd.hall_state import HallState, Touched
from acd.matching import Match, Matcher, ReadyAgent, WaitingCall
from acd.policy import SECOND
from acd.rows import READY, WAITING, Change, LiveId, Snapshot

HEAD_START: Final = SECOND // 5
"""What an engine of another node has to serve its call with an agent whom we could use, too."""


class Floor:
    """Changes in, matches out."""

    def __init__(self) -> None:
        self.state = HallState()
        self.busy: set[str] = set()
        """Seats whose phone is in use, for a call of the hall or any other."""
        self._matcher = Matcher()
        self._nodes: frozenset[str] = frozenset()
        self._pending: set[str] = set()
        self._held: dict[str, int] = {}
        self._holds: list[tuple[int, str]] = []
        self._passed_over: set[str] = set()
        self._seats: dict[str, str] = {}

    # What is

    def load(self, snapshot: Snapshot) -> None:
        """Take a snapshot."""
        self._took(self.state.load(snapshot))

    def forget(self) -> None:
        """Drop every row: the Redis that comes back may not be the one that told them."""
        self.state = HallState()
        self._matcher = Matcher()
        self._pending.clear()
        self._passed_over.clear()

    def apply(self, changes: Iterable[Change]) -> None:
        """Take what one step, or the live stream, told."""
        for change in changes:
            self._took(self.state.apply(change))

    def passed(self, live: LiveId) -> None:
        """The live stream has been read up to this event."""
        self.state.passed(live)

    def steer(self, nodes: Collection[str]) -> None:
        """These are the nodes on which we can redirect a channel now."""
        if self._nodes != frozenset(nodes):
            self._nodes = frozenset(nodes)
            self._passed_over.clear()
            for call_id in self.state.calls:
                self._place_call(call_id)

    def seat(self, seat: str, busy: bool) -> None:
        """The seat's phone is in use, or is not any more."""
        if busy != (seat in self.busy):
            (self.busy.add if busy else self.busy.discard)(seat)
            if agent_id := self._seats.get(seat):
                self._place_agent(agent_id)

    # What to do

    def next(self, now: int) -> Match | None:
        """Return the next match, or None. Its call and agent are out until `settled`."""
        while self._nodes and (match := self._matcher.next()) is not None:
            if self.state.calls[match.call].node in self._nodes:
                self._pending.update((match.call, match.agent))
                return match
            # The order of service holds over all nodes; but if nobody over there takes it, we go on.
            self._passed_over.add(match.call)
            self.hold(match.call, now + HEAD_START)
            self.hold(match.agent, now + HEAD_START)
        return None

    def settled(self, match: Match) -> None:
        """The claim of a match has been answered, one way or the other."""
        self._pending.difference_update((match.call, match.agent))
        self._place_call(match.call)
        self._place_agent(match.agent)

    def hold(self, name: str, until: int) -> None:
        """Do not match this call or agent before a time (µs)."""
        if until > self._held.get(name, 0):
            self._held[name] = until
            heapq.heappush(self._holds, (until, name))
            self._place(name)

    def wake(self, now: int) -> None:
        """Let go of what was held until now."""
        while self._holds and self._holds[0][0] <= now:
            until, name = heapq.heappop(self._holds)
            if self._held.get(name) == until:
                del self._held[name]
                self._place(name)

    def wake_at(self) -> int | None:
        """Return when (µs) something runs out: an offer, a wrap-up or a hold."""
        lease = self.state.next_lease()
        hold = self._holds[0][0] if self._holds else None
        return hold if lease is None else lease if hold is None else min(lease, hold)

    @property
    def waiting(self) -> int:
        """Calls that could be served now."""
        return len(self._matcher)

    @property
    def ready(self) -> int:
        """Agents who could be rung now."""
        return self._matcher.idle

    def _took(self, touched: Touched) -> None:
        for call_id in touched.calls:
            self._passed_over.discard(call_id)
            self._place_call(call_id)
        for agent_id in touched.agents:
            self._place_agent(agent_id)

    def _place(self, name: str) -> None:
        self._place_call(name)
        self._place_agent(name)

    def _place_call(self, call_id: str) -> None:
        call = self.state.calls.get(call_id)
        if (
            call is not None
            and call.state == WAITING
            and call_id not in self._pending
            and call_id not in self._held
            and call_id not in self._passed_over
        ):
            self._matcher.put_call(WaitingCall(call_id, call.queue, call.priority, call.queued_at))
        else:
            self._matcher.drop_call(call_id)

    def _place_agent(self, agent_id: str) -> None:
        agent = self.state.agents.get(agent_id)
        if agent is not None:
            self._seats[agent.seat] = agent_id
        if (
            agent is not None
            and agent.state == READY
            and agent_id not in self._pending
            and agent_id not in self._held
            and agent.seat not in self.busy
        ):
            self._matcher.put_agent(ReadyAgent(agent_id, agent.queues, agent.ready_since))
        else:
            self._matcher.drop_agent(agent_id)
