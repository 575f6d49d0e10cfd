"""Facts and rows of calls in SQL, SQLite and PostgreSQL alike. Every function works in the caller's transaction."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict
from typing import Any, Final

from sqlalchemy import Insert, Table, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from cti.facts import Fact
from cti.ledger import project
from cti.tables import CallRow, FactRow, LegRow

_FACT: Final[Any] = FactRow.__table__
_LOCK_SPACE: Final = 1_234_502
"""Which of PostgreSQL's advisory locks are those of calls."""
_IDS_AT_ONCE: Final = 500
"""Ids in one `IN`; both databases bound the parameters of a statement."""


async def insert_new(session: AsyncSession, facts: Sequence[Fact]) -> tuple[Fact, ...]:
    """Store facts; return those that were not stored before, in the order given."""
    if not facts:
        return ()
    once = {fact.fact_id: fact for fact in facts}
    # One order for all writers, so that two of them wait for each other instead of blocking each other.
    rows = [_row(once[fact_id]) for fact_id in sorted(once)]
    statement = _insert(session, _FACT).on_conflict_do_nothing(index_elements=["fact_id"])
    stored = set(await session.scalars(statement.returning(_FACT.c.fact_id), rows))
    return tuple(fact for fact in once.values() if fact.fact_id in stored)


def _row(fact: Fact) -> dict[str, Any]:
    return {
        "fact_id": fact.fact_id,
        "kind": fact.kind,
        "at": fact.at,
        "call_id": fact.call_id,
        "leg": fact.leg,
        "node": fact.node,
        "data": dict(fact.data),
    }


async def facts_of(session: AsyncSession, call_ids: Collection[str]) -> tuple[Fact, ...]:
    """Return every stored fact of these calls in the order of time."""
    return await _select(session, call_ids, None)


async def _select(
    session: AsyncSession, call_ids: Collection[str], kinds: Collection[str] | None
) -> tuple[Fact, ...]:
    found: list[Fact] = []
    table = _FACT.c
    wanted = sorted(call_ids)
    for start in range(0, len(wanted), _IDS_AT_ONCE):
        query = select(
            table.fact_id, table.kind, table.at, table.call_id, table.leg, table.node, table.data
        ).where(table.call_id.in_(wanted[start : start + _IDS_AT_ONCE]))
        if kinds is not None:
            query = query.where(table.kind.in_(sorted(kinds)))
        found += [Fact(*row) for row in await session.execute(query)]
    return tuple(sorted(found, key=lambda fact: (fact.at, fact.fact_id)))


async def project_calls(session: AsyncSession, new: Iterable[Fact]) -> None:
    """Bring the rows of the calls that these newly stored facts are about up to date."""
    call_ids = sorted({fact.call_id for fact in new if fact.call_id and fact.kind in project.KINDS})
    if not call_ids:
        return
    await _lock(session, call_ids)
    by_call: dict[str, list[Fact]] = {call_id: [] for call_id in call_ids}
    for fact in await _select(session, call_ids, project.KINDS):
        by_call[fact.call_id].append(fact)
    calls = [found for facts in by_call.values() if (found := project.call(facts)) is not None]
    legs = [leg for facts in by_call.values() for leg in project.legs(facts)]
    await _replace(session, CallRow.__table__, [asdict(found) for found in calls])
    await _replace(session, LegRow.__table__, [asdict(leg) for leg in legs])


async def _lock(session: AsyncSession, call_ids: Sequence[str]) -> None:
    """Let no other transaction project these calls until this one ends.

    Facts of one call come from several nodes, so two ledgers may hold some each; whoever is second must see what
    the first has stored. SQLite has one writer, which this transaction is since it stored its facts.
    """
    if _dialect(session) == "postgresql":
        for call_id in call_ids:
            await session.execute(select(func.pg_advisory_xact_lock(_LOCK_SPACE, func.hashtext(call_id))))


async def _replace(session: AsyncSession, table: Any, rows: Sequence[dict[str, Any]]) -> None:
    if not rows:
        return
    statement = _insert(session, table)
    keys = [column.name for column in table.primary_key]
    changed = {column.name: statement.excluded[column.name] for column in table.c if column.name not in keys}
    await session.execute(statement.on_conflict_do_update(index_elements=keys, set_=changed), rows)


def _insert(session: AsyncSession, table: Table) -> Any:
    """An INSERT that knows ON CONFLICT; the two dialects write it alike and type it apart."""
    statement: Insert = (
        postgresql.insert(table) if _dialect(session) == "postgresql" else sqlite.insert(table)
    )
    return statement


def _dialect(session: AsyncSession) -> str:
    return session.get_bind().dialect.name
