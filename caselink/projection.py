"""Between a case and its rows: a history read from SQL, and what it comes to written back. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from caselink.casefile import Case, Limit, replay
from caselink.limits import Policy, due
from caselink.loop import OF_THE_CALL, Action, Role
from caselink.steps import Step
from caselink.tables import CaseEventRow
from cti import widths
from cti.facts import Fact
from cti.signals import node_of


def history(rows: Iterable[CaseEventRow]) -> Case:
    """Return the case that its events come to.

    What a call told comes first, in whatever order it became known; then the steps of the loop by their version.
    """
    told = sorted(rows, key=lambda row: (row.version or 0, row.action != "open", row.at, row.id))
    return replay(_step(row) for row in told)


def _step(row: CaseEventRow) -> Step:
    action: Action = row.action  # type: ignore[assignment]
    role: Role = "system" if action in OF_THE_CALL else row.role  # type: ignore[assignment]
    return Step(action, role, row.actor, row.at, row.data)


def columns(case: Case, policy: Policy, now: int) -> dict[str, Any]:
    """Return the columns of the `case` row that are the loop's, by name. Before a dispatch the unit stays."""
    unit = {"unit": case.unit} if case.unit else {}
    wake = due(case, policy, now)
    return {
        **unit,
        "version": case.version,
        "state": case.state,
        "request_type": case.request_type or None,
        "urgency": case.urgency,
        "topic": case.topic,
        "text": case.text,
        "address": case.address,
        "grid": case.grid,
        "is_confidential": case.is_confidential,
        "co_units": ",".join(case.co_units),
        "parent": case.parent,
        "repeat": case.repeat,
        "repeats": case.repeats,
        "returns": case.returns,
        "reworks": case.reworks,
        "card": case.card,
        "is_supervised": case.is_supervised,
        "rule": case.rule,
        "contacted": case.contacted,
        "solved": case.solved,
        "satisfied": case.satisfied,
        **{name: getattr(case, name) or None for name in _MOMENTS},
        "wake_at": now if wake.deeds else wake.wake_at,
    }


_MOMENTS = (
    "registered_at",
    "dispatched_at",
    "acknowledged_at",
    "replied_at",
    "reviewed_at",
    "followed_up_at",
    "rated_at",
    "closed_at",
)


def limit_columns(case_id: int, place: int, limit: Limit) -> dict[str, Any]:
    """Return one `case_limit` row."""
    return {
        "case_id": case_id,
        "place": place,
        "stage": limit.stage,
        "unit": limit.unit,
        "started_at": limit.started_at,
        "due_at": limit.due_at,
        "is_extended": limit.is_extended,
        "ended_at": limit.ended_at,
        "ended": limit.ended,
    }


def changed_limits(before: Sequence[Limit], after: Sequence[Limit]) -> tuple[tuple[int, Limit], ...]:
    """Return the limits that a step has changed or begun, each with its place; limits are never taken away."""
    return tuple(
        (place, limit) for place, limit in enumerate(after) if place >= len(before) or before[place] != limit
    )


def fact(number: str, call_id: str, case: Case, step: Step) -> Fact:
    """Return the fact that a step was taken: what, by whom, and what came of it; nothing of what it tells."""
    return Fact(
        fact_id=f"case_step:{number}:{case.version}",
        kind="case_step",
        at=step.at,
        call_id=call_id,
        node=node_of(call_id)[: widths.NODE],
        data={
            "case": number,
            "version": case.version,
            "action": step.action,
            "role": step.role,
            "actor": step.actor,
            "state": case.state,
            "unit": case.unit,
            "stage": step.data.get("stage") or None,
        },
    )
