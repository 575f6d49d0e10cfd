"""When a line is open and whose turn the duty phone is: days, times of day, closures."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from config.schema.base import Id, LocalTime, Model, as_list

Day = Literal["everyday", "workday", "day_off", "mon", "tue", "wed", "thu", "fri", "sat", "sun"]
"""`workday` and `day_off` follow the public holidays of China and their make-up workdays; `sat` is any Saturday."""

WEEKDAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def _time_of_day(value: str) -> str:
    hours, _, minutes = value.partition(":")
    right = len(value) == 5 and (hours + minutes).isdigit() and (hours + minutes).isascii()
    if not right or int(minutes) > 59 or not (int(hours) < 24 or value == "24:00"):
        raise ValueError(f'{value[:20]!r} is no time of day; write 00:00 to 24:00 in quotes, such as "08:30"')
    return value


TimeOfDay = Annotated[str, AfterValidator(_time_of_day)]


def minutes(time: str) -> int:
    """Return a time of day as minutes since midnight."""
    return int(time[:2]) * 60 + int(time[3:])


class Span(Model):
    """Hours of certain days. One that ends before it begins goes on into the next morning."""

    days: Annotated[tuple[Day, ...], BeforeValidator(as_list), Field(min_length=1, max_length=10)] = (
        "everyday",
    )
    """On which days it begins."""
    start: Annotated[TimeOfDay, Field(alias="from")] = "00:00"
    """When it begins."""
    end: Annotated[TimeOfDay, Field(alias="to")] = "24:00"
    """When it is over."""

    @property
    def is_always(self) -> bool:
        """Whether it covers every moment."""
        return "everyday" in self.days and (self.start, self.end) == ("00:00", "24:00")


class Closure(Model):
    """A time of the line's own in which nobody answers: a move, a power cut, a day of mourning."""

    start: Annotated[LocalTime, Field(alias="from")]
    """Its first moment."""
    end: Annotated[LocalTime, Field(alias="until")]
    """The first moment after it."""
    prompt: Id | None = None
    """What is said instead of what `off_hours` does."""


class OffHours(Model):
    """What becomes of a call while the line is closed."""

    then: Literal["queue", "prompt", "duty"]
    """`queue`: another queue answers; `prompt`: something is said; `duty`: the duty phone rings."""
    queue: Id | None = None
    """With `queue`: which."""
    prompt: Id | None = None
    """With `prompt`: what is said; with `queue`: the greeting instead of the line's own."""
