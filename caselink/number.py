"""The number and the check code of a case."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, insert, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from caselink.tables import CaseDayRow

_LOCK_KEY: Final = 1_234_501
"""Which of PostgreSQL's advisory locks is ours; any number that no other part uses."""
_DAY: Final[Any] = CaseDayRow.__table__
_COUNT: Final = (
    update(_DAY)
    .where(_DAY.c.day == bindparam("of"))
    .values(last=_DAY.c.last + bindparam("many"))
    .returning(_DAY.c.last)
)


def day_of(at: int, timezone: str) -> str:
    """Return the local day of a moment (microseconds since the epoch) as YYYYMMDD."""
    return datetime.fromtimestamp(at / 1_000_000, UTC).astimezone(ZoneInfo(timezone)).strftime("%Y%m%d")


def format_number(day: str, place: int) -> str:
    """Return a case number: the day and, in six digits or as many as it takes, the place in it from 1 on."""
    return f"{day}{place:06d}"


def check_code() -> str:
    """Return six random digits."""
    return f"{secrets.randbelow(1_000_000):06d}"


async def lock(session: AsyncSession, *, has_written: bool = False) -> None:
    """Let no other transaction open or complete cases until this one ends.

    Two ledgers may hold facts of the same call; without the lock neither would see what the other has not
    committed yet, and a case would be opened twice or stay without its hotline. `has_written` says that this
    transaction has written something already.
    """
    if session.get_bind().dialect.name == "postgresql":
        await session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK_KEY})
    elif not has_written:
        # SQLite has one writer: a statement that writes, even nothing, makes it this transaction.
        await session.execute(update(CaseDayRow).where(CaseDayRow.day == "").values(last=CaseDayRow.last))


async def next_numbers(session: AsyncSession, days: Sequence[str]) -> list[str]:
    """Return the next number of each of these days, in their order; the transaction must hold the `lock`."""
    wanted = Counter(days)
    counted = {day: await _count(session, day, many) - many for day, many in wanted.items()}
    numbers = []
    for day in days:
        counted[day] += 1
        numbers.append(format_number(day, counted[day]))
    return numbers


async def _count(session: AsyncSession, day: str, many: int) -> int:
    """Count a day on, and return how far it has come."""
    counted: int | None = await session.scalar(_COUNT, {"of": day, "many": many})
    if counted is None:
        await session.execute(insert(_DAY), {"day": day, "last": many})
        return many
    return counted
