"""The telephones of a scenario as arguments of SIPp, and which stored call is whose. Pure."""

from __future__ import annotations

import random
import string
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cti.app.sipp.model import Scalar
from cti.facts import Fact

SEATS_AT = "127.0.0.3"
"""Where the agents' telephones are."""

_USER_PART = string.ascii_letters + string.digits + "-_.!~*'()&=+$,;?/"
"""What RFC 3261 (25.1, "user") lets stand unescaped before the @."""
REGISTER_SECONDS = 600

Host = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Telephone:
    """One SIPp: where it is, what it plays, the platform's SIP address, variables of the XML.

    `calls` None: it serves until it is stopped.
    """

    name: str
    xml: Path
    local: Host
    media_port: int
    platform: Host | None = None
    dials: str = ""
    settings: Mapping[str, Scalar] = field(default_factory=dict)
    fields: Path | None = None
    calls: int | None = None

    def arguments(self) -> list[str]:
        """Return SIPp's arguments, but for the program and the files that all write."""
        found = [] if self.platform is None else [f"{self.platform[0]}:{self.platform[1]}"]
        found += ["-sf", str(self.xml), "-i", self.local[0], "-p", str(self.local[1])]
        found += ["-mi", self.local[0], "-mp", str(self.media_port)]
        found += ["-trace_msg", "-message_file", f"{self.name}.log"]
        if self.dials:
            found += ["-s", self.dials]
        if self.fields is not None:
            found += ["-inf", str(self.fields)]
        for name, value in self.settings.items():
            found += ["-set", name, str(value)]
        if self.calls is not None:
            found += ["-m", str(self.calls)]
        return found


def credentials(seat: str, password: str, seconds: int = REGISTER_SECONDS) -> str:
    """Return the file of fields that register.xml reads: a file, for arguments can be read by everybody."""
    return f"SEQUENTIAL\n{seat};[authentication username={seat} password={password}];{seconds}\n"


def rubbish(characters: int) -> str:
    """Return senseless characters that may stand in a SIP address, always the same."""
    return "".join(random.Random(characters).choices(_USER_PART, k=characters))  # noqa: S311


@dataclass(frozen=True, slots=True)
class Dialed:
    """What a citizen's telephone sent: number, caller ("" where it is none to go by), from when on (µs)."""

    number: str
    caller: str
    at: int


def calls_of(dialed: Mapping[str, Dialed], arrived: Iterable[Fact]) -> dict[str, str]:
    """Return which call is whose, by citizen: the caller's number tells, else the number dialed and the time."""
    facts = [fact for fact in arrived if fact.kind == "call_arrived"]
    found: dict[str, str] = {}
    for name, call in dialed.items():
        for fact in facts:
            caller = str(fact.data["caller_number"])
            if call.caller and caller.endswith(call.caller) and fact.at >= call.at:
                found[name] = fact.call_id
                break
    nameless = sorted(
        (name for name, call in dialed.items() if not call.caller), key=lambda name: dialed[name].at
    )
    for name in nameless:
        for fact in sorted(facts, key=lambda fact: fact.at):
            mine = fact.data["dialed_number"] == dialed[name].number and fact.at >= dialed[name].at
            if mine and fact.call_id not in found.values():
                found[name] = fact.call_id
                break
    return found
