"""What differs between two cities, said so that a person can check it before and after. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from pydantic import BaseModel

from config.city import City
from config.problems import Problem

RESTART: Final = ("node", "sip", "ami", "agi", "http", "redis", "database", "recordings", "speech")
"""Settings of platform.yaml that processes take at their start only."""

_KINDS: Final = {
    "hotline": "hotlines",
    "batch": "batches",
    "queue": "queues",
    "agent": "agents",
    "seat": "seats",
    "trunk": "trunks",
    "unit": "units",
}
"""Kinds of things, and the city's field that has them."""


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is not what it was; `place` is "file:line" of what is new, "" where it is gone."""

    kind: str
    id: str
    how: Literal["added", "removed", "changed"]
    fields: tuple[str, ...] = ()
    place: str = ""

    def __str__(self) -> str:
        what = f"{self.how}: {', '.join(self.fields)}" if self.fields else self.how
        return f"{self.kind} {self.id} {what}" + (f" ({self.place})" if self.place else "")


def changes(before: City, after: City) -> tuple[Change, ...]:
    """Return every difference, kind by kind; the order of things counts for nothing."""
    return (
        *_platform(before, after),
        *_cases(before, after),
        *(change for kind in _KINDS for change in _of_kind(kind, before, after)),
        *_between("prompt", before.prompts, after.prompts, after),
        *_between(
            "demo", {line.id: line for line in before.demo}, {line.id: line for line in after.demo}, after
        ),
    )


def need_restart(before: City, after: City) -> tuple[Problem, ...]:
    """Return the settings that differ and that no running process can take, each with what to do."""
    return tuple(
        Problem(*_file_and_line(after.places.get(f"platform.{name}", "platform.yaml:0")), name, what, remedy)
        for name in RESTART
        if getattr(before.platform, name) != getattr(after.platform, name)
        for what, remedy in [
            (
                "takes effect by a restart only",
                "put it back to apply the rest, or restart when no calls are up: yht down, yht up",
            )
        ]
    )


def _file_and_line(place: str) -> tuple[str, int]:
    file, _, line = place.rpartition(":")
    return file, int(line)


def _platform(before: City, after: City) -> Iterator[Change]:
    for name in _fields(before.platform, after.platform):
        yield Change("setting", name, "changed", place=after.places.get(f"platform.{name}", ""))


def _cases(before: City, after: City) -> Iterator[Change]:
    for name in _fields(before.cases, after.cases):
        place = after.places.get(f"cases.{name}", "")
        yield Change("setting", f"cases.{name}", "changed", place=place)


def _of_kind(kind: str, before: City, after: City) -> Iterator[Change]:
    return _between(kind, _by_id(kind, before), _by_id(kind, after), after)


def _by_id(kind: str, city: City) -> dict[str, BaseModel]:
    found: Iterable[BaseModel] = getattr(city, _KINDS[kind])
    return {str(getattr(entry, "ext" if kind == "seat" else "id")): entry for entry in found}


def _between(
    kind: str, before: Mapping[str, BaseModel], after: Mapping[str, BaseModel], city: City
) -> Iterator[Change]:
    for name in sorted(before.keys() | after.keys()):
        place = city.places.get(f"{kind}.{name}", "")
        if name not in before:
            yield Change(kind, name, "added", place=place)
        elif name not in after:
            yield Change(kind, name, "removed")
        elif fields := _fields(before[name], after[name]):
            yield Change(kind, name, "changed", fields, place)


def _fields(before: BaseModel, after: BaseModel) -> tuple[str, ...]:
    return tuple(
        info.alias or name
        for name, info in type(after).model_fields.items()
        if getattr(before, name) != getattr(after, name)
    )
