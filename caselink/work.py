"""Works on cases in SQL: one step, one transaction — the event, what the case comes to, its limits, notices, fact.

Whoever takes a step holds the case's row until the commit, so that two of them come one after the other; who acts
on an older version than the case has is refused and told what happened meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import and_, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from caselink import limits, notices, projection, repeats
from caselink.casefile import Case
from caselink.guards import take
from caselink.loop import Action, Role
from caselink.masking import masked
from caselink.rulebook import Rulebook
from caselink.steps import Step, StepError
from caselink.tables import CaseEventRow, CaseLimitRow, CaseNoticeRow, CaseRow
from cti.facts import Value
from cti.ledger import store
from cti.sql import Sessions

_CASE: Final[Any] = CaseRow.__table__
_EVENT: Final[Any] = CaseEventRow.__table__
_LIMIT: Final[Any] = CaseLimitRow.__table__
_NOTICE: Final[Any] = CaseNoticeRow.__table__
_DAY: Final = 86_400_000_000
_MOST_CANDIDATES: Final = 200
"""Earlier requests of one caller that a new one is compared with."""


class StaleError(StepError):
    """Somebody else has acted since the version that the step was meant for; the message says who did what."""


class NoCaseError(LookupError):
    """No case has this number."""


@dataclass(frozen=True, slots=True)
class Done:
    """What a step came to."""

    number: str
    step: Step
    case: Case
    notices: tuple[notices.Notice, ...]


@dataclass(frozen=True, slots=True)
class Held:
    """A case whose row this transaction holds."""

    id: int
    number: str
    call_id: str
    hotline: str
    numbers: frozenset[str]
    """The citizen's telephone numbers."""
    unit: str
    """Who leads; before a dispatch the unit that the hotline names, "" where it names none."""
    events: Sequence[CaseEventRow]
    case: Case


class Casework:
    """The front door: takes steps, each in a transaction of its own. `rulebook` is asked anew each time."""

    def __init__(self, sessions: Sessions, rulebook: Callable[[], Rulebook]) -> None:
        self._sessions = sessions
        self._rulebook = rulebook

    async def step(
        self,
        number: str,
        action: Action,
        role: Role,
        actor: str,
        data: Mapping[str, Value],
        now: int,
        version: int | None = None,
    ) -> Done:
        """Take one step. `version` is the one that the actor has seen; None acts on the case as it is.

        Raises StepError or TransitionError where it can not be taken, StaleError where another came first,
        NoCaseError, and the database's errors; then nothing has changed.
        """
        book = self._rulebook()
        async with self._sessions.begin() as session:
            held = await hold(session, number)
            if version is not None and version != held.case.version:
                raise StaleError(_meanwhile(held, version))
            return await take_step(session, book, held, Step(action, role, actor, now, data))


async def hold(session: AsyncSession, number: str) -> Held:
    """Lock a case for this transaction and return it as it is now. Raises NoCaseError."""
    # A statement that writes, even nothing: it is what waits for the others in both kinds of database.
    lock = update(_CASE).where(_CASE.c.number == number).values(version=_CASE.c.version)
    found = (
        await session.execute(
            lock.returning(
                _CASE.c.id,
                _CASE.c.call_id,
                _CASE.c.hotline,
                _CASE.c.unit,
                _CASE.c.caller_number,
                _CASE.c.contact_number,
            )
        )
    ).first()
    if found is None:
        raise NoCaseError(number)
    case_id, call_id, hotline, unit, *numbers = found
    events = (await session.scalars(select(CaseEventRow).where(CaseEventRow.case_id == case_id))).all()
    return Held(
        case_id,
        number,
        call_id,
        hotline,
        frozenset(filter(None, numbers)),
        unit or "",
        events,
        projection.history(events),
    )


async def take_step(
    session: AsyncSession, book: Rulebook, held: Held, step: Step, event_id: str = ""
) -> Done:
    """Take one step of a case that is held, and all that follows from it; the caller commits.

    `event_id` names what must happen once; without one the step is named by its version.
    """
    before = held.case
    if step.action == "register":
        step = await _with_repeat(session, book, held, step)
    step = limits.with_limits(before, held.hotline, _completed(book, held, step), book.policy)
    after = take(before, step, book.rules)
    limits.check_extension(before, held.hotline, step, book.policy)
    event_id = event_id or f"case:{held.number}:{after.version}"
    await session.execute(
        insert(_EVENT),
        {
            "event_id": event_id,
            "case_id": held.id,
            "version": after.version,
            "at": step.at,
            "action": step.action,
            "state": after.state,
            "role": step.role,
            "actor": step.actor,
            "data": dict(step.data),
        },
    )
    changed = projection.columns(after, book.policy, step.at)
    await session.execute(update(_CASE).where(_CASE.c.id == held.id).values(changed))
    await _save_limits(session, held.id, before, after)
    due = notices.notices(after, step, book.offices)
    await _save_notices(session, held.id, event_id, step, due)
    await store.insert_new(session, [projection.fact(held.number, held.call_id, after, step)])
    if step.action == "register" and after.parent:
        parent = await hold(session, after.parent)
        await take_step(session, book, parent, Step("repeat", "system", "", step.at, {"child": held.number}))
    return Done(held.number, step, after, due)


def _completed(book: Rulebook, held: Held, step: Step) -> Step:
    """Return the step with what goes without saying; a text to be published is masked."""
    data = dict(step.data)
    if step.action == "publish" and isinstance(text := data.get("text"), str):
        data["text"] = masked(text, held.numbers)
    unsaid: dict[Action, tuple[str, Value]] = {
        "dispatch": ("unit", held.unit),
        "assign_fallback": ("unit", book.rules.fallback_unit),
        "grant_extension": ("until", held.case.wanted_until),
    }
    if step.action in unsaid:
        name, value = unsaid[step.action]
        data[name] = data.get(name) or value or None
    return replace(step, data=data)


async def _save_limits(session: AsyncSession, case_id: int, before: Case, after: Case) -> None:
    for place, limit in projection.changed_limits(before.limits, after.limits):
        values = projection.limit_columns(case_id, place, limit)
        if place >= len(before.limits):
            await session.execute(insert(_LIMIT), values)
        else:
            same = and_(_LIMIT.c.case_id == case_id, _LIMIT.c.place == place)
            await session.execute(update(_LIMIT).where(same).values(values))


async def _save_notices(
    session: AsyncSession, case_id: int, event_id: str, step: Step, due: Sequence[notices.Notice]
) -> None:
    if not due:
        return
    rows = [
        {
            "notice_id": f"{event_id}:{one.means}:{one.unit}:{one.level}",
            "case_id": case_id,
            "event_id": event_id,
            "at": step.at,
            "why": one.why,
            "means": one.means,
            "unit": one.unit,
            "level": one.level,
            "state": "inbox" if one.means == "network" else "waiting",
        }
        for one in due
    ]
    await session.execute(insert(_NOTICE), rows)


async def _with_repeat(session: AsyncSession, book: Rulebook, held: Held, step: Step) -> Step:
    """Join a request to the one that it repeats: the one that is named, else the one that is most like it.

    `parent=none` says that it repeats nothing.
    """
    data = dict(step.data)
    named = data.pop("parent", None)
    for name in ("repeat", "evidence_of_repeat"):
        data.pop(name, None)
    if named == "none":
        return replace(step, data=data)
    if named:
        found, evidence = str(named), f"joined by {step.role} {step.actor}".strip()
    else:
        match = await _most_alike(session, book, held, step)
        if match is None:
            return replace(step, data=data)
        found, evidence = match.case, f"{match.percent} %: {match.evidence}"
    row = (
        await session.execute(select(_CASE.c.number, _CASE.c.parent).where(_CASE.c.number == found))
    ).first()
    if row is None or row.number == held.number:
        raise StepError(f"'parent' is {found}, which is no other case; write a case's number, or none")
    # One parent for all: a repeat of a repeat joins the first.
    root = row.parent or row.number
    if root == held.number:
        raise StepError(f"{found} repeats this very case")
    parent = await hold(session, root)
    data |= {"parent": root, "repeat": parent.case.repeats + 1, "evidence_of_repeat": evidence}
    return replace(step, data=data)


async def _most_alike(session: AsyncSession, book: Rulebook, held: Held, step: Step) -> repeats.Match | None:
    if not held.numbers:
        return None
    columns = (
        _CASE.c.number,
        _CASE.c.caller_number,
        _CASE.c.contact_number,
        _CASE.c.text,
        _CASE.c.address,
        _CASE.c.registered_at,
    )
    query = (
        select(*columns)
        .where(
            or_(_CASE.c.caller_number.in_(held.numbers), _CASE.c.contact_number.in_(held.numbers)),
            _CASE.c.id != held.id,
            _CASE.c.registered_at >= step.at - book.repeat_days * _DAY,
        )
        .order_by(_CASE.c.opened_at.desc())
        .limit(_MOST_CANDIDATES)
    )
    earlier = [
        repeats.Matter(number, frozenset(filter(None, (caller, contact))), text, address, at)
        for number, caller, contact, text, address, at in await session.execute(query)
    ]
    new = repeats.Matter(
        held.number,
        held.numbers,
        str(step.data.get("text") or ""),
        str(step.data.get("address") or ""),
        step.at,
    )
    best = next(iter(repeats.matches(new, earlier, book.repeat_days)), None)
    return best if best is not None and best.percent >= book.repeat_percent else None


def _meanwhile(held: Held, version: int) -> str:
    if version > held.case.version:
        return f"case {held.number} has no version {version} yet; it is at {held.case.version}"
    since = sorted(
        ((row.version, row) for row in held.events if row.version is not None and row.version > version),
        key=lambda pair: pair[0],
    )
    told = "; ".join(f"{place}: {row.action} by {row.role} {row.actor}".strip() for place, row in since[-5:])
    return (
        f"case {held.number} has moved on from version {version} to {held.case.version} ({told}); "
        f"it is {held.case.state} now, look again"
    )
