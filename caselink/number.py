"""The number and the check code of a case."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import text, update
from sqlalchemy.ext.asyncio import AsyncSession

from caselink.tables import CaseDayRow

_LOCK_KEY = 1_234_501
"""Which of PostgreSQL's advisory locks is ours; any number that no other part uses."""


def day_of(at: int, timezone: str) -> str:
    """Return the local day of a moment (microseconds since the epoch) as YYYYMMDD."""
    return datetime.fromtimestamp(at / 1_000_000, UTC).astimezone(ZoneInfo(timezone)).strftime("%Y%m%d")


def format_number(day: str, place: int) -> str:
    """Return a case number: the day and, in six digits or as many as it takes, the place in it from 1 on."""
    return f"{day}{place:06d}"


def check_code() -> str:
    """Return six random digits."""
    return f"{secrets.randbelow(1_000_000):06d}"


async def lock(session: AsyncSession) -> None:
    """Let no other transaction open or complete cases until this one ends.

    Two ledgers may hold facts of the same call; without the lock neither would see what the other has not
    committed yet, and a case would be opened twice or stay without its hotline.
    """
    if session.get_bind().dialect.name == "postgresql":
        await session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK_KEY})
    else:
        # SQLite has one writer: a statement that writes, even nothing, makes it this transaction.
        await session.execute(update(CaseDayRow).where(CaseDayRow.day == "").values(last=CaseDayRow.last))


async def next_number(session: AsyncSession, day: str) -> str:
    """Return the day's next number; the transaction must hold the `lock`."""
    counted = await session.scalar(
        update(CaseDayRow)
        .where(CaseDayRow.day == day)
        .values(last=CaseDayRow.last + 1)
        .returning(CaseDayRow.last)
        .execution_options(synchronize_session=False)
    )
    if counted is None:
        session.add(CaseDayRow(day=day, last=1))
        await session.flush()
        counted = 1
    return format_number(day, counted)
