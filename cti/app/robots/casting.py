"""Which line and which agent a demo call takes, so that it disturbs nobody. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from acd.rows import ENDED, READY, SIGNED_OUT, Snapshot
from config import City
from config.schema.hotline import Hotline
from cti.app.sipp.booking import is_rehearsal

FIRST_CHOICE = "12319"
"""The line that the demo's conversation was written for."""


class NoCast(Exception):
    """The demo can not be played now; the text says why and what would help."""


@dataclass(frozen=True, slots=True)
class Cast:
    """Who plays. `agents` are the ids, equal to their seats, that may be tried in this order."""

    hotline: Hotline
    number: str
    agents: tuple[str, ...]
    notes: tuple[str, ...] = ()
    """What a person should know about the choice."""


def cast(city: City, now: Snapshot, phones: frozenset[str], number: str = "") -> Cast:
    """Choose line and agents; `phones` are the seats whose telephone is registered. Raises NoCast.

    A line that real agents or citizens use is left to them and a rehearsal line taken, unless `number` was
    asked for.
    """
    if number:
        wanted = _line(city, number)
        disturbed = _in_use(wanted, now)
        notes = (f"{disturbed}: the call may ring a real agent",) if disturbed else ()
        return _cast(city, now, phones, wanted, number, notes)
    usual = next((line for line in city.hotlines if FIRST_CHOICE in line.numbers), None)
    usual = usual or next((line for line in city.hotlines if not is_rehearsal(line)), city.hotlines[0])
    first = FIRST_CHOICE if FIRST_CHOICE in usual.numbers else usual.numbers[0]
    disturbed = _in_use(usual, now)
    if not disturbed:
        return _cast(city, now, phones, usual, first, ())
    for line in city.hotlines:
        if is_rehearsal(line) and not _in_use(line, now):
            number = line.numbers[0]
            note = (
                f"{disturbed}: so as not to disturb anybody the call takes {number} {line.name}, not {first}"
            )
            return _cast(city, now, phones, line, number, (note,))
    raise NoCast(f"{disturbed}, and no rehearsal line is free; try again, or ask for it: yht demo {first}")


def _line(city: City, number: str) -> Hotline:
    found = next((line for line in city.hotlines if number in line.numbers), None)
    if found is None:
        raise NoCast(f"no hotline of {city.platform.city} has the number {number}; see: yht line list")
    return found


def _in_use(line: Hotline, now: Snapshot) -> str:
    """Return who would be disturbed by a call on a line, "" if nobody would."""
    ready = [agent.id for agent in now.agents if agent.state == READY and line.queue in agent.queues]
    if ready:
        return f"agent {', '.join(sorted(ready))} is ready on queue {line.queue}"
    if any(call.queue == line.queue and call.state != ENDED for call in now.calls):
        return f"citizens are in queue {line.queue}"
    return ""


def _cast(
    city: City, now: Snapshot, phones: frozenset[str], line: Hotline, number: str, notes: tuple[str, ...]
) -> Cast:
    here = {agent.id for agent in now.agents if agent.state != SIGNED_OUT}
    seated = {agent.seat for agent in now.agents if agent.state != SIGNED_OUT}
    seats = {seat.ext for seat in city.seats if seat.contact is None}
    serving = [agent.id for agent in city.agents if line.queue in agent.queues and agent.id in seats]
    free = tuple(agent for agent in serving if agent not in here | seated | phones)
    if not free:
        raise NoCast(
            f"each of the {len(serving)} seats of queue {line.queue} is in use; "
            "the demo needs one where nobody is signed in and no telephone is registered"
        )
    return Cast(line, number, free, notes)
