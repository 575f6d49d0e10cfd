"""Who is to be told of a step, and by which means. Pure.

Jiangmen's rule for a dispatch: normal over the network and by SMS to the person in charge; urgent by network, phone
and SMS at once; critical also to the unit's first leader and the city's leader on duty. A first repeat is told to
the leader in charge, a second to the first leader, a third and later one to the city's office.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from caselink import loop
from caselink.casefile import Case
from caselink.loop import Action
from caselink.steps import Step, text

Means = Literal["network", "sms", "phone"]
"""network: it stands in the inbox of who is told."""
Level = Literal["duty", "person_in_charge", "leader_in_charge", "first_leader"]

CENTRE: Final = ""
"""Stands for the hotline's centre where a unit is named."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One message that is due: by which means, to whom of which unit, and of which step."""

    means: Means
    unit: str
    level: Level
    why: Action


@dataclass(frozen=True, slots=True)
class Offices:
    """Units beside those that handle the case; "" where the city names none."""

    city_office: str = ""
    supervision_office: str = ""


HANDED_OVER: Final[frozenset[Action]] = frozenset(
    {"dispatch", "redispatch", "refuse_return", "rule", "assign_fallback", "reassign", "rework"}
)
"""Steps after which a unit has a case to work on."""
_BY_URGENCY: Final[dict[str, tuple[Means, ...]]] = {
    "normal": ("network", "sms"),
    "urgent": ("network", "phone", "sms"),
    "critical": ("network", "phone", "sms"),
}


def notices(after: Case, step: Step, offices: Offices) -> tuple[Notice, ...]:
    """Return the messages that are due after a step, each once; `after` is the case as it is then."""
    return tuple(dict.fromkeys(one for one in _notices(after, step, offices) if one.unit or _is_ours(one)))


def _is_ours(one: Notice) -> bool:
    """An office that the city does not name is told nothing; the centre is told over the network."""
    return one.means == "network" and one.level == "duty"


def _notices(case: Case, step: Step, offices: Offices) -> Iterator[Notice]:
    why = step.action
    unit = case.unit
    if why in HANDED_OVER:
        yield from _told(_BY_URGENCY[case.urgency or "normal"], unit, "person_in_charge", why)
        for other in case.co_units:
            yield from _told(("network", "sms"), other, "person_in_charge", why)
        if case.urgency == "critical":
            yield from _told(("phone", "sms"), unit, "first_leader", why)
            yield from _office(("network", "phone"), offices.city_office, why)
        yield from _of_repeat(case.repeat, unit, why, offices)
    elif why == "repeat" and case.state in loop.AT_UNIT:
        yield from _of_repeat(case.repeats, unit, why, offices)
    elif why in ("warn", "yellow_card", "red_card"):
        stage = text(step, "stage")
        who = unit if stage in ("acknowledge", "reply") else CENTRE
        yield Notice("network", who, "duty" if who == CENTRE else "person_in_charge", why)
        if who != CENTRE:
            yield Notice("sms", who, "person_in_charge", why)
            if why != "warn":
                yield Notice("sms", who, "leader_in_charge", why)
            if why == "red_card":
                yield Notice("sms", who, "first_leader", why)
                yield from _office(("network",), offices.supervision_office, why)
    elif why == "supervise":
        yield from _told(("network", "sms"), unit, "first_leader", why)
        yield from _office(("network",), offices.supervision_office, why)
    elif why == "escalate":
        yield from _office(("network", "phone"), offices.city_office, why)
    elif why == "remind":
        if case.state in loop.AT_UNIT:
            yield from _told(("network", "sms"), unit, "person_in_charge", why)
        else:
            yield Notice("network", CENTRE, "duty", why)
    elif why in ("grant_extension", "refuse_extension"):
        yield from _told(("network", "sms"), unit, "person_in_charge", why)
    elif why in ("register", "request_return", "request_extension", "reply", "explain"):
        yield Notice("network", CENTRE, "duty", why)
        if why == "explain":
            yield from _office(("network",), offices.supervision_office, why)
    elif why == "arbitrate":
        yield from _office(("network",), offices.supervision_office, why)


def _of_repeat(place: int, unit: str, why: Action, offices: Offices) -> Iterator[Notice]:
    if place == 1:
        yield from _told(("network", "sms"), unit, "leader_in_charge", why)
    elif place == 2:
        yield from _told(("network", "sms"), unit, "first_leader", why)
    elif place > 2:
        yield from _office(("network", "sms"), offices.city_office, why)


def _told(means: tuple[Means, ...], unit: str, level: Level, why: Action) -> Iterator[Notice]:
    for one in means:
        yield Notice(one, unit, level, why)


def _office(means: tuple[Means, ...], office: str, why: Action) -> Iterator[Notice]:
    if office:
        yield from _told(means, office, "duty", why)
