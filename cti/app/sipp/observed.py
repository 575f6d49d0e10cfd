"""What was seen of one run, frozen, so that it can be judged without the platform. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from cti.app.bench.sip import Message, SipError, parse
from cti.app.sipp.process import Counted
from cti.facts import Fact, Value

_RULE = b"----------------------------------------------- "
MAX_MESSAGES = 20_000


@dataclass(frozen=True, slots=True)
class Seen:
    """One SIP message at one actor; `at_us` is in microseconds on the machine's clock."""

    at_us: int
    sent: bool
    message: Message

    def is_kind(self, kind: str, to: str | None = None) -> bool:
        """Tell whether this is the request of a method ("BYE") or a response of a status ("486")."""
        if kind.isdigit():
            return self.message.status == int(kind) and to in (None, self.message.method)
        return self.message.status == 0 and self.message.method == kind


@dataclass(frozen=True, slots=True)
class AgentEnd:
    """How the platform has an agent."""

    state: str
    reason: str


@dataclass(frozen=True, slots=True)
class Observed:
    """Everything the judge needs. Facts are in the order of time; `calls` maps citizens to call ids."""

    messages: Mapping[str, tuple[Seen, ...]] = field(default_factory=dict)
    counted: Mapping[str, Counted] = field(default_factory=dict)
    calls: Mapping[str, str] = field(default_factory=dict)
    facts: tuple[Fact, ...] = ()
    rows: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)
    """The row of the table `call` by citizen."""
    agents: Mapping[str, AgentEnd] = field(default_factory=dict)

    def of_call(self, citizen: str) -> tuple[Fact, ...]:
        """Return the facts of a citizen's call, none if the platform knows of no such call."""
        call_id = self.calls.get(citizen, "")
        return tuple(fact for fact in self.facts if call_id and fact.call_id == call_id)


def _time(text: bytes) -> int:
    moment = datetime.strptime(text.decode("ascii"), "%Y-%m-%d %H:%M:%S.%f")
    return round((moment - datetime(1970, 1, 1)).total_seconds() * 1_000_000)


def parse_log(data: bytes) -> tuple[Seen, ...]:
    """Read what `sipp -trace_msg` wrote. A repetition of a message is left out, so is what is no SIP.

    Each entry is a rule with the time, a line that names direction and length, an empty line, the message.
    """
    found: list[Seen] = []
    known: set[tuple[bool, str, str, str, str]] = set()
    position = data.find(_RULE)
    while position >= 0 and len(found) < MAX_MESSAGES:
        end_of_rule = data.find(b"\n", position)
        end_of_title = data.find(b"\n", end_of_rule + 1)
        if end_of_rule < 0 or end_of_title < 0:
            break
        title = data[end_of_rule + 1 : end_of_title]
        digits = b"".join(title.split(b"bytes")[0].split()[-1:]).strip(b"[]()")
        start = end_of_title + 2
        end = start + int(digits) if digits.isdigit() else start
        try:
            at_us = _time(data[position + len(_RULE) : end_of_rule].strip())
            message = parse(data[start:end])
        except (SipError, ValueError):
            position = data.find(_RULE, end_of_title)
            continue
        seen = Seen(at_us, b"sent" in title, message)
        mark = (seen.sent, message.first_line, message.branch, message.get("call-id"), message.get("cseq"))
        if mark not in known:
            known.add(mark)
            found.append(seen)
        position = data.find(_RULE, end)
    return tuple(found)
