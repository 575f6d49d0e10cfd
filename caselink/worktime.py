"""Time as a limit counts it: minutes, hours and days, of the calendar or of working time. Pure.

Days are counted as the Civil Code of China does: the day on which a limit begins is not counted (article 201), and
it ends with the last day, for working days with that day's working time (article 203). Minutes and hours run from
the moment itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

US: Final = 1_000_000
_UNITS: Final = {"minute": 60 * US, "hour": 3600 * US}
_WRITTEN: Final = re.compile(r"([0-9]{1,4}) (working )?(minute|hour|day)s?")
_MOST_DAYS: Final = 20_000
"""How far working time is looked for before it is taken for none at all; more than 9999 working days take."""


class WorkTimeError(ValueError):
    """No such time: it is not written right, or there is no working time to count in."""


@dataclass(frozen=True, slots=True)
class Duration:
    """So many minutes, hours or days, of the calendar or of working time."""

    amount: int
    unit: Literal["minute", "hour", "day"]
    is_working: bool

    def __str__(self) -> str:
        working = "working " if self.is_working else ""
        return f"{self.amount} {working}{self.unit}{'' if self.amount == 1 else 's'}"


def duration(text: str) -> Duration:
    """Read "5 working days". Raises WorkTimeError."""
    found = _WRITTEN.fullmatch(text)
    if found is None:
        raise WorkTimeError(f"{text[:40]!r} is no length of time; write such as 5 working days")
    return Duration(int(found[1]), found[3], found[2] is not None)  # type: ignore[arg-type]


class WorkClock:
    """Working time of one city. Moments are µs since the epoch.

    `hours` are stretches of a workday in minutes since midnight, one after the other; `is_workday` tells which
    days are worked (ivr.calendar.Calendar knows holidays and make-up days).
    """

    def __init__(
        self, zone: ZoneInfo, is_workday: Callable[[date], bool], hours: Sequence[tuple[int, int]]
    ) -> None:
        self._zone = zone
        self._is_workday = is_workday
        self._hours = tuple(hours)

    def after(self, start: int, length: Duration) -> int:
        """Return the moment at which a limit that begins at `start` is over."""
        if length.amount == 0:
            return start
        if length.unit == "day":
            return self._end_of_day(start, length)
        span = length.amount * _UNITS[length.unit]
        return self.worked_after(start, span) if length.is_working else start + span

    def worked_after(self, start: int, span: int) -> int:
        """Return the moment at which `span` µs of working time have passed since `start`."""
        left = span
        for begin, end in self._stretches(start):
            if left <= end - begin:
                return begin + left
            left -= end - begin
        raise WorkTimeError("there is no working time")

    def worked(self, start: int, end: int) -> int:
        """Return how much working time (µs) lies between two moments."""
        total = 0
        for begin, finish in self._stretches(start):
            if begin >= end:
                break
            total += min(finish, end) - begin
        return total

    def _end_of_day(self, start: int, length: Duration) -> int:
        day = self._local(start)
        if not length.is_working:
            return self._moment(day + timedelta(days=length.amount), 24 * 60)
        left = length.amount
        for ahead in range(1, _MOST_DAYS):
            later = day + timedelta(days=ahead)
            left -= self._is_workday(later)
            if not left:
                return self._moment(later, self._hours[-1][1])
        raise WorkTimeError("there is no workday")

    def _stretches(self, start: int) -> Iterator[tuple[int, int]]:
        """Yield what is left of working time from `start` on."""
        first = self._local(start)
        for ahead in range(_MOST_DAYS):
            day = first + timedelta(days=ahead)
            if not self._is_workday(day):
                continue
            for begins, ends in self._hours:
                begin, end = self._moment(day, begins), self._moment(day, ends)
                if end > start:
                    yield max(begin, start), end

    def _local(self, at: int) -> date:
        return datetime.fromtimestamp(at // US, UTC).astimezone(self._zone).date()

    def _moment(self, day: date, minute: int) -> int:
        days, rest = divmod(minute, 24 * 60)
        local = datetime.combine(day + timedelta(days=days), time(rest // 60, rest % 60), self._zone)
        return int(local.timestamp()) * US
