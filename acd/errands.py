"""What commands ask of the hall, checked against the city before anything is done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from acd.hall import Hall
from acd.policy import Policy
from acd.rows import SIGNED_OUT, Agent
from acd.store import Step


class Refusal(Exception):
    """A command that can not be done; the text says what would be right, `code` names the reason."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


async def perform(hall: Hall, name: str, args: Mapping[str, Any]) -> tuple[Step, Agent]:
    """Do one command; return what became of it and the agent's row since.

    Raises Refusal before anything is done, and StoreError.
    """
    takes = {
        "sign_in": ("agent", "seat", "queues"),
        "sign_out": ("agent", "reason"),
        "ready": ("agent",),
        "not_ready": ("agent", "reason"),
    }
    if name not in takes:
        raise Refusal("unknown_command", f"there is no command {name[:40]!r}; there are {', '.join(takes)}")
    for key in args:
        if key not in takes[name]:
            raise Refusal("unknown_argument", f"{name} takes {', '.join(takes[name])}, not {key[:40]!r}")
    agent = _agent(hall.policy, _text(name, args, "agent"))
    if name == "sign_in":
        seat = _seat(hall.policy, agent, _text(name, args, "seat"))
        step = await hall.sign_in(agent, seat, _queues(hall.policy, agent, args.get("queues")))
    elif name == "sign_out":
        step = await hall.sign_out(agent, _text(name, args, "reason"))
    elif name == "ready":
        step = await hall.ready(agent)
    else:
        step = await hall.not_ready(agent, _text(name, args, "reason"))
    row = next((change.agent for change in reversed(step.changes) if change.agent), None)
    return step, row or Agent(agent, SIGNED_OUT)


def _text(name: str, args: Mapping[str, Any], key: str) -> str:
    value = args.get(key)
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > 40 or not value.isprintable():
        raise Refusal("wrong_argument", f"{name}: {key} is a text of at most 40 letters")
    return value


def _agent(policy: Policy, agent: str) -> str:
    if not agent:
        raise Refusal("unknown_agent", "which agent? name one of the city's agents.yaml")
    if agent not in policy.agents:
        raise Refusal("unknown_agent", f"agent {agent} is not in the city's agents.yaml")
    return agent


def _seat(policy: Policy, agent: str, seat: str) -> str:
    if not seat and agent not in policy.seats:
        raise Refusal(
            "unknown_seat", f"agent {agent} has no seat of the same number; name the seat to sit at"
        )
    if seat and seat not in policy.seats:
        raise Refusal("unknown_seat", f"seat {seat} is not among the seats of the city's agents.yaml")
    return seat or agent


def _queues(policy: Policy, agent: str, queues: object) -> tuple[str, ...]:
    own = policy.agents[agent]
    if queues is None:
        return own
    if not isinstance(queues, list) or not queues or not all(isinstance(queue, str) for queue in queues):
        raise Refusal(
            "wrong_argument", "sign_in: queues is a list of names; leave it out for all of the agent's"
        )
    for queue in queues:
        if queue not in own:
            raise Refusal(
                "unknown_queue",
                f"agent {agent} does not serve queue {queue[:40]}; it may be {', '.join(own)}",
            )
    return tuple(dict.fromkeys(queues))
