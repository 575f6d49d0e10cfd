"""Opens a case when an agent answers a citizen: once a call, whatever the facts' order, told once or often.

A projector of the ledger: it works inside the ledger's transaction on facts that are in SQL already, and on all
calls of a batch at once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import bindparam, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from caselink import loop
from caselink.contact import KINDS, Answer, Contact, contact
from caselink.number import check_code, day_of, lock, next_numbers
from caselink.tables import CaseEventRow, CaseRow
from config import City
from cti.facts import Fact, Value
from cti.signals import node_of

_CASE: Final[Any] = CaseRow.__table__
_CASES_OF: Final = (
    select(CaseRow)
    .where(CaseRow.call_id.in_(bindparam("calls", expanding=True)))
    .execution_options(populate_existing=True)
)
_INSERT_CASES: Final = insert(_CASE).returning(_CASE.c.call_id, _CASE.c.id)
_INSERT_EVENTS: Final = insert(CaseEventRow.__table__)  # type: ignore[arg-type]


class Opening:
    """The projector. `city` is asked anew each time, so that it can be replaced while the ledger runs."""

    def __init__(self, city: Callable[[], City]) -> None:
        self._city = city

    async def project(
        self, session: AsyncSession, facts: Sequence[Fact], known: Mapping[str, Sequence[Fact]]
    ) -> tuple[Fact, ...]:
        """Open and complete the cases that these facts are about; return a `case_opened` for each new one.

        A case is opened by the first answer of its call; a later one is an event of the case. What other facts
        say of the contact (numbers, hotline) is filled in when it is known. The caller stores what is returned
        and commits, both or neither.
        """
        calls = sorted({fact.call_id for fact in facts if fact.call_id and fact.kind in KINDS})
        if not calls:
            return ()
        await lock(session, has_written=True)
        contacts = [contact(call_id, known[call_id]) for call_id in calls]
        cases = await cases_of(session, calls)
        await _go_on(
            session, self._city(), [(cases[one.call_id], one) for one in contacts if one.call_id in cases]
        )
        answered = [(one.answers[0].at, one) for one in contacts if one.answers and one.call_id not in cases]
        return await open_cases(session, self._city(), "phone", answered)


async def cases_of(session: AsyncSession, calls: Collection[str]) -> dict[str, CaseRow]:
    """Return the cases of these calls, by call id, as they are in the database now."""
    rows = await session.scalars(_CASES_OF, {"calls": list(calls)})
    return {row.call_id: row for row in rows}


async def open_cases(
    session: AsyncSession, city: City, channel: str, contacts: Iterable[tuple[int, Contact]]
) -> tuple[Fact, ...]:
    """Open the cases of contacts that have none, each at its moment (µs); return a `case_opened` for each.

    They are numbered in the order of time. The transaction must hold `caselink.number.lock`.
    """
    starts = sorted(contacts, key=lambda start: (start[0], start[1].call_id))
    if not starts:
        return ()
    numbers = await next_numbers(session, [day_of(at, city.platform.timezone) for at, _ in starts])
    cases: list[dict[str, Any]] = []
    events: dict[str, list[dict[str, Any]]] = {}
    for number, (at, found) in zip(numbers, starts, strict=True):
        events[found.call_id] = _history(found, channel, at)
        backend, unit = _route(city, found.hotline)
        cases.append(
            {
                "number": number,
                "check_code": check_code(),
                "call_id": found.call_id,
                "channel": channel,
                "state": events[found.call_id][-1]["state"],
                "hotline": found.hotline,
                "dialed_number": found.dialed_number,
                "caller_number": found.caller_number,
                "contact_number": "",
                "agent": found.answers[0].agent if found.answers else "",
                "backend": backend,
                "unit": unit,
                "request_type": None,
                "opened_at": at,
            }
        )
    ids: dict[str, int] = dict((await session.execute(_INSERT_CASES, cases)).all())
    steps = [{**step, "case_id": ids[call_id]} for call_id, history in events.items() for step in history]
    await session.execute(_INSERT_EVENTS, steps)
    return tuple(
        _case_opened(case["call_id"], case["number"], channel, case["hotline"], case["opened_at"])
        for case in cases
    )


def _history(found: Contact, channel: str, at: int) -> list[dict[str, Any]]:
    """The first events of a case, without the case's id: that it was opened, and who answered."""
    state = loop.after("", "open")
    actor = found.answers[0].agent if found.answers else ""
    opened = _event(f"case_opened:{found.call_id}", "open", state, at, actor, {"channel": channel})
    history = [opened]
    for answer in found.answers:
        state = loop.after(state, "answer")
        history.append(_event(answer.fact_id, "answer", state, answer.at, answer.agent, _seat(answer)))
    return history


def _event(
    event_id: str, action: loop.Action, state: str, at: int, actor: str, data: Mapping[str, Value]
) -> dict[str, Any]:
    return {
        "event_id": event_id,
        "at": at,
        "action": action,
        "state": state,
        "actor": actor,
        "data": dict(data),
    }


def _seat(answer: Answer) -> dict[str, Value]:
    return {"seat": answer.seat, "offer": answer.offer}


def _route(city: City, hotline: str) -> tuple[str, str | None]:
    """Who dispatches a case of this hotline, and the unit that leads; a hotline that is no more is the centre's."""
    found = city.hotline.get(hotline)
    return ("platform", None) if found is None else (found.case.backend, found.case.unit)


async def _go_on(session: AsyncSession, city: City, cases: Iterable[tuple[CaseRow, Contact]]) -> None:
    """Tell cases that were open already what is known of their contacts by now."""
    answers: dict[str, tuple[CaseRow, Answer]] = {}
    for row, found in cases:
        complete(row, found, city)
        answers |= {answer.fact_id: (row, answer) for answer in found.answers}
    if answers:
        told = select(CaseEventRow.event_id).where(CaseEventRow.event_id.in_(answers))
        before = set(await session.scalars(told))
        for fact_id, (row, answer) in answers.items():
            if fact_id not in before:
                append_event(session, row, fact_id, "answer", answer.at, answer.agent, _seat(answer))
    await session.flush()


def complete(row: CaseRow, found: Contact, city: City) -> None:
    """Fill in what is known of the contact by now. The hotline decides where the case goes, once."""
    if found.hotline and not row.hotline:
        row.hotline = found.hotline
        row.backend, row.unit = _route(city, found.hotline)
    row.dialed_number = row.dialed_number or found.dialed_number
    row.caller_number = row.caller_number or found.caller_number
    if found.answers and row.channel == "phone":
        row.agent, row.opened_at = found.answers[0].agent, found.answers[0].at


def case_opened(row: CaseRow) -> Fact:
    """Return the fact that a case was opened; told twice it is the same one."""
    return _case_opened(row.call_id, row.number, row.channel, row.hotline, row.opened_at)


def _case_opened(call_id: str, number: str, channel: str, hotline: str, at: int) -> Fact:
    return Fact(
        fact_id=f"case_opened:{call_id}",
        kind="case_opened",
        at=at,
        call_id=call_id,
        node=node_of(call_id),
        data={"case": number, "channel": channel, "hotline": hotline},
    )


def append_event(
    session: AsyncSession,
    row: CaseRow,
    event_id: str,
    action: loop.Action,
    at: int,
    actor: str = "",
    data: Mapping[str, Value] = MappingProxyType({}),
) -> None:
    """Append a step to a case's history and move the case on. Raises TransitionError, see `caselink.loop`."""
    row.state = loop.after(row.state, action)
    session.add(CaseEventRow(case_id=row.id, **_event(event_id, action, row.state, at, actor, data)))
