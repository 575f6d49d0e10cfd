"""Which days are worked in China: public holidays, make-up workdays (调休), and what the city adds. Pure."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

import chinese_calendar

from config.schema.hours import WEEKDAYS, Day, Span, minutes

SATURDAY = 5


class Calendar:
    """The city's days. A year that the State Council's notice is not known of has workdays from Monday to Friday."""

    def __init__(self, days_off: Collection[date] = (), workdays: Collection[date] = ()) -> None:
        self._days_off = frozenset(days_off)
        self._workdays = frozenset(workdays)

    def is_workday(self, day: date) -> bool:
        """Tell whether a day is worked."""
        if day in self._workdays:
            return True
        if day in self._days_off:
            return False
        try:
            return bool(chinese_calendar.is_workday(day))
        except NotImplementedError:
            return day.weekday() < SATURDAY

    def is_known(self, day: date) -> bool:
        """Tell whether the public holidays of the day's year are known."""
        try:
            chinese_calendar.is_workday(day)
        except NotImplementedError:
            return False
        return True

    def is_one_of(self, day: date, days: Collection[Day]) -> bool:
        """Tell whether a day is one of those named."""
        if "everyday" in days or WEEKDAYS[day.weekday()] in days:
            return True
        if "workday" in days or "day_off" in days:
            return ("workday" if self.is_workday(day) else "day_off") in days
        return False

    def covers(self, span: Span, day: date, yesterday: date, minute: int) -> bool:
        """Tell whether a minute of a day lies in a span, which may have begun the day before."""
        start, end = minutes(span.start), minutes(span.end)
        if start < end:
            return start <= minute < end and self.is_one_of(day, span.days)
        began_today = minute >= start and self.is_one_of(day, span.days)
        return began_today or (minute < end and self.is_one_of(yesterday, span.days))
