"""Whether a step may be taken now: who takes it, what it tells, and the counts that bound the loop. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from caselink import loop
from caselink.casefile import Case, advance
from caselink.loop import Action
from caselink.steps import Step, StepError, check_data, flag, names, number, text
from cti import widths


@dataclass(frozen=True, slots=True)
class Rules:
    """What bounds the loop, and the units that there are. An empty `fallback_unit` means that there is none."""

    units: frozenset[str]
    fallback_unit: str = ""
    most_returns: int = 2
    """Returns after which only arbitration or the fallback unit is left."""
    most_reassigns: int = 3
    most_extensions: int = 1
    most_reworks: int = 2
    follow_up_tries: int = 3
    """Tries after which a citizen counts as not reached."""


def take(case: Case, step: Step, rules: Rules) -> Case:
    """Return the case after a new step.

    Raises TransitionError where the state does not allow it and StepError where something else does not; the
    case stays as it was.
    """
    way = loop.move(case.state, step.action)
    if step.role not in way.roles:
        who = " or ".join(sorted(way.roles))
        raise StepError(f"{step.action} is done by {who}, not by {step.role}")
    if len(step.actor) > widths.NAME or not step.actor.isprintable():
        raise StepError(f"who acts has a name of up to {widths.NAME} printable characters")
    check_data(way, step)
    if step.role == "unit" and step.actor != case.unit:
        raise StepError(f"the lead unit is {case.unit or 'not named yet'}, not {step.actor}")
    if step.role == "co_unit" and step.actor not in case.co_units:
        raise StepError(
            f"{step.actor} is no co-unit of this case; co-units: {', '.join(case.co_units) or 'none'}"
        )
    guard = _GUARDS.get(step.action)
    if guard is not None and (refusal := guard(case, step, rules)):
        raise StepError(f"{step.action}: {refusal}")
    return advance(case, step)


# Beside the table. Each of these returns why not, "" where it may be.


def _units_known(case: Case, step: Step, rules: Rules) -> str:
    unit, others = text(step, "unit"), names(step, "co_units")
    for name in (unit, *others):
        if name and name not in rules.units:
            return f"there is no unit {name!r}"
    if (unit or case.unit) in others:
        return f"{unit or case.unit} leads; it can not be a co-unit too"
    return ""


def _may_return(case: Case, step: Step, rules: Rules) -> str:
    if case.is_binding:
        return "it was bound to the unit by a ruling or as the fallback, and can not be returned"
    return ""


def _may_redispatch(case: Case, step: Step, rules: Rules) -> str:
    if case.returns > rules.most_returns:
        return f"it was returned {case.returns} times; what is left is arbitrate or assign_fallback"
    unit = text(step, "unit")
    if unit in case.returned_by:
        return f"{unit} has returned it; refuse_return binds it there, arbitrate asks the supervision office"
    return _units_known(case, step, rules)


def _may_refuse(case: Case, step: Step, rules: Rules) -> str:
    if case.returns > rules.most_returns:
        return f"it was returned {case.returns} times; what is left is arbitrate or assign_fallback"
    return ""


def _is_fallback(case: Case, step: Step, rules: Rules) -> str:
    if not rules.fallback_unit:
        return "the city names no fallback unit; arbitrate instead"
    if text(step, "unit") != rules.fallback_unit:
        return f"the fallback unit is {rules.fallback_unit}"
    return _units_known(case, step, rules)


def _may_reassign(case: Case, step: Step, rules: Rules) -> str:
    unit = text(step, "unit")
    if unit == case.unit:
        return f"{unit} leads already"
    dissolved = case.unit not in rules.units
    if not dissolved and case.reassigns >= rules.most_reassigns and unit != rules.fallback_unit:
        return f"it was reassigned {case.reassigns} times; only the fallback unit is left"
    if not dissolved and case.reassigns > rules.most_reassigns:
        return "it has come to the fallback unit and stays there"
    return _units_known(case, step, rules)


def _may_ask_for_time(case: Case, step: Step, rules: Rules) -> str:
    if case.extensions >= rules.most_extensions:
        return f"an extension was asked for {case.extensions} times; no more than {rules.most_extensions}"
    return _later(case, step, rules)


def _later(case: Case, step: Step, rules: Rules) -> str:
    limit = case.running("reply")
    if number(step, "until") <= max(step.at, limit.due_at if limit else 0):
        return "the new limit is not later than the one that holds"
    return ""


def _may_rework(case: Case, step: Step, rules: Rules) -> str:
    if case.reworks >= rules.most_reworks:
        return f"it was reworked {case.reworks} times; follow up and close it, with the reason"
    return ""


def _may_follow_up(case: Case, step: Step, rules: Rules) -> str:
    if case.state == "follow_up" and case.is_reached:
        return "the citizen was reached; close it or have it reworked"
    if case.tries >= rules.follow_up_tries:
        return f"the citizen was tried {case.tries} times; close it by the rule not_reached"
    if flag(step, "reached"):
        missing = [name for name in ("contacted", "solved", "satisfied") if flag(step, name) is None]
        if missing:
            return f"the citizen was reached, so say {', '.join(missing)}: yes or no"
    return ""


def _may_close(case: Case, step: Step, rules: Rules) -> str:
    rule = text(step, "rule")
    if rule in ("direct_answer", "rejected", "emergency_transferred"):
        return "" if case.state == rule else f"the rule {rule} is for cases that are {rule}"
    if rule == "not_reached":
        if case.state == "follow_up" and not case.is_reached and case.tries >= rules.follow_up_tries:
            return ""
        return f"not_reached needs {rules.follow_up_tries} follow-ups that reached nobody; there were {case.tries}"
    if rule == "rated":
        good = case.state == "rated" and case.is_rated_good
        return "" if good else "only a citizen's own rating, solved and satisfied, stands for a follow-up"
    if rule == "no_contact":
        if case.state not in ("reviewed", "follow_up"):
            return "no_contact is for a reviewed case whose citizen left no way to be asked"
        return "" if text(step, "reason") else "say the reason why the citizen can not be asked"
    if not (case.state == "follow_up" and case.is_reached):
        return "no follow-up has reached the citizen; follow up first, or name the rule that says why not"
    if case.solved is False and not text(step, "reason"):
        return "the citizen says that it is not solved; have it reworked, or say the reason why it can not be"
    return ""


def _may_publish(case: Case, step: Step, rules: Rules) -> str:
    return "it is confidential" if case.is_confidential else ""


def _once(case: Case, step: Step, rules: Rules) -> str:
    key = (step.action, text(step, "stage"), number(step, "due"))
    return "was told already" if key in case.told else ""


def _not_twice_supervised(case: Case, step: Step, rules: Rules) -> str:
    return "it is supervised already" if case.running("supervise") else ""


_GUARDS: Final[Mapping[Action, Callable[[Case, Step, Rules], str]]] = MappingProxyType(
    {
        "dispatch": _units_known,
        "rule": _units_known,
        "request_return": _may_return,
        "redispatch": _may_redispatch,
        "refuse_return": _may_refuse,
        "assign_fallback": _is_fallback,
        "reassign": _may_reassign,
        "request_extension": _may_ask_for_time,
        "grant_extension": _later,
        "rework": _may_rework,
        "follow_up": _may_follow_up,
        "close": _may_close,
        "publish": _may_publish,
        "warn": _once,
        "yellow_card": _once,
        "red_card": _once,
        "escalate": _once,
        "supervise": _not_twice_supervised,
    }
)
