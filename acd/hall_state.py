"""A mirror of the hall in memory: each row as the newest event told it, however the events come in.

Changes come twice, at once with the answer of one's own step and later in the live stream, with those of other
engines in between. Each row keeps the id of the event that it stands at; an older event does not touch it.
"""

from __future__ import annotations

import heapq
from collections import deque
from dataclasses import dataclass
from typing import Final

from acd.rows import ENDED, OFFERED, SIGNED_OUT, WAITING, WRAP_UP, Agent, Call, Change, LiveId, Snapshot

NOWHERE: Final[LiveId] = (0, 0)


@dataclass(frozen=True, slots=True)
class Touched:
    """Whose row has changed."""

    agents: frozenset[str] = frozenset()
    calls: frozenset[str] = frozenset()


class HallState:
    """Agents who are signed in and calls that are in the house, by id."""

    def __init__(self) -> None:
        self.agents: dict[str, Agent] = {}
        self.calls: dict[str, Call] = {}
        self.cursor: LiveId = NOWHERE
        """The live stream has been read up to here."""
        self._agent_at: dict[str, LiveId] = {}
        self._call_at: dict[str, LiveId] = {}
        self._left: deque[tuple[LiveId, str, str]] = deque()
        """Rows that are gone: their ids stand until the stream is past them, or an older event would wake them."""
        self._leases: list[tuple[int, str]] = []

    def load(self, snapshot: Snapshot) -> Touched:
        """Take everything from a snapshot, save what a newer event has told already."""
        agents = {agent.id: agent for agent in snapshot.agents}
        calls = {call.id: call for call in snapshot.calls}
        touched_agents = {
            agent_id
            for agent_id in agents.keys() | self.agents.keys()
            if self._agent_at.get(agent_id, NOWHERE) <= snapshot.live
            and self._set_agent(agent_id, agents.get(agent_id), snapshot.live)
        }
        touched_calls = {
            call_id
            for call_id in calls.keys() | self.calls.keys()
            if self._call_at.get(call_id, NOWHERE) <= snapshot.live
            and self._set_call(call_id, calls.get(call_id), snapshot.live)
        }
        self.passed(max(self.cursor, snapshot.live))
        return Touched(frozenset(touched_agents), frozenset(touched_calls))

    def apply(self, change: Change) -> Touched:
        """Take the rows of one event, each if it is newer than what is here."""
        agent, call, live = change.agent, change.call, change.live
        agents = calls = frozenset[str]()
        if live <= self.cursor:
            return Touched()
        if agent and live >= self._agent_at.get(agent.id, NOWHERE) and self._set_agent(agent.id, agent, live):
            agents = frozenset((agent.id,))
        if call and live >= self._call_at.get(call.id, NOWHERE) and self._set_call(call.id, call, live):
            calls = frozenset((call.id,))
        return Touched(agents, calls)

    def passed(self, live: LiveId) -> None:
        """The live stream has been read up to this event."""
        self.cursor = live
        while self._left and self._left[0][0] <= live:
            at, kind, name = self._left.popleft()
            rows_at = self._agent_at if kind == "agent" else self._call_at
            if rows_at.get(name) == at and name not in (self.agents if kind == "agent" else self.calls):
                del rows_at[name]

    def next_lease(self) -> int | None:
        """Return when (µs) the next offer or wrap-up runs out."""
        while self._leases:
            lease, agent_id = self._leases[0]
            agent = self.agents.get(agent_id)
            if agent is not None and agent.lease == lease and agent.state in (OFFERED, WRAP_UP):
                return lease
            heapq.heappop(self._leases)
        return None

    def ahead(self, queue: str, call_id: str) -> int | None:
        """Return how many calls wait before this one in the queue; None if it does not wait there."""
        own = self.calls.get(call_id)
        if own is None or own.state != WAITING or own.queue != queue:
            return None
        place = (-own.priority, own.queued_at, own.id)
        return sum(
            1
            for call in self.calls.values()
            if call.state == WAITING
            and call.queue == queue
            and (-call.priority, call.queued_at, call.id) < place
        )

    def _set_agent(self, agent_id: str, agent: Agent | None, live: LiveId) -> bool:
        self._agent_at[agent_id] = live
        before = self.agents.get(agent_id)
        if agent is None or agent.state == SIGNED_OUT:
            self.agents.pop(agent_id, None)
            self._left.append((live, "agent", agent_id))
            return before is not None
        self.agents[agent_id] = agent
        if agent.lease and (before is None or before.lease != agent.lease):
            heapq.heappush(self._leases, (agent.lease, agent_id))
        return agent != before

    def _set_call(self, call_id: str, call: Call | None, live: LiveId) -> bool:
        self._call_at[call_id] = live
        before = self.calls.get(call_id)
        if call is None or call.state == ENDED:
            self.calls.pop(call_id, None)
            self._left.append((live, "call", call_id))
            return before is not None
        self.calls[call_id] = call
        return call != before
