"""What must hold between departments, and between them and how cases are worked on."""

from __future__ import annotations

from collections.abc import Sequence

from config.lines import refer
from config.schema.cases import Cases
from config.schema.hours import minutes
from config.schema.people import Unit
from config.source import Document, Inside

LEVELS = 3


def check_units(document: Document, units: Sequence[Unit]) -> None:
    """Note what is wrong with the tree: a parent stands one level above, so it can never turn in a circle."""
    level = {unit.id: unit.level for unit in units}
    for number, unit in enumerate(units):
        inside: Inside = ("units", number)
        if unit.parent is not None:
            refer(document, (*inside, "parent"), unit.parent, list(level), "unit", "units.yaml")
            above = level.get(unit.parent)
            if above is not None and above != unit.level - 1:
                document.problem(
                    (*inside, "parent"),
                    f'"{unit.parent}" is on level {above} and "{unit.id}" on level {unit.level}',
                    f"a parent is one level above: write level: {above + 1}"
                    if above < LEVELS
                    else f"there are {LEVELS} levels: name a parent on level 1 or 2",
                )
        elif unit.level > 1:
            document.problem(
                (*inside, "level"),
                f'"{unit.id}" is on level {unit.level} and belongs to nobody',
                "add parent: the unit above it, or write level: 1",
            )
        for position, turn in enumerate(unit.duty):
            if turn.start == turn.end:
                document.problem(
                    (*inside, "duty", position),
                    f"begins and ends at {turn.start}",
                    "write a later end, or 00:00 to 24:00 for the whole day",
                )


def check_cases(
    document: Document, cases: Cases, units: Sequence[str] | None, hotlines: Sequence[str]
) -> None:
    """Note what is wrong with cases.yaml. `units` is None where units.yaml could not be read."""
    for name in ("fallback_unit", "city_office", "supervision_office"):
        refer(document, (name,), getattr(cases, name), units, "unit", "units.yaml")
    for number, rule in enumerate(cases.limits):
        for position, hotline in enumerate(rule.hotlines):
            inside: Inside = ("limits", number, "hotlines", position)
            if inside not in document.lines:
                inside = inside[:-1]
            refer(document, inside, hotline, hotlines, "hotline", "hotlines/")
        limits = ("dispatch", "acknowledge", "reply", "extension", "review", "follow_up", "supervise")
        for name in limits:
            if (getattr(rule, name) or "").startswith("0"):
                document.problem(
                    ("limits", number, name),
                    "is no time at all",
                    "write a number from 1 on, without a 0 before it",
                )
        if all(getattr(rule, name) is None for name in limits):
            document.problem(("limits", number), "gives no limit", f"name one of {', '.join(limits)}")
    last = -1
    for number, hours in enumerate(cases.work_hours):
        start, end = minutes(hours.start), minutes(hours.end)
        if start >= end or start < last:
            document.problem(
                ("work_hours", number),
                f"{hours.start} to {hours.end} does not follow what is before it",
                "write stretches of one day, each after the one before, that end later than they begin",
            )
        last = max(last, end)
