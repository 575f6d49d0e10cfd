"""Steps for walks through the case loop: for each action some that it may take, right and wrong."""

from __future__ import annotations

from collections.abc import Iterator

from caselink import loop
from caselink.casefile import Case
from caselink.guards import Rules
from caselink.steps import Step, StepError
from cti.facts import Value

HOUR = 3_600_000_000
START = 1_795_536_000_000_000
RULES = Rules(units=frozenset({"a", "b", "c", "d", "e", "fallback"}), fallback_unit="fallback")

_CHOICES: dict[str, tuple[Value, ...]] = {
    "request_type": ("complaint", "inquiry"),
    "urgency": ("normal", "critical"),
    "unit": ("a", "b", "c", "d", "e", "fallback", "nobody"),
    "co_units": ("", "b", "c,d"),
    "ground": ("out_of_scope",),
    "to": ("119",),
    "reached": (True, False),
    "contacted": (True,),
    "solved": (True, False),
    "satisfied": (True, False),
    "rule": ("followed_up", "not_reached", "rated", "direct_answer", "rejected", "emergency_transferred"),
    "stage": ("reply",),
    "child": ("20261125000002",),
    "confidential": (False,),
}


def steps(case: Case, at: int, pick: Iterator[int]) -> Iterator[Step]:
    """Yield one step for each action that the table knows of the state, its data as `pick` says."""
    for action in loop.ACTIONS:
        way = loop.TRANSITIONS.get((case.state, action))
        if way is None:
            continue
        roles = sorted(way.roles)
        role = roles[next(pick) % len(roles)]
        actor = {"unit": case.unit, "co_unit": next(iter(case.co_units), "x")}.get(role, "1001")
        data: dict[str, Value] = {}
        for name in (*way.needs, *way.may):
            if name in way.may and name not in ("co_units", "contacted", "solved", "satisfied", "reason"):
                continue
            if name in ("until", "due"):
                data[name] = at + 2_000 * HOUR
            else:
                values = _CHOICES.get(name, ("a text",))
                data[name] = values[next(pick) % len(values)]
        if not data.get("reached", True):
            for name in ("contacted", "solved", "satisfied"):
                data.pop(name)
        for stage in way.limits:
            data[f"{stage}_by"] = at + 24 * HOUR
        yield Step(action, role, actor, at, data)


def possible(case: Case, at: int, pick: Iterator[int], rules: Rules = RULES) -> list[tuple[Step, Case]]:
    """Return the steps that are taken, each with what the case is after it."""
    from caselink.guards import take

    found = []
    for step in steps(case, at, pick):
        try:
            found.append((step, take(case, step, rules)))
        except StepError:
            continue
    return found
