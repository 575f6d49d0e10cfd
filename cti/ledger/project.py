"""What the facts of one call come to: the values of its `call` row and of its `leg` rows. Pure.

The rows are computed anew from all facts of the call, sorted by time, so neither the order in which facts were
told nor how often they were told matters.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Final, Literal

from cti import widths
from cti.facts import Fact
from cti.signals import node_of, seat_of

Outcome = Literal[
    "", "answered", "forwarded", "abandoned", "hung_up", "prompt", "rejected", "callback", "lost"
]
"""What became of a call that has ended; "" while it goes on.

answered: an agent talked with the citizen, and not too shortly to count. forwarded: somebody outside was reached,
the owner's agents or a duty phone. abandoned: the citizen waited and hung up. hung_up: the citizen hung up before
waiting. prompt: the plan was to say something and end (an unknown number), or to forward, and nobody was
reached. rejected: a caller or trunk over its limits. callback: no engine and no seat answered, the number was
taken. lost: Asterisk ended under the call.
"""

KINDS: Final = frozenset(
    {
        "call_arrived",
        "hotline_resolved",
        "forward_ended",
        "queued",
        "answered",
        "recording_started",
        "leg_started",
        "leg_answered",
        "leg_ended",
        "talk_started",
        "talk_ended",
        "fallback_entered",
        "call_ended",
    }
)
"""The kinds of facts that rows are made of; a fact of another kind changes none."""

_CITIZENS: Final = frozenset({"call_arrived", "hotline_resolved", "queued", "answered", "fallback_entered"})
"""Kinds that only a citizen's call has; a seat that dials has legs and no call."""


@dataclass(frozen=True, slots=True)
class Leg:
    """The values of one `leg` row; None where no fact has told yet."""

    leg: str
    call_id: str
    channel: str
    seat: str
    started_at: int | None
    answered_at: int | None
    ended_at: int | None
    cause: int | None


@dataclass(frozen=True, slots=True)
class Call:
    """The values of one `call` row."""

    call_id: str
    node: str
    dialed_number: str
    caller_number: str
    hotline: str
    queue: str
    arrived_at: int
    queued_at: int | None
    answered_at: int | None
    ended_at: int | None
    agent: str
    seat: str
    outcome: Outcome
    wait_ms: int | None
    talk_ms: int
    folder: str


@dataclass(frozen=True, slots=True)
class _Answer:
    at: int
    agent: str
    seat: str


def ordered(facts: Iterable[Fact]) -> list[Fact]:
    """Return the facts in the order of time, each once."""
    once = {fact.fact_id: fact for fact in facts}
    return sorted(once.values(), key=attrgetter("at", "fact_id"))


def call(facts: Iterable[Fact]) -> Call | None:
    """Return the call that these facts of one call tell of; None if they are no citizen's."""
    return call_of([fact for fact in ordered(facts) if fact.kind in KINDS])


def call_of(told: Sequence[Fact]) -> Call | None:
    """The same of facts that are `ordered` and of `KINDS` already."""
    if not any(fact.kind in _CITIZENS for fact in told):
        return None
    end = next((fact for fact in told if fact.kind == "call_ended"), None)
    ended_at = end.at if end else None
    answer = _first_that_held(told)
    queued_at = _queued_at(told)
    waited_until = answer.at if answer else ended_at
    return Call(
        call_id=told[0].call_id,
        node=node_of(told[0].call_id)[: widths.NODE],
        dialed_number=_first(told, "call_arrived", "dialed_number", widths.NUMBER),
        caller_number=_first(told, "call_arrived", "caller_number", widths.NUMBER),
        hotline=_first(told, "hotline_resolved", "hotline", widths.NAME),
        queue=_last(told, "queued", "queue") or _last(told, "hotline_resolved", "queue"),
        arrived_at=next((fact.at for fact in told if fact.kind == "call_arrived"), told[0].at),
        queued_at=queued_at,
        answered_at=answer.at if answer else None,
        ended_at=ended_at,
        agent=answer.agent if answer else "",
        seat=answer.seat if answer else "",
        outcome=_outcome(told, end, answer, queued_at),
        wait_ms=None if queued_at is None or waited_until is None else _ms(queued_at, waited_until),
        talk_ms=_talk_ms(told, ended_at),
        folder=_first(told, "recording_started", "folder", widths.FOLDER),
    )


def legs(facts: Iterable[Fact]) -> tuple[Leg, ...]:
    """Return the legs that these facts of one call tell of, in the order in which they are first heard of."""
    return legs_of(ordered(facts))


def legs_of(told: Sequence[Fact]) -> tuple[Leg, ...]:
    """The same of facts that are `ordered` already."""
    by_leg: dict[str, list[Fact]] = {}
    for fact in told:
        if fact.kind in ("leg_started", "leg_answered", "leg_ended") and fact.leg:
            by_leg.setdefault(fact.leg, []).append(fact)
    return tuple(_leg(name, mine) for name, mine in by_leg.items())


def _leg(name: str, told: Sequence[Fact]) -> Leg:
    at = {fact.kind: fact.at for fact in reversed(told)}
    cause = next((fact.data.get("cause") for fact in told if fact.kind == "leg_ended"), None)
    return Leg(
        leg=name,
        call_id=told[0].call_id,
        channel=_text(told[0].data["channel"], widths.NAME),
        seat=_text(told[0].data.get("seat"), widths.NAME),
        started_at=at.get("leg_started"),
        answered_at=at.get("leg_answered"),
        ended_at=at.get("leg_ended"),
        cause=cause if type(cause) is int and abs(cause) < 1000 else None,
    )


def _first_that_held(told: Sequence[Fact]) -> _Answer | None:
    """The first agent after whose talk the citizen was not put back to wait, being cut off too early.

    In the static queue no agent is known, and the talk itself is the answer.
    """
    found: _Answer | None = None
    for fact in told:
        if fact.kind == "answered" and found is None:
            data = fact.data
            most = widths.NAME
            found = _Answer(fact.at, _text(data["agent"], most), _text(data["seat"], most))
        elif fact.kind == "queued" and fact.data["returned"]:
            # Back with a place in the queue: whoever answered until now did not keep the citizen.
            found = None
        elif fact.kind == "talk_started" and found is None and _in_fallback(told, fact.at):
            seat = fact.data.get("seat") or seat_of(str(fact.data["peer"]).partition(",")[0])
            found = _Answer(fact.at, "", _text(seat, widths.NAME))
    return found


def _in_fallback(told: Sequence[Fact], at: int) -> bool:
    return any(fact.kind == "fallback_entered" and fact.at <= at for fact in told)


def _queued_at(told: Sequence[Fact]) -> int | None:
    places = [fact.data["queued_at"] for fact in told if fact.kind == "queued"]
    whole = [place for place in places if type(place) is int and 0 < place < 2**63]
    if whole:
        return min(whole)
    return next((fact.at for fact in told if fact.kind == "fallback_entered"), None)


def _outcome(
    told: Sequence[Fact], end: Fact | None, answer: _Answer | None, queued_at: int | None
) -> Outcome:
    if end is None:
        return ""
    if answer is not None:
        return "answered"
    if any(fact.kind == "fallback_entered" and fact.data["step"] == "callback" for fact in told):
        return "callback"
    if end.data.get("lost") is True:
        return "lost"
    if any(fact.kind == "forward_ended" and fact.data["status"] == "ANSWER" for fact in told):
        return "forwarded"
    if queued_at is not None:
        return "abandoned"
    plan = next((fact.data["plan"] for fact in told if fact.kind == "hotline_resolved"), "")
    if plan == "reject":
        return "rejected"
    if plan == "forward":
        # Whom nobody was reached for heard a prompt; who hung up while it rang did not.
        ends = [fact.data["status"] for fact in told if fact.kind == "forward_ended"]
        failed = any(status not in ("", "CANCEL") for status in ends)
        return "prompt" if failed else "hung_up"
    return "hung_up" if plan in ("", "queue") else "prompt"


def _talk_ms(told: Sequence[Fact], ended_at: int | None) -> int:
    """How long anybody talked: per bridge from the second who came to the last but one who left.

    A talk whose end nobody told (Asterisk was killed) ends with the call; one that goes on does not count yet.
    """
    begun: dict[str, int] = {}
    left: dict[str, int] = {}
    for fact in told:
        bridge = str(fact.data.get("bridge") or "")
        if fact.kind == "talk_started":
            begun.setdefault(bridge, fact.at)
        elif fact.kind == "talk_ended":
            left[bridge] = fact.at
    total = 0
    for bridge, start in begun.items():
        stop = left.get(bridge, ended_at)
        total += _ms(start, stop) if stop is not None else 0
    return total


def _ms(start: int, stop: int) -> int:
    return max(0, stop - start) // 1000


def _first(told: Sequence[Fact], kind: str, name: str, most: int) -> str:
    return next((_text(fact.data[name], most) for fact in told if fact.kind == kind), "")


def _last(told: Sequence[Fact], kind: str, name: str) -> str:
    return next((_text(fact.data[name], widths.NAME) for fact in reversed(told) if fact.kind == kind), "")


def _text(value: object, most: int) -> str:
    return value[:most] if isinstance(value, str) else ""
