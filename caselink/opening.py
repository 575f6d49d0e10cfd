"""Opens a case when an agent answers a citizen: once a call, whatever the facts' order, told once or often.

A projector of the ledger: it works inside the ledger's transaction on facts that are in SQL already.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from types import MappingProxyType

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from caselink import loop
from caselink.contact import KINDS, Contact, contact
from caselink.number import check_code, day_of, lock, next_number
from caselink.tables import CaseEventRow, CaseRow
from config import City
from cti.facts import Fact, Value
from cti.signals import node_of
from cti.tables import FactRow


class Opening:
    """The projector. `city` is asked anew each time, so that it can be replaced while the ledger runs."""

    def __init__(self, city: Callable[[], City]) -> None:
        self._city = city

    async def project(self, session: AsyncSession, facts: Sequence[Fact]) -> tuple[Fact, ...]:
        """Open and complete the cases that these facts are about; return a `case_opened` for each new one.

        A case is opened by the first answer of its call; a later one is an event of the case. What other facts
        say of the contact (numbers, hotline) is filled in when it is known. The caller stores what is returned
        and commits, both or neither.
        """
        calls = {fact.call_id for fact in facts if fact.call_id and fact.kind in KINDS}
        if not calls:
            return ()
        await lock(session)
        known = [*await _facts_of(session, calls), *facts]
        contacts = [contact(call_id, known) for call_id in sorted(calls)]
        cases = await cases_of(session, calls)
        opened = [
            await open_case(session, self._city(), found, "phone", found.answers[0].at)
            for found in contacts
            if found.answers and found.call_id not in cases
        ]
        cases |= {row.call_id: row for row in opened}
        for found in contacts:
            if found.call_id in cases:
                complete(cases[found.call_id], found, self._city())
        await _append_answers(session, cases, contacts)
        await session.flush()
        return tuple(case_opened(row) for row in opened)


async def _facts_of(session: AsyncSession, calls: Collection[str]) -> list[Fact]:
    fact = FactRow
    rows = await session.execute(
        select(fact.fact_id, fact.kind, fact.at, fact.call_id, fact.leg, fact.node, fact.data).where(
            fact.call_id.in_(calls), fact.kind.in_(KINDS)
        )
    )
    return [Fact(*row) for row in rows]


async def cases_of(session: AsyncSession, calls: Collection[str]) -> dict[str, CaseRow]:
    """Return the cases of these calls, by call id, as they are in the database now."""
    rows = select(CaseRow).where(CaseRow.call_id.in_(calls)).execution_options(populate_existing=True)
    return {row.call_id: row for row in await session.scalars(rows)}


async def open_case(session: AsyncSession, city: City, found: Contact, channel: str, at: int) -> CaseRow:
    """Open the case of a contact that has none; the transaction must hold `caselink.number.lock`."""
    row = CaseRow(
        number=await next_number(session, day_of(at, city.platform.timezone)),
        check_code=check_code(),
        call_id=found.call_id,
        channel=channel,
        state=loop.after("", "open"),
        hotline="",
        dialed_number="",
        caller_number="",
        contact_number="",
        agent="",
        backend="platform",
        unit=None,
        request_type=None,
        opened_at=at,
    )
    session.add(row)
    await session.flush()
    actor = found.answers[0].agent if found.answers else ""
    append_event(session, row, f"case_opened:{row.call_id}", "open", at, actor, {"channel": channel})
    return row


def complete(row: CaseRow, found: Contact, city: City) -> None:
    """Fill in what is known of the contact by now. The hotline decides where the case goes, once."""
    if found.hotline and not row.hotline:
        row.hotline = found.hotline
        if (hotline := city.hotline.get(found.hotline)) is not None:
            row.backend, row.unit = hotline.case.backend, hotline.case.unit
    row.dialed_number = row.dialed_number or found.dialed_number
    row.caller_number = row.caller_number or found.caller_number
    if found.answers and row.channel == "phone":
        row.agent, row.opened_at = found.answers[0].agent, found.answers[0].at


def case_opened(row: CaseRow) -> Fact:
    """Return the fact that a case was opened; told twice it is the same one."""
    return Fact(
        fact_id=f"case_opened:{row.call_id}",
        kind="case_opened",
        at=row.opened_at,
        call_id=row.call_id,
        node=node_of(row.call_id),
        data={"case": row.number, "channel": row.channel, "hotline": row.hotline},
    )


async def _append_answers(
    session: AsyncSession, cases: Mapping[str, CaseRow], contacts: Iterable[Contact]
) -> None:
    answers = {
        answer.fact_id: (cases[found.call_id], answer)
        for found in contacts
        if found.call_id in cases
        for answer in found.answers
    }
    told = select(CaseEventRow.event_id).where(CaseEventRow.event_id.in_(answers))
    before = set(await session.scalars(told))
    for fact_id, (row, answer) in answers.items():
        if fact_id in before:
            continue
        data: dict[str, Value] = {"seat": answer.seat, "offer": answer.offer}
        append_event(session, row, fact_id, "answer", answer.at, answer.agent, data)


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
    if action != "open":
        row.state = loop.after(row.state, action)
    session.add(
        CaseEventRow(
            event_id=event_id,
            case_id=row.id,
            at=at,
            action=action,
            state=row.state,
            actor=actor,
            data=dict(data),
        )
    )
