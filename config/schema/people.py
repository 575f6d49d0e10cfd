"""Who answers and over what: units, queues, agents, seats, trunks."""

from typing import Annotated

from pydantic import Field

from config.schema.base import Extension, Host, Id, Model, Text

Level = Annotated[int, Field(ge=1, le=10)]


class Unit(Model):
    """A department that owns a hotline or handles cases."""

    id: Id
    name: Text


class Queue(Model):
    """Citizens who wait for the same group of agents."""

    id: Id
    name: Text
    name_en: str = ""
    wrap_up_seconds: Annotated[int, Field(ge=0, le=3600)] = 10
    max_wait_seconds: Annotated[int, Field(ge=10, le=7200)] = 1800
    music: Annotated[str, Field(pattern=r"^[a-z0-9_-]{1,40}$")] = "default"
    priority: Annotated[int, Field(ge=0, le=99)] = 0
    """What a hotline's calls get when the hotline names no priority; higher is served first."""


class Agent(Model):
    """A person who answers; the id is the 工号."""

    id: Extension
    name: Text
    queues: Annotated[tuple[Id, ...], Field(min_length=1)]
    skills: dict[Id, Level] = Field(default_factory=dict)


class Seat(Model):
    """A telephone that an agent sits at; an agent signs in at the seat of the same number by default."""

    ext: Extension
    name: str = ""
    contact: Annotated[str | None, Field(pattern=r"^sips?:[^\s;,<>]+$", max_length=200)] = None
    """A fixed SIP address instead of registration; for rehearsal and measurement only."""
    pool: Id = "hall"


class Trunk(Model):
    """A carrier's line into the platform, known by the addresses it sends from."""

    id: Id
    name: Text
    match: Annotated[tuple[Host, ...], Field(min_length=1)]
    channels: Annotated[int, Field(ge=1, le=10_000)] = 30
    max_calls_per_second: Annotated[int, Field(ge=1, le=1000)] = 10


class Queues(Model):
    """queues.yaml."""

    queues: Annotated[tuple[Queue, ...], Field(min_length=1)]


class Agents(Model):
    """agents.yaml."""

    agents: tuple[Agent, ...] = ()
    seats: tuple[Seat, ...] = ()


class Trunks(Model):
    """trunks.yaml."""

    trunks: tuple[Trunk, ...] = ()


class Units(Model):
    """units.yaml."""

    units: tuple[Unit, ...] = ()
