"""What the facts of one call say about the contact behind a case. Pure; the order of the facts is no matter."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from cti import widths
from cti.facts import Fact

KINDS: Final = frozenset({"call_arrived", "hotline_resolved", "answered", "fallback_entered", "talk_started"})
"""The kinds of facts that a case is made of."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One agent who took the call; `at` in microseconds since the epoch, `fact_id` names the fact that says so.

    Where the static queue of a platform without engines found the agent, only the seat is known.
    """

    fact_id: str
    at: int
    agent: str
    seat: str
    offer: str


@dataclass(frozen=True, slots=True)
class Contact:
    """One call as a case needs to know it; "" where no fact has told yet. `answers` are in the order of time."""

    call_id: str
    dialed_number: str = ""
    caller_number: str = ""
    hotline: str = ""
    answers: tuple[Answer, ...] = ()


def contact(call_id: str, facts: Iterable[Fact]) -> Contact:
    """Return what the facts say of one call; those of other calls and a fact told twice do not count."""
    mine = {fact.fact_id: fact for fact in facts if fact.call_id == call_id and fact.kind in KINDS}
    ordered = sorted(mine.values(), key=lambda fact: (fact.at, fact.fact_id))

    def first(kind: str, name: str) -> str:
        return next((clean(fact.data[name]) for fact in ordered if fact.kind == kind), "")

    return Contact(
        call_id,
        dialed_number=first("call_arrived", "dialed_number"),
        caller_number=first("call_arrived", "caller_number"),
        hotline=first("hotline_resolved", "hotline"),
        answers=tuple(_answers(ordered)),
    )


def _answers(ordered: list[Fact]) -> Iterator[Answer]:
    # No engine tells who answers in the static queue; there the talk itself is the answer, once a seat.
    fallback_at = next((fact.at for fact in ordered if fact.kind == "fallback_entered"), None)
    heard: set[str] = set()
    for fact in ordered:
        if fact.kind == "answered":
            data = fact.data
            yield Answer(
                fact.fact_id, fact.at, clean(data["agent"]), clean(data["seat"]), clean(data["offer"])
            )
        elif fact.kind == "talk_started" and fallback_at is not None and fact.at >= fallback_at:
            seat = clean(fact.data.get("seat") or "")
            if seat not in heard:
                heard.add(seat)
                yield Answer(fact.fact_id, fact.at, "", seat, "")


def clean(value: object) -> str:
    """Return a text from a telephone network as a database and a screen can take it."""
    text = str(value)[:1000]
    if not text.isprintable():
        text = "".join(letter for letter in text if letter.isprintable())
    return text[: widths.NUMBER]
