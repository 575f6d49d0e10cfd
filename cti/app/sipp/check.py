"""Tells what the shape of a scenario alone does not: names that nobody has, steps that can not be taken. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from config.source import Inside
from cti.app.sipp.model import CallExpectation, Scenario, Seen, Step
from cti.app.sipp.values import UnknownName, known, name_in, references
from cti.facts import KINDS

STATES = ("signed_out", "not_ready", "ready", "offered", "talking", "wrap_up")

Complaint = tuple[Inside, str, str]
"""A place inside the file, what is wrong there, what would be right."""


def complaints(scenario: Scenario) -> Iterator[Complaint]:
    """Yield everything that is wrong with a scenario."""
    yield from _actors(scenario)
    yield from _steps(scenario)
    yield from _expectations(scenario)
    for place, text in references(scenario):
        try:
            name = name_in(text)
        except UnknownName as error:
            yield place, str(error), "docs/sipp.md lists the names"
            continue
        if not known(name, scenario):
            yield place, f"there is no ${name}", "docs/sipp.md lists the names; $call.x is of the citizen x"


def _actors(scenario: Scenario) -> Iterator[Complaint]:
    for name, actor in scenario.actors.items():
        here: Inside = ("actors", name)
        if actor.role != "citizen":
            for field in ("dials", "caller", "rubbish"):
                if getattr(actor, field) is not None:
                    yield (*here, field), "is for citizens", "leave it out"
            if not scenario.lines:
                yield here, "needs a seat, and the scenario has no line", "give it a line: lines: [rehearsal]"
        elif actor.dials is None and not scenario.lines:
            yield here, "dials nothing", "say which number: dials"


def _steps(scenario: Scenario) -> Iterator[Complaint]:
    verbs = ", ".join(Step.model_fields)
    roles = {"ready": "agent", "not_ready": "agent", "dial": "citizen", "run": "phone"}
    started: set[str] = set()
    for index, step in enumerate(scenario.steps):
        here: Inside = ("steps", index)
        if not step.verb:
            yield here, "says not exactly one thing to do", f"write one of: {verbs}"
        elif step.verb in roles:
            name, role = getattr(step, step.verb), roles[step.verb]
            if name not in scenario.named(role):
                yield (*here, step.verb), f"there is no {role} {name!r}", _choice(role, scenario)
            elif step.verb in ("dial", "run"):
                if name in started:
                    yield (
                        (*here, step.verb),
                        f"{name!r} has been started before",
                        "give a second call an actor",
                    )
                started.add(name)
        elif step.wait_for is not None:
            wait = step.wait_for
            at: Inside = (*here, "wait_for")
            if (wait.call is None) == (wait.agent is None):
                yield at, "waits for not exactly one thing", "write call and fact, or agent and state"
            elif wait.call is not None:
                yield from _is_one(at, "call", wait.call, "citizen", scenario)
                yield from _is_kind((*at, "fact"), wait.fact or "")
                if wait.call not in started:
                    yield (
                        (*at, "call"),
                        f"{wait.call!r} has not dialed yet",
                        f"put the step dial: {wait.call} before",
                    )
            elif wait.agent is not None:
                yield from _is_one(at, "agent", wait.agent, "agent", scenario)
                yield from _is_state((*at, "state"), wait.state or "")
    for name in (*scenario.named("citizen"), *scenario.named("phone")):
        if name not in started:
            yield ("actors", name), "is never started", f"add a step: dial: {name} (run: for a phone)"


def _expectations(scenario: Scenario) -> Iterator[Complaint]:
    expect = scenario.expect
    for index, sip in enumerate(expect.sip):
        here: Inside = ("expect", "sip", index)
        yield from _seen(here, sip, scenario)
        if sip.after is not None:
            yield from _seen((*here, "after"), sip.after, scenario)
        if (sip.after is None) != (sip.within_ms is None):
            yield here, "after and within_ms stand together", "give both or neither"
    for citizen, call in expect.calls.items():
        yield from _is_one(("expect", "calls"), citizen, citizen, "citizen", scenario)
        for place, kind in _kinds(call):
            yield from _is_kind(("expect", "calls", citizen, *place), kind)
    for agent, end in expect.agents.items():
        yield from _is_one(("expect", "agents"), agent, agent, "agent", scenario)
        for index, state in enumerate(end.passes):
            yield from _is_state(("expect", "agents", agent, "passes", index), state)
    for index, order in enumerate(expect.order):
        yield from _is_kind(("expect", "order", index, "fact"), order.fact)
        for position, citizen in enumerate(order.of):
            yield from _is_one(("expect", "order", index, "of"), position, citizen, "citizen", scenario)
    for actor in expect.sipp:
        if actor not in scenario.actors:
            yield ("expect", "sipp", actor), f"there is no actor {actor!r}", "name one of the actors"


def _kinds(call: CallExpectation) -> Iterator[tuple[Inside, str]]:
    for index, fact in enumerate(call.facts):
        kinds = (fact,) if isinstance(fact, str) else tuple(fact)
        if len(kinds) != 1:
            yield ("facts", index), ""
        else:
            yield ("facts", index), kinds[0]
    for kind in call.counts:
        yield ("counts", kind), kind
    for index, kind in enumerate(call.never):
        yield ("never", index), kind


def _seen(here: Inside, seen: Seen, scenario: Scenario) -> Iterator[Complaint]:
    if seen.at not in scenario.actors:
        yield (*here, "at"), f"there is no actor {seen.at!r}", "name one of the actors"
    if (seen.sent is None) == (seen.received is None):
        yield here, "says not exactly one of sent and received", "write one of the two"


def _is_one(here: Inside, key: str | int, name: str, role: str, scenario: Scenario) -> Iterator[Complaint]:
    if name not in scenario.named(role):
        yield (*here, key), f"there is no {role} {name!r}", _choice(role, scenario)


def _choice(role: str, scenario: Scenario) -> str:
    there = ", ".join(scenario.named(role))
    return f"name one of: {there}" if there else f"add an actor with is: {role}"


def _is_kind(here: Inside, kind: str) -> Iterator[Complaint]:
    if kind not in KINDS:
        yield here, f"there is no fact {kind!r}", f"write one of: {', '.join(KINDS)}"


def _is_state(here: Inside, state: str) -> Iterator[Complaint]:
    if state not in STATES:
        yield here, f"there is no state {state!r}", f"write one of: {', '.join(STATES)}"
