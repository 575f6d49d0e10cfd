"""How cases are worked on: limits by request and urgency, cards, and what bounds the loop (docs/configuration.md)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from config.schema.base import Id, Model, as_list, written
from config.schema.hours import TimeOfDay

Duration = Annotated[
    str,
    written(
        r"[0-9]{1,4} (working )?(minutes?|hours?|days?)",
        "write a number and minutes, hours, days, working hours or working days, such as 5 working days",
    ),
]

RequestType = Literal["inquiry", "help", "complaint", "report", "suggestion", "praise"]
Urgency = Literal["normal", "urgent", "critical"]
Preset = Literal["beijing", "shanghai", "shandong"]


class LimitRule(Model):
    """Limits of the cases that fit all that it names; what it does not name fits all."""

    hotlines: Annotated[tuple[Id, ...], BeforeValidator(as_list)] = ()
    """Ids of hotlines."""
    request_types: Annotated[tuple[RequestType, ...], BeforeValidator(as_list)] = ()
    """inquiry, help, complaint, report, suggestion, praise."""
    urgencies: Annotated[tuple[Urgency, ...], BeforeValidator(as_list)] = ()
    """normal, urgent, critical."""
    dispatch: Duration | None = None
    """For the centre, from registering or a return to the unit."""
    acknowledge: Duration | None = None
    """For the unit, from dispatch to its signature (签收)."""
    reply: Duration | None = None
    """For the unit, from dispatch to its reply (办结)."""
    extension: Duration | None = None
    """The most that an extension adds."""
    review: Duration | None = None
    """For the centre, from the reply."""
    follow_up: Duration | None = None
    """For the centre, from the review to the first call to the citizen."""
    supervise: Duration | None = None
    """For the unit, from the beginning of supervision to its reply and its written explanation."""


class Cards(Model):
    """What the clock does with a unit's limit that runs out."""

    warn_percent: Annotated[int, Field(ge=10, le=100)] = 80
    """How much of a limit is gone when the unit is warned; the yellow card comes at its end."""
    red_after: Duration = "1 working day"
    """From the yellow card to the red one."""
    supervise_after: Duration = "0 minutes"
    """From the red card to supervision."""


class WorkHours(Model):
    """A stretch of each workday that counts as working time."""

    start: Annotated[TimeOfDay, Field(alias="from")]
    """When it begins."""
    end: Annotated[TimeOfDay, Field(alias="to")]
    """When it is over, on the same day."""


class Repeats(Model):
    """When a request counts as a repeat of an earlier one of the same citizen."""

    days: Annotated[int, Field(ge=1, le=3650)] = 90
    """How far back is looked."""
    percent: Annotated[int, Field(ge=1, le=100)] = 50
    """How alike the two must be."""


class Cases(Model):
    """cases.yaml."""

    preset: Preset | None = None
    """Limits of a city or province that hold where `limits` says nothing."""
    limits: tuple[LimitRule, ...] = ()
    """The first that fits and names a limit gives it."""
    work_hours: Annotated[tuple[WorkHours, ...], Field(min_length=1)] = (
        WorkHours.model_validate({"from": "08:30", "to": "12:00"}),
        WorkHours.model_validate({"from": "14:30", "to": "17:30"}),
    )
    """Working time of a workday; workdays follow the holidays of China."""
    cards: Cards = Cards()
    """Warnings, yellow and red cards."""
    fallback_unit: Id | None = None
    """The unit that takes what no other does (兜底)."""
    city_office: Id | None = None
    """The unit whose duty is told of critical cases, of a third repeat, of supervision that runs out."""
    supervision_office: Id | None = None
    """The unit that is told of red cards and supervises."""
    most_returns: Annotated[int, Field(ge=0, le=20)] | None = None
    """Returns after which only a ruling or the fallback unit is left; 2 unless the preset says otherwise."""
    most_reassigns: Annotated[int, Field(ge=0, le=20)] | None = None
    """How often the centre may move a case; 3."""
    most_extensions: Annotated[int, Field(ge=0, le=20)] | None = None
    """How often a unit may ask for more time; 1."""
    most_reworks: Annotated[int, Field(ge=0, le=20)] | None = None
    """How often a case is reworked; 2."""
    follow_up_tries: Annotated[int, Field(ge=1, le=20)] | None = None
    """Tries after which a citizen counts as not reached; 3."""
    repeats: Repeats = Repeats()
    """What counts as a repeat."""
