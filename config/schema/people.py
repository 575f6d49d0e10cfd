"""Who answers and over what: units, queues, agents, seats, trunks."""

from typing import Annotated

from pydantic import Field

from config.schema.base import Extension, Id, Model, Text, written
from config.schema.units import Person, Turn

Contact = Annotated[
    str, Field(max_length=200), written(r"sips?:[^\s;,<>]+", "write it as sip:1001@127.0.0.3:5062")
]
Gateway = Annotated[str, written(r"sip:[0-9A-Za-z.\-]{1,253}(:[0-9]{1,5})?", "write it as sip:10.1.0.1:5060")]

Source = Annotated[
    str, written(r"[0-9A-Za-z:.\-]{1,253}(/[0-9]{1,3})?", "write an address such as 127.0.0.2 or 10.1.0.0/28")
]


class Unit(Model):
    """A department that owns a hotline or handles cases."""

    id: Id
    """The unit's short name."""
    name: Text
    """What the unit is called."""
    parent: Id | None = None
    """The id of the unit that it belongs to, one level above."""
    level: Annotated[int, Field(ge=1, le=3)] = 1
    """1 for the city's departments, districts and towns, 2 and 3 for what is below them."""
    contacts: tuple[Person, ...] = ()
    """Who is told of its cases."""
    duty: tuple[Turn, ...] = ()
    """The duty roster; the first turn that covers a moment is on duty, without one the parent's."""


class Queue(Model):
    """Citizens who wait for the same group of agents."""

    id: Id
    """The queue's short name."""
    name: Text
    """What the queue is called."""
    name_en: Annotated[str, Field(max_length=100)] = ""
    """Its name in English."""
    wrap_up_seconds: Annotated[int, Field(ge=0, le=3600)] = 10
    """How long an agent has for the case after each call."""
    priority: Annotated[int, Field(ge=0, le=99)] = 0
    """What a hotline's calls get when the hotline names no priority; higher is served first."""


class Agent(Model):
    """A person who answers; the id is the 工号."""

    id: Extension
    """The agent's number (工号), in quotes."""
    name: Text
    """What the agent is called."""
    queues: Annotated[tuple[Id, ...], Field(min_length=1)]
    """Ids of the queues in queues.yaml that the agent serves."""


class Seat(Model):
    """A telephone that an agent sits at; an agent signs in at the seat of the same number by default."""

    ext: Extension
    """The seat's extension, in quotes; its telephone registers under it."""
    name: Annotated[str, Field(max_length=100)] = ""
    """Where the seat is."""
    contact: Contact | None = None
    """A fixed SIP address instead of registration; for rehearsal and measurement only."""


class Trunk(Model):
    """A carrier's line into the platform, known by the addresses it sends from."""

    id: Id
    """The trunk's short name."""
    name: Text
    """What the trunk is called."""
    match: Annotated[tuple[Source, ...], Field(min_length=1)]
    """The addresses that the carrier sends from; nobody else is let in."""
    channels: Annotated[int, Field(ge=1, le=10_000)] = 30
    """How many calls it carries at once; one more is told that the line is busy."""
    contact: Gateway | None = None
    """Where calls out go, such as sip:10.1.0.1:5060; a trunk without it only brings calls in."""


class Queues(Model):
    """queues.yaml."""

    queues: Annotated[tuple[Queue, ...], Field(min_length=1)]
    """Every queue."""


class Agents(Model):
    """agents.yaml."""

    agents: tuple[Agent, ...] = ()
    """Every agent."""
    seats: tuple[Seat, ...] = ()
    """Every seat."""


class Trunks(Model):
    """trunks.yaml."""

    trunks: tuple[Trunk, ...] = ()
    """Every trunk."""


class Units(Model):
    """units.yaml."""

    units: tuple[Unit, ...] = ()
    """Every unit."""
