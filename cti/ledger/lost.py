"""Closes in the books the calls that an Asterisk took with it when it ended: nobody told their end.

Pure, but for `unfinished`, which asks SQL for the calls that are meant.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cti.facts import Fact
from cti.ledger.store import facts_of
from cti.tables import CallRow

_AT_ONCE = 500


async def unfinished(session: AsyncSession, node: str, before: int) -> tuple[Fact, ...]:
    """Return the facts of this node's calls without an end that arrived before a moment (microseconds)."""
    query = (
        select(CallRow.call_id)
        .where(CallRow.node == node, CallRow.ended_at.is_(None), CallRow.arrived_at < before)
        .order_by(CallRow.arrived_at)
        .limit(_AT_ONCE)
    )
    return await facts_of(session, (await session.scalars(query)).all())


def endings(facts: Iterable[Fact]) -> tuple[Fact, ...]:
    """Return the facts that end these calls and what is left of their legs, at each call's last sign of life.

    Their ids are made from the calls' alone, so that closing twice is closing once.
    """
    by_call: dict[str, list[Fact]] = {}
    for fact in facts:
        by_call.setdefault(fact.call_id, []).append(fact)
    return tuple(ending for told in by_call.values() for ending in _endings(told))


def _endings(told: list[Fact]) -> Iterable[Fact]:
    last = max(told, key=lambda fact: fact.at)
    ended = {fact.leg for fact in told if fact.kind == "leg_ended"}
    for fact in told:
        if fact.kind == "leg_started" and fact.leg not in ended:
            yield Fact(
                fact_id=f"leg_lost:{fact.leg}",
                kind="leg_ended",
                at=last.at,
                call_id=fact.call_id,
                leg=fact.leg,
                node=fact.node,
                data={**fact.data, "cause": 0, "lost": True},
            )
    yield Fact(
        fact_id=f"call_lost:{last.call_id}",
        kind="call_ended",
        at=last.at,
        call_id=last.call_id,
        node=last.node,
        data={"lost": True},
    )
