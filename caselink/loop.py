"""The case loop as data: state × action → state, with who may do it and what it must tell. Pure.

公众 → 热线 → 责任单位 → 热线 → 公众. A key that is not in the table is an error and leaves the case as it was.
Counts that bound the loop (returns, reworks, tries) are in `caselink.guards`; docs/case-loop.md is drawn from
this table.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal, cast, get_args

State = Literal[
    "",
    "received",
    "registered",
    "direct_answer",
    "rejected",
    "emergency_transferred",
    "dispatched",
    "return_requested",
    "arbitration",
    "acknowledged",
    "in_progress",
    "extension_requested",
    "replied",
    "rework",
    "reviewed",
    "rated",
    "follow_up",
    "closed",
    "published",
]
"""Where a case is; "" before it is opened."""

Action = Literal[
    "open",
    "answer",
    "request_callback",
    "register",
    "answer_directly",
    "reject",
    "transfer_emergency",
    "dispatch",
    "acknowledge",
    "request_return",
    "redispatch",
    "refuse_return",
    "arbitrate",
    "rule",
    "assign_fallback",
    "reassign",
    "contact_citizen",
    "request_extension",
    "grant_extension",
    "refuse_extension",
    "contribute",
    "reply",
    "review",
    "rework",
    "rate",
    "follow_up",
    "close",
    "publish",
    "remind",
    "comment",
    "supervise",
    "explain",
    "warn",
    "yellow_card",
    "red_card",
    "escalate",
    "repeat",
]

Role = Literal["system", "agent", "centre", "unit", "co_unit", "supervisor", "citizen"]
"""system: the platform itself, by what a call told or by the clock. supervisor: the supervision office (督查)."""

Stage = Literal["dispatch", "acknowledge", "reply", "review", "follow_up", "supervise"]
"""What is limited in time."""

STATES: Final[tuple[State, ...]] = get_args(State)
ACTIONS: Final[tuple[Action, ...]] = get_args(Action)
ROLES: Final[tuple[Role, ...]] = get_args(Role)
STAGES: Final[tuple[Stage, ...]] = get_args(Stage)


@dataclass(frozen=True, slots=True)
class Move:
    """One way: where it leads, who may go it, which data it needs and may have (`caselink.steps.KEYS`).

    `limits` are the stages whose time begins with it; each needs `<stage>_by`, the moment of its end.
    """

    to: State
    roles: frozenset[Role]
    needs: tuple[str, ...] = ()
    may: tuple[str, ...] = ()
    limits: tuple[Stage, ...] = ()


class TransitionError(ValueError):
    """An action that a case's state does not allow; the message says which it does."""


AT_UNIT: Final[frozenset[State]] = frozenset(
    {"dispatched", "acknowledged", "in_progress", "extension_requested", "rework"}
)
"""The lead unit's turn."""
AT_CENTRE: Final[frozenset[State]] = frozenset(
    {"registered", "return_requested", "arbitration", "replied", "reviewed", "rated", "follow_up"}
)
"""The centre's turn."""
OPEN: Final[frozenset[State]] = AT_UNIT | AT_CENTRE
"""Something remains to be done and is limited in time."""
ENDED: Final[frozenset[State]] = frozenset({"closed", "published"})

OF_THE_CALL: Final[frozenset[Action]] = frozenset({"open", "answer", "request_callback"})
"""What a call tells, early or late and in any order; no step of the loop, so it counts in no version."""

_EVERY: Final[tuple[State, ...]] = STATES[1:]
_UNIT: Final[tuple[State, ...]] = tuple(state for state in STATES if state in AT_UNIT)
_OPEN: Final[tuple[State, ...]] = tuple(state for state in STATES if state in OPEN)
_SAME: Final = "same"

Way = tuple[tuple[State, Action], Move]


def _way(
    states: tuple[State, ...],
    action: Action,
    to: str,
    roles: str,
    needs: str = "",
    may: str = "",
    limits: str = "",
) -> Iterator[Way]:
    for state in states:
        move = Move(
            to=state if to == _SAME else cast(State, to),
            roles=frozenset(cast(Role, role) for role in roles.split()),
            needs=tuple(needs.split()),
            may=tuple(may.split()),
            limits=tuple(cast(Stage, stage) for stage in limits.split()),
        )
        yield (state, action), move


def _ways() -> Iterator[Way]:
    """Every way, in the order of a case's life."""
    yield from _way(("",), "open", "received", "system", may="channel")
    # An agent took the citizen's call, the first or the next one after a transfer; this may become known late.
    yield from _way(_EVERY, "answer", _SAME, "system", may="seat offer")
    yield from _way(_EVERY, "request_callback", _SAME, "system")

    received: tuple[State, ...] = ("received",)
    about = "topic address grid confidential"
    found = "parent repeat evidence_of_repeat"
    yield from _way(
        received,
        "register",
        "registered",
        "agent centre",
        "request_type urgency text",
        f"{about} {found}",
        "dispatch",
    )
    yield from _way(
        received, "answer_directly", "direct_answer", "agent centre", "request_type text result", about
    )
    yield from _way(received, "reject", "rejected", "agent centre", "ground", "request_type text topic")
    yield from _way(received, "transfer_emergency", "emergency_transferred", "agent centre", "to", "text")

    both = "acknowledge reply"
    yield from _way(("registered",), "dispatch", "dispatched", "centre", "unit", "co_units text", both)
    yield from _way(("dispatched", "rework"), "acknowledge", "acknowledged", "unit")
    yield from _way(
        ("dispatched",), "request_return", "return_requested", "unit", "reason", "proposed_unit", "dispatch"
    )
    returned: tuple[State, ...] = ("return_requested",)
    yield from _way(returned, "redispatch", "dispatched", "centre", "unit", "co_units reason", both)
    yield from _way(returned, "refuse_return", "dispatched", "centre", "reason", "", both)
    yield from _way(returned, "arbitrate", "arbitration", "centre", "reason", "", "dispatch")
    yield from _way(("arbitration",), "rule", "dispatched", "supervisor", "unit reason", "co_units", both)
    yield from _way(
        ("return_requested", "arbitration"),
        "assign_fallback",
        "dispatched",
        "centre supervisor",
        "unit reason",
        "co_units",
        both,
    )
    yield from _way(_UNIT, "reassign", "dispatched", "centre", "unit reason", "co_units", both)

    working: tuple[State, ...] = ("acknowledged", "in_progress")
    yield from _way(working, "contact_citizen", "in_progress", "unit", "text")
    yield from _way(("extension_requested",), "contact_citizen", _SAME, "unit", "text")
    yield from _way(working, "request_extension", "extension_requested", "unit", "reason until")
    asked: tuple[State, ...] = ("extension_requested",)
    yield from _way(asked, "grant_extension", "in_progress", "centre", "until", "reason")
    yield from _way(asked, "refuse_extension", "in_progress", "centre", "reason")
    yield from _way(_UNIT, "contribute", _SAME, "co_unit", "text", "evidence")
    yield from _way(
        ("in_progress", "extension_requested"), "reply", "replied", "unit", "result evidence", "", "review"
    )

    yield from _way(("replied",), "review", "reviewed", "centre", "", "text", "follow_up")
    yield from _way(("replied", "follow_up"), "rework", "rework", "centre", "reason", "", both)
    yield from _way(("reviewed",), "rate", "rated", "citizen", "solved satisfied", "text channel")
    yield from _way(
        ("reviewed", "rated", "direct_answer", "follow_up"),
        "follow_up",
        "follow_up",
        "agent centre",
        "reached",
        "contacted solved satisfied text",
    )
    yield from _way(
        ("follow_up", "rated", "reviewed", "direct_answer", "rejected", "emergency_transferred"),
        "close",
        "closed",
        "centre",
        "rule",
        "reason",
    )
    yield from _way(("closed",), "publish", "published", "centre", "text")

    yield from _way(_OPEN, "remind", _SAME, "centre agent citizen supervisor", "", "text")
    yield from _way(_OPEN, "comment", _SAME, "unit co_unit centre agent supervisor", "text")
    yield from _way(_UNIT, "supervise", _SAME, "system supervisor", "reason", "stage due", "supervise")
    yield from _way((*_UNIT, "replied"), "explain", _SAME, "unit", "text")
    cards: tuple[Action, ...] = ("warn", "yellow_card", "red_card", "escalate")
    for card in cards:
        yield from _way(_OPEN, card, _SAME, "system", "stage due")
    yield from _way(_EVERY, "repeat", _SAME, "system", "child")


TRANSITIONS: Final[Mapping[tuple[State, Action], Move]] = MappingProxyType(dict(_ways()))
"""The whole loop."""

RUNS_IN: Final[Mapping[Stage, frozenset[State]]] = MappingProxyType(
    {
        "dispatch": frozenset({"registered", "return_requested", "arbitration"}),
        "acknowledge": frozenset({"dispatched", "rework"}),
        "reply": AT_UNIT,
        "review": frozenset({"replied"}),
        "follow_up": frozenset({"reviewed", "rated"}),
        "supervise": AT_UNIT,
    }
)
"""In which states a stage's time runs; it is over when the case leaves them."""


def move(state: str, action: str) -> Move:
    """Return the way of an action from a state. Raises TransitionError where there is none."""
    found = TRANSITIONS.get((cast(State, state), cast(Action, action)))
    if found is None:
        possible = ", ".join(actions(state)) or "nothing"
        raise TransitionError(
            f"a case that is {state or 'not opened'!r} can not take the action {action!r}; possible: {possible}"
        )
    return found


def after(state: str, action: Action) -> State:
    """Return the state that an action leads to. Raises TransitionError where there is no way."""
    return move(state, action).to


def actions(state: str, role: Role | None = None) -> tuple[Action, ...]:
    """Return what people can do with a case that is in a state, or what those of one role can."""
    return tuple(
        action
        for (of, action), way in TRANSITIONS.items()
        if of == state and (role in way.roles if role else way.roles != {"system"})
    )
