"""A city's whole configuration, checked: what every part of the platform reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from config.presets import whole
from config.schema.batch import Batch
from config.schema.cases import Cases
from config.schema.demo import Line
from config.schema.hotline import Hotline
from config.schema.people import Agent, Queue, Seat, Trunk, Unit
from config.schema.platform import Platform
from config.schema.prompts import Prompt


@dataclass(frozen=True)
class City:
    """One configuration, frozen. Made by `config.load`; every reference in it is known to resolve.

    `places` tells which line of which file says something: "hotline.12319.greeting" → "hotlines/12319.yaml:8".
    """

    platform: Platform
    hotlines: tuple[Hotline, ...]
    queues: tuple[Queue, ...]
    agents: tuple[Agent, ...]
    seats: tuple[Seat, ...]
    trunks: tuple[Trunk, ...]
    units: tuple[Unit, ...]
    prompts: Mapping[str, Prompt]
    batches: tuple[Batch, ...] = ()
    demo: tuple[Line, ...] = ()
    cases: Cases = field(default_factory=lambda: whole(Cases()))
    """With what its preset and the defaults add (`config.presets`)."""
    places: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def hotline(self) -> Mapping[str, Hotline]:
        """Hotlines by id."""
        return {hotline.id: hotline for hotline in self.hotlines}

    @cached_property
    def batch(self) -> Mapping[str, Batch]:
        """Batches by id."""
        return {batch.id: batch for batch in self.batches}

    @cached_property
    def queue(self) -> Mapping[str, Queue]:
        """Queues by id."""
        return {queue.id: queue for queue in self.queues}

    @cached_property
    def agent(self) -> Mapping[str, Agent]:
        """Agents by id."""
        return {agent.id: agent for agent in self.agents}

    @cached_property
    def unit(self) -> Mapping[str, Unit]:
        """Units by id."""
        return {unit.id: unit for unit in self.units}
