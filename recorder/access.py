"""The record of who did what with recordings: written before it is done, never changed."""

from __future__ import annotations

from typing import Literal

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from recorder.tables import AccessRow

Action = Literal["show", "verify", "export", "hold", "release", "delete", "expire", "rotate"]


def record(session: AsyncSession, who: str, action: Action, call_id: str, now: int, detail: str = "") -> None:
    """Write down an access; the caller commits before it goes on. `call_id` is "" for what concerns many."""
    session.add(AccessRow(at=now, who=who[:80], action=action, call_id=call_id, detail=detail[:2000]))


async def accesses(session: AsyncSession, call_id: str = "", most: int = 100) -> tuple[AccessRow, ...]:
    """Return the newest accesses, of one call or of all, newest first."""
    rows = select(AccessRow).order_by(AccessRow.id.desc()).limit(most)
    if call_id:
        rows = rows.where(AccessRow.call_id == call_id)
    return tuple(await session.scalars(rows))
