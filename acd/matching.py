"""Who is served next, and by whom: pure, over what is waiting and who is ready.

The rule: of all calls that a ready agent could take, over all queues, the one with the highest priority, then
the longest waiting; for it the agent who serves its queue and is idle longest. `match` says it in full over a
snapshot; `Matcher` gives the same answers event by event.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

Rank = tuple[int, int, str]


@dataclass(frozen=True, slots=True)
class WaitingCall:
    """A call and its place: behind those of higher priority, then by the moment of its first entry (µs)."""

    id: str
    queue: str
    priority: int
    queued_at: int

    @property
    def place(self) -> Rank:
        """Sorts as the calls are served."""
        return -self.priority, self.queued_at, self.id


@dataclass(frozen=True, slots=True)
class ReadyAgent:
    """An agent who can be rung, and since when idle (µs)."""

    id: str
    queues: tuple[str, ...]
    ready_since: int

    @property
    def place(self) -> Rank:
        """Sorts as the agents are chosen."""
        return 0, self.ready_since, self.id


@dataclass(frozen=True, slots=True)
class Match:
    """One decision, with how many agents and calls of this queue it was made among (both included)."""

    call: str
    agent: str
    queue: str
    ready: int
    waiting: int


def match(calls: Iterable[WaitingCall], agents: Iterable[ReadyAgent]) -> Iterator[Match]:
    """Yield every match over a snapshot, in order; each call and each agent is in one at most."""
    waiting = sorted(calls, key=lambda call: call.place)
    idle = sorted(agents, key=lambda agent: agent.place)
    while True:
        for call in waiting:
            serving = [agent for agent in idle if call.queue in agent.queues]
            if serving:
                break
        else:
            return
        queued = sum(other.queue == call.queue for other in waiting)
        yield Match(call.id, serving[0].id, call.queue, len(serving), queued)
        waiting.remove(call)
        idle.remove(serving[0])


class _Line:
    """Ranks in order. A binary search and one move of a few kilobytes at most beat a heap at any hall's size,
    and a rank can leave from anywhere.
    """

    __slots__ = ("ranks",)

    def __init__(self) -> None:
        self.ranks: list[Rank] = []

    def add(self, rank: Rank) -> None:
        insort(self.ranks, rank)

    def remove(self, rank: Rank) -> None:
        index = bisect_left(self.ranks, rank)
        if index == len(self.ranks) or self.ranks[index] != rank:
            raise KeyError(rank)
        del self.ranks[index]


class Matcher:
    """The same, kept up to date: a put or drop costs a search in the lines it concerns, a match likewise."""

    def __init__(self) -> None:
        self._calls: dict[str, WaitingCall] = {}
        self._agents: dict[str, ReadyAgent] = {}
        self._waiting: dict[str, _Line] = {}
        self._idle: dict[str, _Line] = {}
        self._open: set[str] = set()
        """Queues in which somebody waits and somebody is ready: empty but for the moment after a put."""

    def __len__(self) -> int:
        """How many calls wait."""
        return len(self._calls)

    @property
    def idle(self) -> int:
        """How many agents are ready."""
        return len(self._agents)

    def put_call(self, call: WaitingCall) -> None:
        """The call waits; one that waits already moves to its new place."""
        if self._calls.get(call.id) == call:
            return
        self.drop_call(call.id)
        self._calls[call.id] = call
        self._waiting.setdefault(call.queue, _Line()).add(call.place)
        self._look(call.queue)

    def drop_call(self, call_id: str) -> None:
        """The call waits no longer; one that does not wait is left alone."""
        call = self._calls.pop(call_id, None)
        if call is not None:
            self._waiting[call.queue].remove(call.place)
            self._look(call.queue)

    def put_agent(self, agent: ReadyAgent) -> None:
        """The agent is ready; one who is ready already gets the new place and queues."""
        if self._agents.get(agent.id) == agent:
            return
        self.drop_agent(agent.id)
        self._agents[agent.id] = agent
        for queue in agent.queues:
            self._idle.setdefault(queue, _Line()).add(agent.place)
            self._look(queue)

    def drop_agent(self, agent_id: str) -> None:
        """The agent is not ready; one who was not is left alone."""
        agent = self._agents.pop(agent_id, None)
        if agent is not None:
            for queue in agent.queues:
                self._idle[queue].remove(agent.place)
                self._look(queue)

    def next(self) -> Match | None:
        """Return the next match and take both out; None when nobody can be served."""
        if not self._open:
            return None
        queue = min(self._open, key=lambda name: self._waiting[name].ranks[0])
        waiting, idle = self._waiting[queue].ranks, self._idle[queue].ranks
        found = Match(waiting[0][2], idle[0][2], queue, len(idle), len(waiting))
        self.drop_call(found.call)
        self.drop_agent(found.agent)
        return found

    def _look(self, queue: str) -> None:
        waiting, idle = self._waiting.get(queue), self._idle.get(queue)
        if waiting and idle and waiting.ranks and idle.ranks:
            self._open.add(queue)
        else:
            self._open.discard(queue)
