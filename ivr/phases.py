"""What a hotline does at a moment: its dates, its closures, its hours, its duty phones. Pure.

The first of these that holds decides: not in force yet, gone, transition over, office only, closed, closed by
its hours, open.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from config.schema.batch import Batch
from config.schema.hotline import Destination, Hotline
from ivr.calendar import Calendar

Reason = Literal[
    "",
    "not_yet_valid",
    "retired",
    "transition_over",
    "office",
    "nobody_on_duty",
    "closed",
    "off_hours",
]
"""Why a call does not go where the line's own calls go; "" if it does."""

NEVER = 2**62
"""Later than any moment, in µs."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Phase:
    """What holds: a queue, a telephone or only a prompt, and the field of the hotline that says so.

    `prompt` replaces the greeting where it is given. `notice` is said before it.
    """

    reason: Reason
    field: str
    queue: str = ""
    forward: Destination | None = None
    prompt: str | None = None
    notice: str | None = None


class Line:
    """One hotline, compiled: its dates as µs since the epoch, 0 where there is none."""

    def __init__(self, hotline: Hotline, city_zone: ZoneInfo, calendar: Calendar, not_yet: str) -> None:
        self.hotline = hotline
        self._zone = ZoneInfo(hotline.timezone) if hotline.timezone else city_zone
        self._calendar = calendar
        self._not_yet = not_yet
        self.opens_at = self._at(hotline.valid_from)
        self._transition_over_at = self._at(hotline.transition_until)
        self._gone_at = self._at(hotline.retire_at)
        self._closures = tuple(
            (self._at(closure.start), self._at(closure.end), number, closure.prompt)
            for number, closure in enumerate(hotline.closures)
        )
        self._open = self._answered()

    def opens_with(self, batch: Batch | None) -> int:
        """Return from when on (µs) a number of the line is in force; `NEVER` where its batch is not applied."""
        if batch is None:
            return self.opens_at
        return max(self.opens_at, self._at(batch.date)) if batch.applied else NEVER

    def _at(self, moment: datetime | None) -> int:
        return microseconds(moment, self._zone) if moment else 0

    def _answered(self) -> Phase:
        """Return what holds while nothing else does."""
        line = self.hotline
        forwards = line.merge_mode == "interconnect" or (
            line.merge_mode == "sub_center" and line.forward is not None
        )
        if forwards:
            return Phase("", "forward", forward=line.forward)
        return Phase("", "queue", queue=line.queue)

    def at(self, now: int, opens_at: int) -> Phase:
        """Return what holds at `now` for a number that is in force from `opens_at` on (µs)."""
        line = self.hotline
        if now < opens_at:
            if line.before is not None:
                return Phase("not_yet_valid", "before", forward=line.before)
            return Phase("not_yet_valid", "valid_from", prompt=self._not_yet)
        if line.merge_mode == "retired":
            return self._gone("merge_mode", now)
        if self._gone_at and now >= self._gone_at:
            return self._gone("retire_at", now)
        if self._transition_over_at and now >= self._transition_over_at:
            return Phase("transition_over", "transition_until", prompt=line.retired_prompt)
        if line.merge_mode == "office_only":
            return self._duty("office", now)
        closed = self._closed(now)
        if closed is not None:
            return closed
        if self._transition_over_at and line.transition_prompt:
            return Phase("", self._open.field, queue=line.queue, notice=line.transition_prompt)
        return self._open

    def _gone(self, field: str, now: int) -> Phase:
        line = self.hotline
        if line.after_retire == "forward":
            return Phase("retired", "after_retire", forward=line.forward)
        if line.after_retire == "office":
            return self._duty("retired", now)
        return Phase("retired", field, prompt=line.retired_prompt)

    def _duty(self, reason: Reason, now: int) -> Phase:
        today, yesterday, minute = self._local(now)
        for number, duty in enumerate(self.hotline.duty):
            if self._calendar.covers(duty, today, yesterday, minute):
                return Phase(reason, f"duty.{number}", forward=duty)
        off = self.hotline.off_hours
        said = off.prompt if off and off.prompt else self.hotline.retired_prompt
        return Phase("nobody_on_duty", "duty", prompt=said)

    def _closed(self, now: int) -> Phase | None:
        for start, end, number, prompt in self._closures:
            if start <= now < end:
                field = f"closures.{number}"
                if prompt is not None:
                    return Phase("closed", field, prompt=prompt)
                return self._off("closed", field, now)
        if self.hotline.hours:
            today, yesterday, minute = self._local(now)
            if not any(self._calendar.covers(span, today, yesterday, minute) for span in self.hotline.hours):
                return self._off("off_hours", "hours", now)
        return None

    def _off(self, reason: Reason, field: str, now: int) -> Phase:
        off = self.hotline.off_hours
        if off is None:  # the check of the city has seen to it
            return Phase(reason, field, prompt=self.hotline.retired_prompt)
        if off.then == "duty":
            return self._duty(reason, now)
        return Phase(reason, field, queue=off.queue or "", prompt=off.prompt)

    def _local(self, now: int) -> tuple[date, date, int]:
        local = datetime.fromtimestamp(now // 1_000_000, self._zone)
        today = local.date()
        return today, today - _DAY, local.hour * 60 + local.minute


def microseconds(moment: datetime, zone: ZoneInfo) -> int:
    """Return a moment as µs since the epoch; one without an offset is of `zone`."""
    local = moment if moment.tzinfo else moment.replace(tzinfo=zone)
    return (local - _EPOCH) // timedelta(microseconds=1)
