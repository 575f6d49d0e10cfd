"""Finds what a person means by an id: whole, its beginning or its end if only one fits, or `last`."""

from __future__ import annotations

from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from caselink.tables import CaseRow
from cti.tables import CallRow

LAST = "last"


class NotFoundError(Exception):
    """No thing, or no single thing, has this id; the message is one line that says what would be right."""


async def find_call(session: AsyncSession, text: str) -> str:
    """Return the id of the call that is meant. Raises NotFoundError."""
    return await _find(session, "call", text, CallRow.call_id, CallRow.arrived_at)


async def find_case(session: AsyncSession, text: str) -> str:
    """Return the number of the case that is meant, by its own number or by its call. Raises NotFoundError."""
    by_call = select(CaseRow.number).where(CaseRow.call_id == text)
    if (number := await session.scalar(by_call)) is not None:
        return number
    return await _find(session, "case", text, CaseRow.number, CaseRow.opened_at)


async def _find(
    session: AsyncSession,
    what: str,
    text: str,
    key: InstrumentedAttribute[str],
    order: InstrumentedAttribute[int],
) -> str:
    newest: Any = select(key).order_by(order.desc(), key.desc())
    if text == LAST:
        if (found := await session.scalar(newest.limit(1))) is not None:
            return str(found)
        raise NotFoundError(f"there is no {what} yet")
    if (exact := await session.scalar(select(key).where(key == text))) is not None:
        return exact
    shown = "".join(letter if letter.isprintable() else "?" for letter in text)[:80]
    fits = or_(key.startswith(text, autoescape=True), key.endswith(text, autoescape=True))
    found = list(await session.scalars(newest.where(fits).limit(4))) if text else []
    if len(found) == 1:
        return str(found[0])
    if found:
        more = ", …" if len(found) > 3 else ""
        raise NotFoundError(f"{shown!r} fits more than one {what}: {', '.join(found[:3])}{more}")
    latest = await session.scalar(newest.limit(1))
    hint = f"did you mean the newest, {latest}?" if latest is not None else f"there is no {what} yet"
    raise NotFoundError(f"there is no {what} {shown!r}; {hint}")
