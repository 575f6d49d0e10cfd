"""One case as its history makes it: its steps are replayed, nothing else is kept. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final, Literal

from caselink import loop
from caselink.loop import Action, Stage, State
from caselink.steps import Step, flag, names, number, text

Ended = Literal["", "done", "moved"]
"""How a limit ended: "" while it runs, done by its stage, moved where the case was taken from who had it."""


@dataclass(frozen=True, slots=True)
class Limit:
    """One stage's time: whose, from when to when (µs). `ended_at` is when it was over, None while it runs."""

    stage: Stage
    unit: str
    started_at: int
    due_at: int
    is_working: bool = True
    """Whether it was given in working time."""
    is_extended: bool = False
    ended_at: int | None = None
    ended: Ended = ""


@dataclass(frozen=True, slots=True)
class Case:
    """What a history comes to. Texts are "" and moments 0 until something tells them."""

    state: State = ""
    version: int = 0
    """How many steps of the loop there were."""
    request_type: str = ""
    urgency: str = ""
    topic: str = ""
    text: str = ""
    address: str = ""
    grid: str = ""
    is_confidential: bool = False
    parent: str = ""
    repeat: int = 0
    """Which repeat of its parent it is: 1 for the first; 0 for none."""
    repeats: int = 0
    """How many repeats have joined it."""
    unit: str = ""
    """Who leads."""
    co_units: tuple[str, ...] = ()
    is_binding: bool = False
    """Ruled or fallen back: the unit can not return it."""
    returns: int = 0
    returned_by: tuple[str, ...] = ()
    reassigns: int = 0
    extensions: int = 0
    wanted_until: int = 0
    reworks: int = 0
    tries: int = 0
    is_reached: bool = False
    contacted: bool | None = None
    solved: bool | None = None
    satisfied: bool | None = None
    is_rated: bool = False
    is_rated_good: bool = False
    card: Literal["", "warned", "yellow_card", "red_card"] = ""
    """The worst that its limits came to."""
    told: frozenset[tuple[str, str, int]] = frozenset()
    """What the clock has told: action, stage, and the end of the limit that it was about."""
    is_supervised: bool = False
    is_explained: bool = False
    limits: tuple[Limit, ...] = ()
    result: str = ""
    rule: str = ""
    public_text: str = ""
    registered_at: int = 0
    dispatched_at: int = 0
    acknowledged_at: int = 0
    replied_at: int = 0
    reviewed_at: int = 0
    followed_up_at: int = 0
    rated_at: int = 0
    closed_at: int = 0

    def running(self, stage: Stage) -> Limit | None:
        """Return the limit of a stage that runs now."""
        return next((one for one in self.limits if one.stage == stage and one.ended_at is None), None)


def replay(steps: Iterable[Step]) -> Case:
    """Return what a history comes to. Raises TransitionError where it is none of the loop's."""
    case = Case()
    for step in steps:
        case = advance(case, step)
    return case


def advance(case: Case, step: Step) -> Case:
    """Return the case after a step that has happened. Raises TransitionError where the table has no such way."""
    way = loop.move(case.state, step.action)
    effect = _EFFECTS.get(step.action)
    changed = effect(case, step) if effect else case
    return replace(
        changed,
        state=way.to,
        version=case.version + (step.action not in loop.OF_THE_CALL),
        limits=_limits(changed, way, step),
    )


_BY_DISPATCH: Final = frozenset[Action](
    {"dispatch", "redispatch", "refuse_return", "rule", "assign_fallback"}
)
_COMPLETES: Final[Mapping[Stage, frozenset[Action]]] = MappingProxyType(
    {
        "dispatch": _BY_DISPATCH,
        "acknowledge": frozenset({"acknowledge"}),
        "reply": frozenset({"reply"}),
        "review": frozenset({"review", "rework"}),
        "follow_up": frozenset({"follow_up", "close"}),
        "supervise": frozenset({"reply"}),
    }
)
"""What ends a stage's time by doing what it is for; anything else takes the case from who had it."""


def _limits(changed: Case, way: loop.Move, step: Step) -> tuple[Limit, ...]:
    """End the limits that the step ends, and begin those that begin with it."""
    kept = []
    for one in changed.limits:
        if one.ended_at is not None or (way.to in loop.RUNS_IN[one.stage] and one.stage not in way.limits):
            kept.append(one)
        else:
            kept.append(
                replace(
                    one, ended_at=step.at, ended="done" if step.action in _COMPLETES[one.stage] else "moved"
                )
            )
    for stage in way.limits:
        due = step.data.get(f"{stage}_by")
        if type(due) is not int:
            continue
        unit = changed.unit if stage in ("acknowledge", "reply", "supervise") else ""
        working = step.data.get(f"{stage}_clock") != "calendar"
        kept.append(Limit(stage, unit, step.at, due, working))
    return tuple(kept)


# What steps change beside the state and the limits.


def _about(case: Case, step: Step) -> Case:
    return replace(
        case,
        request_type=text(step, "request_type") or case.request_type,
        urgency=text(step, "urgency") or case.urgency,
        topic=text(step, "topic"),
        text=text(step, "text"),
        address=text(step, "address"),
        grid=text(step, "grid"),
        is_confidential=bool(flag(step, "confidential")),
        parent=text(step, "parent"),
        repeat=number(step, "repeat"),
        result=text(step, "result"),
        registered_at=step.at if step.action == "register" else 0,
    )


def _to_unit(case: Case, step: Step) -> Case:
    unit = text(step, "unit") or case.unit
    others = names(step, "co_units") if "co_units" in step.data else case.co_units
    return replace(
        case,
        unit=unit,
        co_units=tuple(name for name in others if name != unit),
        dispatched_at=case.dispatched_at or step.at,
        reassigns=case.reassigns + (step.action == "reassign"),
        is_binding=case.is_binding or step.action in ("rule", "assign_fallback"),
    )


def _return(case: Case, step: Step) -> Case:
    by = case.returned_by if step.actor in case.returned_by else (*case.returned_by, step.actor)
    return replace(case, returns=case.returns + 1, returned_by=by)


def _granted(case: Case, step: Step) -> Case:
    until = number(step, "until")
    limits = tuple(
        replace(one, due_at=until, is_extended=True) if one.stage == "reply" and one.ended_at is None else one
        for one in case.limits
    )
    return replace(case, limits=limits, extensions=case.extensions + 1, wanted_until=0)


def _rework(case: Case, step: Step) -> Case:
    return replace(
        case, reworks=case.reworks + 1, tries=0, is_reached=False, is_rated=False, is_rated_good=False
    )


def _follow_up(case: Case, step: Step) -> Case:
    reached = bool(flag(step, "reached"))
    return replace(
        case,
        tries=case.tries + 1,
        is_reached=reached,
        followed_up_at=step.at if reached else case.followed_up_at,
        contacted=flag(step, "contacted") if reached else case.contacted,
        solved=flag(step, "solved") if reached else case.solved,
        satisfied=flag(step, "satisfied") if reached else case.satisfied,
    )


def _rate(case: Case, step: Step) -> Case:
    solved, satisfied = flag(step, "solved"), flag(step, "satisfied")
    return replace(
        case,
        is_rated=True,
        is_rated_good=bool(solved and satisfied),
        solved=solved,
        satisfied=satisfied,
        rated_at=step.at,
    )


_WORSE: Final = {"": 0, "warned": 1, "yellow_card": 2, "red_card": 3}


def _clock(case: Case, step: Step) -> Case:
    told = case.told | {(step.action, text(step, "stage"), number(step, "due"))}
    card = {"warn": "warned", "yellow_card": "yellow_card", "red_card": "red_card"}.get(step.action, "")
    if _WORSE[card] <= _WORSE[case.card]:
        return replace(case, told=told)
    return replace(case, told=told, card=card)  # type: ignore[arg-type]


def _supervise(case: Case, step: Step) -> Case:
    return replace(_clock(case, step), is_supervised=True, is_explained=False)


_EFFECTS: Final[Mapping[Action, Callable[[Case, Step], Case]]] = MappingProxyType(
    {
        "register": _about,
        "answer_directly": _about,
        "reject": _about,
        "transfer_emergency": _about,
        "dispatch": _to_unit,
        "redispatch": _to_unit,
        "refuse_return": _to_unit,
        "rule": _to_unit,
        "assign_fallback": _to_unit,
        "reassign": _to_unit,
        "acknowledge": lambda case, step: replace(case, acknowledged_at=step.at),
        "request_return": _return,
        "request_extension": lambda case, step: replace(case, wanted_until=number(step, "until")),
        "grant_extension": _granted,
        "refuse_extension": lambda case, step: replace(case, extensions=case.extensions + 1, wanted_until=0),
        "reply": lambda case, step: replace(case, result=text(step, "result"), replied_at=step.at),
        "review": lambda case, step: replace(case, reviewed_at=step.at),
        "rework": _rework,
        "follow_up": _follow_up,
        "rate": _rate,
        "close": lambda case, step: replace(case, rule=text(step, "rule"), closed_at=step.at),
        "publish": lambda case, step: replace(case, public_text=text(step, "text")),
        "supervise": _supervise,
        "explain": lambda case, step: replace(case, is_explained=True),
        "warn": _clock,
        "yellow_card": _clock,
        "red_card": _clock,
        "escalate": _clock,
        "repeat": lambda case, step: replace(case, repeats=case.repeats + 1),
    }
)
