"""Holds what was seen of a run against what was expected of it, and says in words what differs. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from cti.app.sipp import model
from cti.app.sipp.model import Expectations, FactMatch, Match, Scalar, SipExpectation, Words
from cti.app.sipp.observed import Observed, Seen
from cti.app.sipp.values import resolve
from cti.facts import Fact, Value

Values = Mapping[str, Scalar]
CLOCK_SLACK_US = 20_000
"""A SIPp notes what it has sent when that may have been received already."""
LONGEST = 80
"""Characters of a value that are shown."""


def judge(expect: Expectations, observed: Observed, values: Values) -> tuple[str, ...]:
    """Return one sentence for each expectation that is not met; none: the scenario has passed.

    Raises UnknownName if the scenario uses a `$name` that `values` has not.
    """
    return (
        *_sipp(expect, observed),
        *(reason for sip in expect.sip for reason in _message(sip, observed, values)),
        *(
            reason
            for citizen, call in expect.calls.items()
            for reason in _call(citizen, call, observed, values)
        ),
        *(
            reason
            for name, agent in expect.agents.items()
            for reason in _agent(name, agent, observed, values)
        ),
        *(reason for order in expect.order for reason in _order(order, observed)),
    )


def differs(found: Value, match: Match, values: Values) -> str:
    """Return what a value should have been ("at least 3"), "" if it is so."""
    if not isinstance(match, Words):
        wanted = resolve(match, values)
        return "" if type(found) is type(wanted) and found == wanted else _shown(wanted)
    missed = []
    if match.at_least is not None and not _compared(found, resolve(match.at_least, values), 1):
        missed.append(f"at least {_shown(resolve(match.at_least, values))}")
    if match.at_most is not None and not _compared(found, resolve(match.at_most, values), -1):
        missed.append(f"at most {_shown(resolve(match.at_most, values))}")
    if match.one_of is not None and found not in (
        choices := [resolve(value, values) for value in match.one_of]
    ):
        missed.append("one of " + ", ".join(_shown(value) for value in choices))
    if match.matches is not None and not re.fullmatch(match.matches, str(found), re.DOTALL):
        missed.append(f"as {match.matches!r}")
    if match.unlike is not None and found == resolve(match.unlike, values):
        missed.append(f"not {_shown(resolve(match.unlike, values))}")
    return " and ".join(missed)


def _compared(found: Value, bound: Scalar, direction: int) -> bool:
    if type(found) is not int or type(bound) is not int:
        return False
    return (found - bound) * direction >= 0


def _shown(value: object) -> str:
    text = value if isinstance(value, str) else str(value)
    short = text if len(text) <= LONGEST else f"{text[:LONGEST]}… ({len(text)} characters)"
    return repr(short) if isinstance(value, str) else short


def _sipp(expect: Expectations, observed: Observed) -> Iterator[str]:
    for name, counted in observed.counted.items():
        if expect.sipp.get(name, "good") == "good" and counted.failed:
            why = ", ".join(counted.why) or "no reason given"
            yield f"{name}: its SIPp did not go as its XML says ({why}); {counted.first_error}".rstrip("; ")


def _found(at: model.Seen, observed: Observed) -> tuple[Seen, ...]:
    sent = at.sent is not None
    kind = at.sent if at.sent is not None else at.received or ""
    messages = observed.messages.get(at.at, ())
    return tuple(seen for seen in messages if seen.sent == sent and seen.is_kind(kind, at.to))


def _told(at: model.Seen) -> str:
    verb, kind = ("send", at.sent) if at.sent is not None else ("receive", at.received)
    return f"{at.at} to {verb} {kind}" + (f" to its {at.to}" if at.to else "")


def _message(sip: SipExpectation, observed: Observed, values: Values) -> Iterator[str]:
    found = _found(sip, observed)
    wanted: Match = Words(at_least=1) if sip.count is None else sip.count
    if differing := differs(len(found), wanted, values):
        yield f"expected {_told(sip)} {differing} times, saw {len(found)}"
        return
    if not found:
        return
    for header, match in sip.headers.items():
        if differing := differs(value := found[0].message.get(header.lower()), match, values):
            yield f"expected {_told(sip)} with {header} {differing}, it was {_shown(value)}"
    if sip.after is None or sip.within_ms is None:
        return
    earlier = _found(sip.after, observed)
    if not earlier:
        yield f"expected {_told(sip.after)}, which never happened"
        return
    limit = resolve(sip.within_ms, values)
    since = earlier[0].at_us
    passed = [(seen.at_us - since) / 1000 for seen in found if seen.at_us >= since - CLOCK_SLACK_US]
    if not passed or passed[0] > int(limit):
        took = f"it took {passed[0]:.0f} ms" if passed else "it came before"
        yield f"expected {_told(sip)} within {limit} ms after {_told(sip.after)}, {took}"


def _call(citizen: str, call: model.CallExpectation, observed: Observed, values: Values) -> Iterator[str]:
    facts = observed.of_call(citizen)
    if not facts:
        if call.facts or any(differs(0, match, values) for match in call.counts.values()):
            yield f"{citizen}: the platform stored no such call"
        return
    position = 0
    for wanted in call.facts:
        kind, data = _wanted(wanted)
        rest = facts[position:]
        index = next(
            (i for i, fact in enumerate(rest) if fact.kind == kind and _fits(fact, data, values)), None
        )
        if index is None:
            yield f"{citizen}: {_why_not(kind, data, rest, facts, values)}"
            return
        position += index + 1
    for kind, match in call.counts.items():
        number = sum(fact.kind == kind for fact in facts)
        if differing := differs(number, match, values):
            yield f"{citizen}: expected {kind} {differing} times, stored {number}"
    for kind in call.never:
        if any(fact.kind == kind for fact in facts):
            yield f"{citizen}: {kind} was never to happen"
    row = observed.rows.get(citizen, {})
    for column, match in call.row.items():
        if differing := differs(row.get(column), match, values):
            yield f"{citizen}: expected its {column} to be {differing}, it is {_shown(row.get(column))}"


def _wanted(fact: FactMatch) -> tuple[str, Mapping[str, Match]]:
    return (fact, {}) if isinstance(fact, str) else next(iter(fact.items()))


def _fits(fact: Fact, data: Mapping[str, Match], values: Values) -> bool:
    return not any(differs(fact.data.get(name), match, values) for name, match in data.items())


def _why_not(
    kind: str, data: Mapping[str, Match], rest: tuple[Fact, ...], facts: tuple[Fact, ...], values: Values
) -> str:
    near = next((fact for fact in rest if fact.kind == kind), None)
    if near is not None:
        name, match = next((n, m) for n, m in data.items() if differs(near.data.get(n), m, values))
        return (
            f"expected {kind} with {name} {differs(near.data.get(name), match, values)}, "
            f"it was {_shown(near.data.get(name))}"
        )
    stored = " ".join(fact.kind for fact in facts)
    return f"expected {kind} after the facts before it; stored are: {stored}"


def _agent(name: str, agent: model.AgentExpectation, observed: Observed, values: Values) -> Iterator[str]:
    end = observed.agents.get(name)
    for what, match in (("state", agent.state), ("reason", agent.reason)):
        found = getattr(end, what, None)
        if match is not None and (differing := differs(found, match, values)):
            yield f"{name}: expected its {what} to end as {differing}, it is {_shown(found)}"
    states = [
        str(fact.data.get("state", ""))
        for fact in observed.facts
        if fact.kind == "agent_state" and fact.data.get("agent") == values.get(f"agent.{name}")
    ]
    left = iter(states)
    if not all(state in left for state in agent.passes):
        yield f"{name}: expected the states {' '.join(agent.passes)}, they were {' '.join(states) or 'none'}"


def _order(order: model.Order, observed: Observed) -> Iterator[str]:
    times = {}
    for citizen in order.of:
        at = next((fact.at for fact in observed.of_call(citizen) if fact.kind == order.fact), None)
        if at is None:
            yield f"{citizen}: expected {order.fact}, it was not stored"
            return
        times[citizen] = at
    came = sorted(order.of, key=lambda citizen: times[citizen])
    if tuple(came) != order.of:
        yield f"expected {order.fact} in the order {' '.join(order.of)}, it was {' '.join(came)}"
