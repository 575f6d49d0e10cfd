"""What a case's time comes to: which limits begin with a step, and what the clock has to do about them. Pure.

warn → yellow_card → red_card → supervise → escalate. Everything is computed from the case, the policy and the
moment; whoever runs it holds one timer until the next wake.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from caselink import loop
from caselink.casefile import Case, Limit
from caselink.loop import Action, Stage
from caselink.steps import Step, StepError, number
from caselink.worktime import Duration, WorkClock
from cti.facts import Value

_CARDED: Final[frozenset[Stage]] = frozenset({"acknowledge", "reply"})
"""The unit's own limits; the centre's are only warned of."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Limits of the cases that fit; an empty set fits all. "extension" is the most that one adds to a reply."""

    hotlines: frozenset[str]
    request_types: frozenset[str]
    urgencies: frozenset[str]
    limits: Mapping[str, Duration]

    def fits(self, hotline: str, case: Case) -> bool:
        """Tell whether a case is one of those."""
        return (
            (not self.hotlines or hotline in self.hotlines)
            and (not self.request_types or case.request_type in self.request_types)
            and (not self.urgencies or (case.urgency or "normal") in self.urgencies)
        )


@dataclass(frozen=True, slots=True)
class Policy:
    """How a city limits time. The first rule that fits and names a limit gives it."""

    clock: WorkClock
    rules: Sequence[Rule]
    red_after: Duration
    supervise_after: Duration
    warn_percent: int = 80

    def limit(self, what: str, hotline: str, case: Case) -> Duration:
        """Return how long a stage of a case may take. Raises LookupError where no rule says so."""
        for rule in self.rules:
            if what in rule.limits and rule.fits(hotline, case):
                return rule.limits[what]
        raise LookupError(f"no rule limits {what}")


@dataclass(frozen=True, slots=True)
class Deed:
    """What the clock has to do with a case. `stage` and `due_at` name the limit that it is about."""

    action: Action
    stage: Stage
    due_at: int

    def event_id(self, case_number: str) -> str:
        """The same whoever does it and however often, so that it is done once."""
        return f"{self.action}:{case_number}:{self.stage}:{self.due_at}"


@dataclass(frozen=True, slots=True)
class Due:
    """What is to be done now, in this order, and when to look again (µs; None: only after the next step)."""

    deeds: tuple[Deed, ...]
    wake_at: int | None


def with_limits(case: Case, hotline: str, step: Step, policy: Policy) -> Step:
    """Return the step with the limits that begin with it; one that it names itself stays.

    Raises TransitionError where the state does not allow the step.
    """
    way = loop.move(case.state, step.action)
    if not way.limits:
        return step
    data: dict[str, Value] = dict(step.data)
    for stage in way.limits:
        if data.get(f"{stage}_by") in (None, ""):
            # What the step itself tells decides: a request registered as critical is dispatched as one.
            about = Case(
                request_type=str(step.data.get("request_type") or case.request_type),
                urgency=str(step.data.get("urgency") or case.urgency),
            )
            length = policy.limit(stage, hotline, about)
            data[f"{stage}_by"] = policy.clock.after(step.at, length)
            data[f"{stage}_clock"] = "working" if length.is_working else "calendar"
    return Step(step.action, step.role, step.actor, step.at, data)


def check_extension(case: Case, hotline: str, step: Step, policy: Policy) -> None:
    """Raise StepError where an extension asks for, or grants, more than the policy allows."""
    running = case.running("reply")
    if step.action not in ("request_extension", "grant_extension") or running is None:
        return
    longest = policy.limit("extension", hotline, case)
    latest = policy.clock.after(running.due_at, longest)
    if number(step, "until") > latest:
        raise StepError(f"{step.action}: an extension adds at most {longest}")


def due(case: Case, policy: Policy, now: int) -> Due:
    """Return what the clock has to do with a case at `now`."""
    if case.state not in loop.OPEN:
        return Due((), None)
    deeds: list[Deed] = []
    wakes: list[int] = []
    for limit in case.limits:
        if limit.ended_at is not None:
            continue
        for at, deed in _deeds(limit, policy):
            if (deed.action, deed.stage, deed.due_at) in case.told:
                continue
            if at > now:
                wakes.append(at)
            elif deed.action == "warn" and limit.due_at <= now:
                continue  # It is late already: a warning would say less than is known.
            elif deed.action == "supervise" and not _can_supervise(case, deeds):
                continue
            else:
                deeds.append(deed)
    return Due(tuple(deeds), min(wakes, default=None))


def _can_supervise(case: Case, before: Sequence[Deed]) -> bool:
    """A case is supervised as a whole, whichever of its limits came to it first."""
    running = case.running("supervise") or any(deed.action == "supervise" for deed in before)
    return not running and case.state in loop.AT_UNIT


def _deeds(limit: Limit, policy: Policy) -> Iterator[tuple[int, Deed]]:
    if limit.stage == "supervise":
        yield limit.due_at, Deed("escalate", "supervise", limit.due_at)
        return
    yield _warn_at(limit, policy), Deed("warn", limit.stage, limit.due_at)
    if limit.stage not in _CARDED:
        return
    red_at = policy.clock.after(limit.due_at, policy.red_after)
    yield limit.due_at, Deed("yellow_card", limit.stage, limit.due_at)
    yield red_at, Deed("red_card", limit.stage, limit.due_at)
    supervise_at = policy.clock.after(red_at, policy.supervise_after)
    yield supervise_at, Deed("supervise", limit.stage, limit.due_at)


def _warn_at(limit: Limit, policy: Policy) -> int:
    """When so much of the limit is gone, counted in the time that it was given in."""
    if limit.is_working:
        worked = policy.clock.worked(limit.started_at, limit.due_at)
        if worked:
            return policy.clock.worked_after(limit.started_at, worked * policy.warn_percent // 100)
    return limit.started_at + (limit.due_at - limit.started_at) * policy.warn_percent // 100
