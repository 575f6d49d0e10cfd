"""Facts and rows of calls in SQL, SQLite and PostgreSQL alike. Every function works in the caller's transaction."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache
from operator import attrgetter
from typing import Any, Final

from sqlalchemy import Text, bindparam, cast, select, text
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

# Statements are made once: SQLAlchemy then finds what it made of them by their identity.
_FACTS: Final = select(
    _FACT.c.fact_id,
    _FACT.c.kind,
    _FACT.c.at,
    _FACT.c.call_id,
    _FACT.c.leg,
    _FACT.c.node,
    cast(_FACT.c.data, Text),  # JSON, which is read only where it is asked for
).where(_FACT.c.call_id.in_(bindparam("calls", expanding=True)))
_FACTS_OF_ROWS: Final = _FACTS.where(_FACT.c.kind.in_(sorted(project.KINDS)))
_LOCK: Final = text(
    "SELECT pg_advisory_xact_lock(:space, place) FROM"
    " (SELECT DISTINCT hashtext(call_id) AS place FROM unnest(CAST(:calls AS text[])) AS call_id ORDER BY place) p"
)

Known = Mapping[str, Sequence[Fact]]
"""All stored facts of some calls by call id, those of kinds that rows are made of (`project.KINDS`)."""


async def insert_new(session: AsyncSession, facts: Sequence[Fact]) -> tuple[Fact, ...]:
    """Store facts; return those that were not stored before, in the order given."""
    if not facts:
        return ()
    once = {fact.fact_id: fact for fact in facts}
    # One order for all writers, so that two of them wait for each other instead of blocking each other.
    rows = [_row(once[fact_id]) for fact_id in sorted(once)]
    stored = set(await session.scalars(_insert_facts(_dialect(session)), rows))
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
    return tuple(project.ordered(await _select(session, _FACTS, call_ids, {})))


async def _select(
    session: AsyncSession, query: Any, call_ids: Collection[str], at_hand: Mapping[str, Fact]
) -> list[Fact]:
    """Return the facts of these calls; `at_hand` are facts, by their ids, that need not be made of their rows."""
    found: list[Fact] = []
    wanted = sorted(call_ids)
    for start in range(0, len(wanted), _IDS_AT_ONCE):
        calls = {"calls": wanted[start : start + _IDS_AT_ONCE]}
        found += [
            at_hand.get(fact_id) or Fact(fact_id, kind, at, call_id, leg, node, json.loads(data))
            for fact_id, kind, at, call_id, leg, node, data in await session.execute(query, calls)
        ]
    return found


async def project_calls(session: AsyncSession, new: Iterable[Fact]) -> Known:
    """Bring the rows of the calls that these newly stored facts are about up to date; return what they stand on.

    No other transaction projects these calls until this one ends.
    """
    at_hand = {fact.fact_id: fact for fact in new if fact.call_id and fact.kind in project.KINDS}
    call_ids = sorted({fact.call_id for fact in at_hand.values()})
    if not call_ids:
        return {}
    await _lock(session, call_ids)
    by_call: dict[str, list[Fact]] = {call_id: [] for call_id in call_ids}
    for fact in await _select(session, _FACTS_OF_ROWS, call_ids, at_hand):
        by_call[fact.call_id].append(fact)
    known = {call_id: project.ordered(facts) for call_id, facts in by_call.items()}
    calls = [found for told in known.values() if (found := project.call_of(told)) is not None]
    legs = [leg for told in known.values() for leg in project.legs_of(told)]
    heard_of = {fact.leg for fact in at_hand.values()}
    await _replace(session, CallRow, calls)
    await _replace(session, LegRow, [leg for leg in legs if leg.leg in heard_of])
    return known


async def _lock(session: AsyncSession, call_ids: Sequence[str]) -> None:
    """Let no other transaction project these calls until this one ends; in one order for all, as facts are stored.

    Facts of one call come from several nodes, so two ledgers may hold some each; whoever is second must see what
    the first has stored. SQLite has one writer, which this transaction is since it stored its facts.
    """
    if _dialect(session) == "postgresql":
        await session.execute(_LOCK, {"space": _LOCK_SPACE, "calls": call_ids})


async def _replace(
    session: AsyncSession, table: type[CallRow | LegRow], rows: Sequence[project.Call | project.Leg]
) -> None:
    if not rows:
        return
    statement, names = _upsert(_dialect(session), table)
    values = attrgetter(*names)
    await session.execute(statement, [dict(zip(names, values(row), strict=True)) for row in rows])


@cache
def _insert_facts(dialect: str) -> Any:
    insert = _insert(dialect, _FACT)
    return insert.on_conflict_do_nothing(index_elements=["fact_id"]).returning(_FACT.c.fact_id)


@cache
def _upsert(dialect: str, row: type[CallRow | LegRow]) -> tuple[Any, tuple[str, ...]]:
    """The statement that puts whole rows of a table in the place of older ones, and the names of its columns."""
    table: Any = row.__table__
    statement = _insert(dialect, table)
    keys = [column.name for column in table.primary_key]
    changed = {column.name: statement.excluded[column.name] for column in table.c if column.name not in keys}
    names = tuple(column.name for column in table.c)
    return statement.on_conflict_do_update(index_elements=keys, set_=changed), names


def _insert(dialect: str, table: Any) -> Any:
    """An INSERT that knows ON CONFLICT; the two dialects write it alike and type it apart."""
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)


def _dialect(session: AsyncSession) -> str:
    return session.get_bind().dialect.name
