"""The names that begin with `$` in a scenario, and what they are in one run. Pure.

`$ring_ms`, `$ring_ms - 500`, `$call.citizen`: a name, for numbers with something added or taken away.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from cti.app.sipp.model import Scalar, Scenario

_REFERENCE = re.compile(
    r"\$(?P<name>[a-z_]+(?:\.[A-Za-z0-9_+-]+)?)(?: (?P<sign>[+-]) (?P<number>[0-9]{1,9}))?"
)

CITY = ("ring_ms", "announce_ms", "too_short_ms", "wrap_up_ms", "area_code", "after_no_answer")
"""Settings of the city; wrap_up_ms is that of the first line's queue."""
LINE = ("line.number", "line.hotline", "line.queue")
OF_ACTORS = {"call": "citizen", "caller": "citizen", "agent": "agent", "seat": "agent"}
"""`$call.<citizen>`, `$caller.<citizen>`, `$agent.<agent>`, `$seat.<agent>`."""
HOTLINE = "hotline."
"""`$hotline.<number>`: the id of the hotline that answers a number of the city."""


class UnknownName(ValueError):
    """A `$name` that the run knows nothing of; the text says which and what there is."""


def name_in(value: object) -> str:
    """Return the name that a value refers to, "" if it is a plain value. Raises UnknownName on a broken one."""
    if not isinstance(value, str) or not value.startswith("$"):
        return ""
    found = _REFERENCE.fullmatch(value)
    if found is None:
        raise UnknownName(f"{value!r} is no reference; write $name, $name.of or $name + 500")
    return found["name"]


def resolve(value: Scalar, values: Mapping[str, Scalar]) -> Scalar:
    """Return a value with its `$name` filled in. Raises UnknownName."""
    name = name_in(value)
    if not name:
        return value
    if name not in values:
        raise UnknownName(f"${name} is not known here; known are: {', '.join(sorted(values))}")
    found = _REFERENCE.fullmatch(str(value))
    known = values[name]
    if found is None or found["sign"] is None:
        return known
    if type(known) is not int:
        raise UnknownName(f"{value!r}: ${name} is {known!r}, nothing can be added to it")
    return known + int(found["sign"] + found["number"])


def references(value: Any) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Walk a model and yield the place and the text of each value that begins with `$`."""
    if isinstance(value, BaseModel):
        fields = {
            field.alias or name: getattr(value, name) for name, field in type(value).model_fields.items()
        }
        yield from references(fields)
    elif isinstance(value, dict):
        for key, inner in value.items():
            for place, text in references(inner):
                yield (key, *place), text
    elif isinstance(value, tuple):
        for index, inner in enumerate(value):
            for place, text in references(inner):
                yield (index, *place), text
    elif isinstance(value, str) and value.startswith("$"):
        yield (), value


def hotline_numbers(scenario: Scenario) -> frozenset[str]:
    """Return the numbers that the scenario needs the city to have."""
    names = (name_in(text) for _, text in references(scenario))
    return frozenset(name.removeprefix(HOTLINE) for name in names if name.startswith(HOTLINE))


def known(name: str, scenario: Scenario) -> bool:
    """Tell whether a scenario may use a name."""
    if name in CITY or name in LINE or name.startswith(HOTLINE):
        return True
    kind, _, actor = name.partition(".")
    return kind in OF_ACTORS and actor in scenario.named(OF_ACTORS[kind])
