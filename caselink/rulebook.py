"""What a city says about working on cases, compiled once: limits, bounds, offices, units. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from caselink.duty import Days
from caselink.guards import Rules
from caselink.limits import Policy, Rule
from caselink.notices import Offices
from caselink.worktime import WorkClock, duration
from config import City
from config.schema.cases import LimitRule
from config.schema.hours import minutes
from config.schema.people import Unit

_LIMITS = ("dispatch", "acknowledge", "reply", "extension", "review", "follow_up", "supervise")


@dataclass(frozen=True, slots=True)
class Rulebook:
    """Everything that a step needs to know of the city. `repeat_days` and `repeat_percent`: `caselink.repeats`."""

    timezone: str
    policy: Policy
    rules: Rules
    offices: Offices
    units: Mapping[str, Unit]
    days: Days
    repeat_days: int
    repeat_percent: int

    @classmethod
    def of(cls, city: City, days: Days) -> Rulebook:
        """Return a city's rulebook. `days` knows its holidays and workdays."""
        cases = city.cases
        zone = ZoneInfo(city.platform.timezone)
        hours = [(minutes(stretch.start), minutes(stretch.end)) for stretch in cases.work_hours]
        policy = Policy(
            clock=WorkClock(zone, days.is_workday, hours),
            rules=tuple(map(_rule, cases.limits)),
            red_after=duration(cases.cards.red_after),
            supervise_after=duration(cases.cards.supervise_after),
            warn_percent=cases.cards.warn_percent,
        )
        counts = {
            name: value
            for name in (
                "most_returns",
                "most_reassigns",
                "most_extensions",
                "most_reworks",
                "follow_up_tries",
            )
            if (value := getattr(cases, name)) is not None
        }
        return cls(
            timezone=city.platform.timezone,
            policy=policy,
            rules=Rules(units=frozenset(city.unit), fallback_unit=cases.fallback_unit or "", **counts),
            offices=Offices(cases.city_office or "", cases.supervision_office or ""),
            units=city.unit,
            days=days,
            repeat_days=cases.repeats.days,
            repeat_percent=cases.repeats.percent,
        )


def _rule(rule: LimitRule) -> Rule:
    given = {name: getattr(rule, name) for name in _LIMITS}
    return Rule(
        frozenset(rule.hotlines),
        frozenset(rule.request_types),
        frozenset(rule.urgencies),
        {name: duration(text) for name, text in given.items() if text},
    )
