"""How far a case is: its limits, what can be done now, its notices, and its steps in words. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, cast
from zoneinfo import ZoneInfo

from caselink import loop
from caselink.duty import Days, holder, on_duty
from caselink.loop import ROLES
from caselink.steps import KEYS
from caselink.tables import CaseEventRow, CaseLimitRow, CaseNoticeRow
from config import City
from config.schema.units import ContactRole
from cti.app.views.words import Names, length

_OURS = "the centre"


def left(limit: CaseLimitRow, now: int) -> str:
    """Return how a limit stands at `now`, or how it ended, in words."""
    end = limit.ended_at if limit.ended_at is not None else now
    late = length(abs(end - limit.due_at) // 1000)
    if limit.ended == "moved":
        return "taken from it" + (f", {late} late" if end > limit.due_at else "")
    if limit.ended_at is not None:
        return f"done {late} late" if end > limit.due_at else "done in time"
    return f"overdue by {late}" if end > limit.due_at else f"{late} left"


def limit_lines(limits: Iterable[CaseLimitRow], names: Names, now: int) -> Iterator[str]:
    """Yield a line for each limit, in the order in which they began."""
    for one in limits:
        whose = names.unit(one.unit) if one.unit else _OURS
        extended = ", extended" if one.is_extended else ""
        yield f"{one.stage:<11}  until {names.moment(one.due_at)}{extended}  {left(one, now)}  ({whose})"


def possible_lines(state: str) -> Iterator[str]:
    """Yield who can do what now."""
    for role in ROLES:
        actions = loop.actions(state, role)
        if role != "system" and actions:
            yield f"{role:<11}  {', '.join(actions)}"


class Reach:
    """Whom a notice reaches, by the contacts and rosters of a city as they are now."""

    def __init__(self, city: City, days: Days, now: int) -> None:
        self._city, self._days, self._now = city, days, now

    def __call__(self, notice: CaseNoticeRow) -> str:
        """Return who it is and the telephone, or what is missing in units.yaml."""
        units = self._city.unit
        if notice.level == "duty":
            zone = ZoneInfo(self._city.platform.timezone)
            turn = on_duty(units, notice.unit, self._now, zone, self._days)
            return f"{turn[1].name} {turn[1].phone}" if turn else "nobody is on duty"
        found = holder(units, notice.unit, cast(ContactRole, notice.level))
        if found is None:
            return "units.yaml names nobody"
        of = "" if found[0].id == notice.unit else f" of {found[0].id}"
        return f"{found[1].name}{of} {found[1].phone}"


def notice_lines(notices: Iterable[CaseNoticeRow], names: Names, reach: Reach) -> Iterator[str]:
    """Yield a line for each notice."""
    for one in notices:
        whom = f"{one.level.replace('_', ' ')} of {names.unit(one.unit)}" if one.unit else _OURS
        said = "in the inbox"
        if one.state != "inbox":
            whom, said = f"{whom} ({reach(one)})", "waits for a channel that carries it"
        yield f"{names.moment(one.at)}  {one.why.replace('_', ' ')}: {one.means} to {whom}, {said}"


def step_sentence(event: CaseEventRow, names: Names) -> str:
    """Return one step of the loop in words: what, by whom, and what it tells."""
    who = {"unit": names.unit, "co_unit": names.unit, "agent": names.agent}.get(event.role, str)(event.actor)
    by = "by the clock" if event.role == "system" else f"by {event.role.replace('_', '-')} {who}".rstrip()
    told = ", ".join(
        f"{name.replace('_', ' ')} {_said(name, value, names)}"
        for name, value in event.data.items()
        if value not in (None, "") and not name.endswith("_clock")
    )
    return f"{event.action.replace('_', ' ')} {by}{f': {told}' if told else ''}"


def _said(name: str, value: Any, names: Names) -> str:
    kind = KEYS[name].kind if name in KEYS else "text"
    if kind == "moment" and isinstance(value, int):
        return names.moment(value)
    if kind == "yes_no":
        return "yes" if value else "no"
    if name in ("unit", "proposed_unit"):
        return names.unit(str(value))
    return f"“{value}”" if kind == "text" else str(value)


def limit_json(limit: CaseLimitRow, names: Names, now: int) -> dict[str, Any]:
    """Return one limit as `--json` prints it.

    Keys: stage, unit ("": the centre), started_at, due_at, ended_at (ISO 8601 or null), ended ("", done, moved),
    is_extended, is_late (at its end, else now).
    """
    return {
        "stage": limit.stage,
        "unit": limit.unit,
        "started_at": names.iso(limit.started_at),
        "due_at": names.iso(limit.due_at),
        "ended_at": names.iso(limit.ended_at),
        "ended": limit.ended,
        "is_extended": limit.is_extended,
        "is_late": (limit.ended_at or now) > limit.due_at,
    }


def notice_json(notice: CaseNoticeRow, names: Names) -> dict[str, Any]:
    """Return one notice as `--json` prints it: at, why, means, unit, level, state (inbox, waiting)."""
    return {
        "at": names.iso(notice.at),
        "why": notice.why,
        "means": notice.means,
        "unit": notice.unit,
        "level": notice.level,
        "state": notice.state,
    }
