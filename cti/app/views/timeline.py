"""A call's facts as sentences that a person understands, in the order of time. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from cti.app.views.words import Names, length, mask
from cti.facts import Fact, Value

_RETURNED: Final[Mapping[str, str]] = {
    "NOANSWER": "the seat did not answer",
    "BUSY": "the seat was busy",
    "CHANUNAVAIL": "the seat's phone could not be reached",
    "CONGESTION": "the seat's phone could not be reached",
    "CANCEL": "the offer was withdrawn",
    "ANSWER": "the seat hung up before a word was said",
}
"""Why a citizen is back in the queue, by Asterisk's DIALSTATUS."""
_STEPS: Final[Mapping[str, str]] = {
    "static_queue": "no engine answers: the call goes to the static queue of the same seats",
    "callback": "nobody took the call: a callback request is noted down",
}
_STATES: Final[Mapping[str, str]] = {"offered": "offered a call", "wrap_up": "in wrap-up"}
_NOT_QUEUED: Final[Mapping[str, str]] = {
    "forward": "it is forwarded outside",
    "prompt": "a prompt is played and the call ends",
    "reject": "the call is rejected",
}


@dataclass(frozen=True, slots=True)
class Moment:
    """One fact, told. `at` in microseconds since the epoch, `offset_ms` from the start of the call."""

    at: int
    offset_ms: int
    kind: str
    text: str
    fact_id: str
    data: Mapping[str, Value]


@dataclass(frozen=True)
class _Story:
    """What a sentence may need beside its own fact."""

    names: Names
    full: bool
    offered: Mapping[str, Fact]
    answered: Mapping[str, Fact]

    def agent(self, fact: Fact) -> str:
        """Who a fact is about: `agent 1001 王芳 (seat 1001)`, or the seat alone where no agent is known."""
        agent, seat = _text(fact, "agent"), _text(fact, "seat")
        if not agent:
            agent = _text(self.offered.get(_text(fact, "offer")), "agent")
        if not agent:
            return f"seat {seat}"
        return (
            f"agent {self.names.agent(agent)} (seat {seat})" if seat else f"agent {self.names.agent(agent)}"
        )

    def rang(self, fact: Fact, until: int) -> str:
        """How long the offer of a fact rang, as `rang 2.0 s`; "" where its beginning is not known."""
        offer = self.offered.get(_text(fact, "offer"))
        return "" if offer is None else f"rang {length(max(until - offer.at, 0) // 1000)}"


def timeline(facts: Iterable[Fact], names: Names, *, full: bool = False) -> tuple[Moment, ...]:
    """Return a call's facts, told in the order of time; numbers of citizens are masked unless `full`.

    The start is the call's arrival, else its first fact.
    """
    ordered = sorted(facts, key=lambda fact: fact.at)
    if not ordered:
        return ()
    began = next((fact.at for fact in ordered if fact.kind == "call_arrived"), ordered[0].at)
    story = _Story(
        names,
        full,
        offered={_text(fact, "offer"): fact for fact in ordered if fact.kind == "offered"},
        answered={_text(fact, "offer"): fact for fact in ordered if fact.kind == "answered"},
    )
    return tuple(
        Moment(
            fact.at,
            (fact.at - began) // 1000,
            fact.kind,
            _SENTENCES.get(fact.kind, _other)(fact, story),
            fact.fact_id,
            masked(fact.data, full),
        )
        for fact in ordered
    )


def why(fact: Fact) -> tuple[str, ...]:
    """Return what an `offered` fact tells of the decision behind it, a phrase each.

    What the writer told beyond what is known here is passed on as it is.
    """
    said: Mapping[str, Callable[[int], str]] = {
        "waited_ms": lambda ms: f"the citizen had waited {length(ms)}",
        "idle_ms": lambda ms: f"the agent had been idle for {length(ms)}",
        "ready": lambda count: f"agents who could have been chosen: {count}",
        "waiting": lambda count: f"citizens who could have been chosen: {count}",
    }
    told = [say(value) if isinstance(value := fact.data.get(name), int) else "" for name, say in said.items()]
    known = {"agent", "seat", "offer", "queue", *said}
    rest = (f"{name.replace('_', ' ')}: {value}" for name, value in fact.data.items() if name not in known)
    return (*filter(None, told), *rest)


def masked(data: Mapping[str, Value], full: bool) -> dict[str, Value]:
    """Return a fact's data with the citizen's number as it may be shown."""
    hidden = {"caller_number"}
    return {
        name: mask(str(value), full) if name in hidden and value else value for name, value in data.items()
    }


def _text(fact: Fact | None, name: str) -> str:
    value = fact.data.get(name) if fact is not None else None
    return "" if value is None else str(value)


def _number(fact: Fact, name: str) -> int:
    value = fact.data.get(name)
    return value if isinstance(value, int) else 0


def _call_arrived(fact: Fact, story: _Story) -> str:
    caller = mask(_text(fact, "caller_number"), story.full) or "a withheld number"
    return f"a call to {_text(fact, 'dialed_number') or 'no number'} arrives from {caller}"


def _hotline_resolved(fact: Fact, story: _Story) -> str:
    hotline, plan, reason = _text(fact, "hotline"), _text(fact, "plan"), _text(fact, "reason")
    line = f"hotline {story.names.hotline(hotline)}" if hotline else "no hotline"
    if plan == "queue":
        return f"{line}: queue {story.names.queue(_text(fact, 'queue'))}"
    why = f" ({reason.replace('_', ' ')})" if reason else ""
    return f"{line}: {_NOT_QUEUED.get(plan, plan.replace('_', ' '))}{why}"


def _greeting_started(fact: Fact, _story: _Story) -> str:
    return f"greeting begins ({_text(fact, 'prompt')})"


def _forwarded(fact: Fact, _story: _Story) -> str:
    return f"rings outside: {_text(fact, 'to').removeprefix('PJSIP/')}"


def _forward_ended(fact: Fact, _story: _Story) -> str:
    said = {
        "ANSWER": "talk with the telephone outside ends",
        "NOANSWER": "nobody outside answers",
        "BUSY": "the telephone outside is busy",
        "CANCEL": "the caller hangs up while it rings outside",
        "": "the caller hangs up while it rings outside",
    }
    return said.get(_text(fact, "status"), "the telephone outside can not be reached")


def _queued(fact: Fact, story: _Story) -> str:
    queue, returned = story.names.queue(_text(fact, "queue")), _text(fact, "returned")
    if returned:
        why = _RETURNED.get(returned, returned)
        return f"back in queue {queue} at the place held: {why}"
    priority = _number(fact, "priority")
    return f"waits in queue {queue}" + (f" with priority {priority}" if priority else "")


def _offered(fact: Fact, story: _Story) -> str:
    return f"offered to {story.agent(fact)}, waited {length(_number(fact, 'waited_ms'))}"


def _answered(fact: Fact, story: _Story) -> str:
    rang = story.rang(fact, fact.at)
    return f"{story.agent(fact)} answers" + (f", {rang}" if rang else "")


def _offer_ended(fact: Fact, story: _Story) -> str:
    who, status = story.agent(fact), _text(fact, "status")
    if _text(fact, "offer") in story.answered or status == "ANSWER":
        return f"talk with {who} ends after {length(_number(fact, 'talked_ms'))}"
    rang = story.rang(fact, fact.at)
    tail = f", {rang}" if rang else ""
    said = {
        "NOANSWER": f"{who} does not answer{tail}",
        "BUSY": f"{who} is busy",
        "CANCEL": f"the caller hangs up while {who} rings{tail}",
        "": f"the caller hangs up while {who} rings{tail}",
        "CHANUNAVAIL": f"the phone of {who} can not be reached",
        "CONGESTION": f"the phone of {who} can not be reached",
    }
    return said.get(status, f"offer to {who} ends: {status}{tail}")


def _recording_started(_fact: Fact, _story: _Story) -> str:
    return "recording begins"


def _leg(verb: str) -> Callable[[Fact, _Story], str]:
    def sentence(fact: Fact, _story: _Story) -> str:
        seat = _text(fact, "seat")
        cause = _text(fact, "cause")
        why = f" (cause {cause})" if cause else ""
        return f"leg of seat {seat} {verb}{why}" if seat else f"leg of the citizen {verb}{why}"

    return sentence


def _talk(joined: bool) -> Callable[[Fact, _Story], str]:
    def sentence(fact: Fact, _story: _Story) -> str:
        seat = _text(fact, "seat")
        who = (
            f"the citizen and seat {seat}" if seat else f"{_text(fact, 'channel')} and {_text(fact, 'peer')}"
        )
        return f"{who} {'are joined' if joined else 'part'}"

    return sentence


def _fallback_entered(fact: Fact, _story: _Story) -> str:
    step = _text(fact, "step")
    return _STEPS.get(step, f"fallback: {step.replace('_', ' ')}")


def _call_ended(_fact: Fact, _story: _Story) -> str:
    return "the call ends"


def _agent_state(fact: Fact, story: _Story) -> str:
    reason = _text(fact, "reason")
    why = f" ({reason.replace('_', ' ')})" if reason else ""
    state = _text(fact, "state")
    state = _STATES.get(state, state.replace("_", " "))
    return f"agent {story.names.agent(_text(fact, 'agent'))} is {state}{why}"


def _recording_sealed(fact: Fact, _story: _Story) -> str:
    return f"recording sealed, {length(_number(fact, 'duration_ms'))}"


def _transcribed(fact: Fact, _story: _Story) -> str:
    count = _number(fact, "segments")
    engine = f"{_text(fact, 'engine')} ({_text(fact, 'model')})"
    return f"transcript written by {engine}: {count} segment{'' if count == 1 else 's'}"


def _case_opened(fact: Fact, _story: _Story) -> str:
    return f"case {_text(fact, 'case')} opened"


def _case_step(fact: Fact, _story: _Story) -> str:
    who = " ".join(filter(None, (_text(fact, "role"), _text(fact, "actor"))))
    return f"case {_text(fact, 'case')} {_text(fact, 'state')}: {_text(fact, 'action').replace('_', ' ')} by {who}"


def _other(fact: Fact, _story: _Story) -> str:
    told = ", ".join(f"{name} {value}" for name, value in masked(fact.data, full=False).items())
    return f"{fact.kind.replace('_', ' ')}{f': {told}' if told else ''}"


_SENTENCES: Final[Mapping[str, Callable[[Fact, _Story], str]]] = {
    "call_arrived": _call_arrived,
    "hotline_resolved": _hotline_resolved,
    "greeting_started": _greeting_started,
    "forwarded": _forwarded,
    "forward_ended": _forward_ended,
    "queued": _queued,
    "offered": _offered,
    "offer_ended": _offer_ended,
    "answered": _answered,
    "recording_started": _recording_started,
    "leg_started": _leg("begins"),
    "leg_answered": _leg("is answered"),
    "leg_ended": _leg("ends"),
    "talk_started": _talk(joined=True),
    "talk_ended": _talk(joined=False),
    "fallback_entered": _fallback_entered,
    "call_ended": _call_ended,
    "agent_state": _agent_state,
    "recording_sealed": _recording_sealed,
    "transcribed": _transcribed,
    "case_opened": _case_opened,
    "case_step": _case_step,
}
