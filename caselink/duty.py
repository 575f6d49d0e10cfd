"""Whom a unit's telephone reaches: the duty roster at a moment, and who holds a post, up the tree of units. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from config.schema.hours import Span
from config.schema.people import Unit
from config.schema.units import ContactRole, Person, Turn


class Days(Protocol):
    """Knows the days of China (ivr.calendar.Calendar)."""

    def is_workday(self, day: date) -> bool:
        """Tell whether a day is worked."""

    def covers(self, span: Span, day: date, yesterday: date, minute: int) -> bool:
        """Tell whether a minute of a day lies in a span, which may have begun the day before."""


def upward(units: Mapping[str, Unit], unit: str) -> Iterator[Unit]:
    """Yield a unit and those above it; nothing for a unit that is no more."""
    found = units.get(unit)
    while found is not None:
        yield found
        found = units.get(found.parent) if found.parent else None


def on_duty(
    units: Mapping[str, Unit], unit: str, at: int, zone: ZoneInfo, days: Days
) -> tuple[Unit, Turn] | None:
    """Return who is on duty for a unit at a moment (µs), and of which unit; None where no roster says."""
    local = datetime.fromtimestamp(at // 1_000_000, UTC).astimezone(zone)
    today, minute = local.date(), local.hour * 60 + local.minute
    for one in upward(units, unit):
        for turn in one.duty:
            if days.covers(turn, today, today - timedelta(days=1), minute):
                return one, turn
    return None


def holder(units: Mapping[str, Unit], unit: str, role: ContactRole) -> tuple[Unit, Person] | None:
    """Return who holds a post for a unit, and of which unit; None where nobody above it does either."""
    for one in upward(units, unit):
        for person in one.contacts:
            if person.role == role:
                return one, person
    return None
