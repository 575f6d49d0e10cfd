"""What must hold in the hall at any time; whatever breaks it is a fault of ours that a person would suffer from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from acd.hall_state import HallState
from acd.policy import SECOND
from acd.rows import OFFERED, TALKING, WAITING, WRAP_UP, Agent, Call

OVERDUE: Final = 5 * SECOND
"""How long a lease may have run out before somebody must have noticed."""


@dataclass(frozen=True, slots=True)
class Breach:
    """One thing that must not be. `name` is short and countable; `agent` and `call` are "" where none is meant."""

    name: str
    agent: str = ""
    call: str = ""


def breaches(state: HallState, now: int) -> Iterator[Breach]:
    """Yield what is wrong with the hall now (µs). Costs a look at each row.

    A mirror may be between two events for a moment: only what is still wrong a second later is.
    """
    seats: dict[str, str] = {}
    for agent in state.agents.values():
        if name := _agent(agent, state.calls.get(agent.call), now):
            yield Breach(name, agent.id, agent.call)
        if seats.setdefault(agent.seat, agent.id) != agent.id:
            yield Breach("two_agents_at_a_seat", agent.id)
    for call in state.calls.values():
        if name := _call(call, state.agents.get(call.agent)):
            yield Breach(name, call.agent, call.id)


def _agent(agent: Agent, call: Call | None, now: int) -> str:
    if agent.state in (OFFERED, TALKING):
        if call is None:
            return "agent_bound_to_no_call"
        if (call.agent, call.offer, call.state) != (agent.id, agent.offer, agent.state):
            return "agent_bound_to_anothers_call"
    if agent.state in (OFFERED, WRAP_UP):
        if not agent.lease:
            return f"{agent.state}_without_end"
        if agent.lease < now - OVERDUE:
            return f"{agent.state}_overdue"
    return ""


def _call(call: Call, agent: Agent | None) -> str:
    if call.state == WAITING:
        if not call.queue:
            return "waiting_in_no_queue"
        if call.agent or call.offer:
            return "waiting_with_an_agent"
    elif call.state == OFFERED and (agent is None or agent.call != call.id):
        return "offered_to_nobody"
    elif call.state == TALKING and agent is not None and agent.call != call.id:
        return "talking_with_an_agent_elsewhere"
    return ""
