"""What a batch of numbers changes for those who dial them: now, on its day, and once it is rolled back. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

from config import City
from config.schema.batch import Batch
from ivr.directory import Directory, Plan

State = Literal["not applied", "waits for its day", "in force"]


@dataclass(frozen=True, slots=True)
class Row:
    """One number of a batch: what a caller gets now, when the batch is in force, and when it is rolled back."""

    number: str
    hotline: str
    name: str
    now: Plan
    then: Plan
    undone: Plan


def state(batch: Batch, city: City, now: datetime) -> State:
    """Return where a batch stands at a moment."""
    if not batch.applied:
        return "not applied"
    opens = batch.date.replace(tzinfo=ZoneInfo(city.platform.timezone))
    return "in force" if opens <= now else "waits for its day"


def rows(batch: Batch, city: City, now: datetime) -> tuple[Row, ...]:
    """Return what the batch means for each of its numbers. `now` has an offset."""
    day = max(now, batch.date.replace(tzinfo=ZoneInfo(city.platform.timezone)))
    as_it_is = Directory(city)
    in_force = Directory(with_batch(city, batch, True))
    undone = Directory(with_batch(city, batch, False))
    found = []
    for number in batch.numbers:
        plan = in_force.resolve(number, "", day)
        name = city.hotline[plan.hotline].name
        found.append(
            Row(
                number,
                plan.hotline,
                name,
                as_it_is.resolve(number, "", now),
                plan,
                undone.resolve(number, "", day),
            )
        )
    return tuple(found)


def with_batch(city: City, batch: Batch, applied: bool) -> City:
    """Return the city with a batch applied or not."""
    other = batch.model_copy(update={"applied": applied})
    return replace(city, batches=tuple(other if one.id == batch.id else one for one in city.batches))


def in_short(plan: Plan) -> str:
    """Return in a few words what a caller gets."""
    if plan.outcome == "queue":
        first = f"{plan.notice}, " if plan.notice else ""
        return f"{first}{plan.greeting}, then queue {plan.queue}"
    if plan.outcome == "forward" and plan.forward is not None:
        return f"rings {plan.forward.to}"
    return f"hears {plan.greeting} ({plan.reason.replace('_', ' ')})"
