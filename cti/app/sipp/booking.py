"""Which lines and agents a scenario may have for itself, so that it disturbs nobody. Pure.

A rehearsal line is a hotline whose id begins with "rehearsal" and whose queue only rehearsal agents serve. A
line of the city's own is used only while nobody is signed in on its queue and nobody waits in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from acd.rows import ENDED, Snapshot
from config import City
from config.schema.hotline import Hotline
from config.schema.people import Agent
from cti.app.sipp.model import REHEARSAL, Scenario


class NotNow(Exception):
    """The city is using what the scenario needs; the text says who."""


class NotHere(Exception):
    """This city has not what the scenario needs; the text says what."""


class Taken(Exception):
    """Another scenario has it and will give it back."""


@dataclass(frozen=True, slots=True)
class Booking:
    """What one run has: its lines in order, the agent of each actor that needs one, all queues it touches."""

    lines: tuple[Hotline, ...] = ()
    agents: Mapping[str, str] = field(default_factory=dict)
    queues: frozenset[str] = frozenset()


def book(
    scenario: Scenario, city: City, now: Snapshot, phones: frozenset[str], taken: frozenset[str]
) -> Booking:
    """Choose lines and agents. `phones` are the seats whose telephone is registered, `taken` other runs' queues.

    Raises NotHere, NotNow or Taken.
    """
    lines = tuple(
        _rehearsal(city, now, taken) if line == REHEARSAL else _own(line, city, now, taken)
        for line in scenario.lines
    )
    actors = [name for name, actor in scenario.actors.items() if actor.role != "citizen"]
    if not actors:
        return Booking(lines, {}, frozenset(line.queue for line in lines))
    queue = lines[0].queue
    free = [agent for agent in _agents(city, queue, phones) if not _in_use(agent.queues, now)]
    if len(free) < len(actors):
        raise NotNow(
            f"{len(actors)} free seats are needed in queue {queue}, {len(free)} are free: signed out, with no "
            "telephone registered, and an agent of the same number"
        )
    chosen = sorted(free, key=lambda agent: (len(agent.queues), agent.id))[: len(actors)]
    queues = frozenset(line.queue for line in lines).union(*(agent.queues for agent in chosen))
    if queues & taken:
        raise Taken
    return Booking(lines, {actor: agent.id for actor, agent in zip(actors, chosen, strict=True)}, queues)


def is_rehearsal(hotline: Hotline) -> bool:
    """Tell whether a hotline is there for scenarios."""
    return hotline.id.startswith(REHEARSAL)


def _rehearsal(city: City, now: Snapshot, taken: frozenset[str]) -> Hotline:
    lines = [hotline for hotline in city.hotlines if is_rehearsal(hotline)]
    if not lines:
        raise NotHere("this city has no rehearsal line; copy those of the sample city (docs/sipp.md)")
    why = ""
    for hotline in lines:
        if hotline.queue in taken:
            continue
        why = _in_use((hotline.queue,), now)
        if not why:
            return hotline
    if any(hotline.queue in taken for hotline in lines):
        raise Taken
    raise NotNow(why)


def _own(number: str, city: City, now: Snapshot, taken: frozenset[str]) -> Hotline:
    hotline = next((hotline for hotline in city.hotlines if number in hotline.numbers), None)
    if hotline is None:
        raise NotHere(f"this city has no hotline with the number {number}")
    if hotline.queue in taken:
        raise Taken
    if why := _in_use((hotline.queue,), now):
        raise NotNow(why)
    return hotline


def _in_use(queues: tuple[str, ...], now: Snapshot) -> str:
    """Return who uses one of the queues, "" if nobody does."""
    for agent in now.agents:
        if common := set(queues) & set(agent.queues):
            return f"in use: agent {agent.id} is signed in on queue {min(common)}"
    for call in now.calls:
        if call.queue in queues and call.state != ENDED:
            return f"in use: a call is in queue {call.queue}"
    return ""


def _agents(city: City, queue: str, phones: frozenset[str]) -> list[Agent]:
    seats = {seat.ext for seat in city.seats if seat.contact is None} - phones
    return [agent for agent in city.agents if queue in agent.queues and agent.id in seats]
