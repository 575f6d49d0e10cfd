"""What a fact is and how it is written: the one record that calls, agents and reports are derived from.

A fact is appended once and never changed (docs/seams.md, "Facts"). Its JSON form is one object on one line
with the keys of `Fact`; whoever writes one (this module, the Lua scripts of the ACD, the journal reader) and
whoever reads one meet here. Unknown kinds and missing data are errors; data keys beyond the required ones are
allowed, so that a newer writer does not stop an older reader.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, Literal

Value = str | int | bool | None
Source = Literal["journal", "dialplan", "acd", "recorder", "caselink"]

MAX_FACT_BYTES: Final = 64 * 1024
"""Longest fact that is read, in characters; a longer one is refused before it is parsed."""
MAX_TIME: Final = 253_402_300_800_000_000
"""First microsecond of the year 10000: a time beyond it is a mistake of units."""


class FactError(ValueError):
    """A text is no fact, or a fact breaks the table of kinds; the message says which key and why."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of fact: its name, who states it, and which data it must carry (name → type of the value)."""

    name: str
    source: Source
    required: Mapping[str, type[str] | type[int]]


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that happened.

    `fact_id` is made from what happened, so that telling it twice is telling it once. `at` is in microseconds
    since the epoch, UTC. `call_id` and `leg` are "" where none is meant; `leg` is a channel's UNIQUEID.
    """

    fact_id: str
    kind: str
    at: int
    call_id: str = ""
    leg: str = ""
    node: str = ""
    data: Mapping[str, Value] = field(default_factory=dict)


def _kind(name: str, source: Source, *, text: str = "", number: str = "") -> Kind:
    required: dict[str, type[str] | type[int]] = dict.fromkeys(text.split(), str)
    required.update(dict.fromkeys(number.split(), int))
    return Kind(name, source, MappingProxyType(required))


_KINDS: Final = (
    _kind("call_arrived", "journal", text="dialed_number caller_number channel"),
    _kind("hotline_resolved", "dialplan", text="hotline queue plan reason"),
    _kind("greeting_started", "dialplan", text="prompt"),
    _kind("forwarded", "dialplan", text="to"),
    _kind("forward_ended", "dialplan", text="status"),
    _kind("queued", "dialplan", text="queue returned", number="priority queued_at"),
    _kind("offered", "acd", text="agent seat offer queue", number="waited_ms"),
    _kind("offer_ended", "dialplan", text="offer seat status", number="talked_ms"),
    _kind("answered", "dialplan", text="offer agent seat"),
    _kind("recording_started", "dialplan", text="folder"),
    _kind("leg_started", "journal", text="channel"),
    _kind("leg_answered", "journal", text="channel"),
    _kind("leg_ended", "journal", text="channel"),
    _kind("talk_started", "journal", text="channel peer"),
    _kind("talk_ended", "journal", text="channel peer"),
    _kind("fallback_entered", "dialplan", text="step"),
    _kind("call_ended", "journal"),
    _kind("agent_state", "acd", text="agent seat state reason before"),
    _kind("recording_sealed", "recorder", text="folder sha256_citizen sha256_agent", number="duration_ms"),
    _kind("transcribed", "recorder", text="engine model", number="segments"),
    _kind("case_opened", "caselink", text="case"),
    _kind("case_step", "caselink", text="case action role actor state unit", number="version"),
)
KINDS: Final[Mapping[str, Kind]] = MappingProxyType({kind.name: kind for kind in _KINDS})
"""Every kind there is, by name; the table of docs/seams.md in code."""

_TEXT_KEYS: Final = ("fact_id", "kind", "call_id", "leg", "node")
_KEYS: Final = frozenset((*_TEXT_KEYS, "at", "data"))
_NEEDED: Final = frozenset({"fact_id", "kind", "at"})
_VALUES: Final = (str, int, type(None))
_JSON: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def encode(fact: Fact) -> str:
    """The fact as one line of JSON. Raises FactError if it breaks the table of kinds."""
    check(fact)
    return encode_checked(fact)


def encode_checked(fact: Fact) -> str:
    """The fact as one line of JSON, for whoever has checked it already."""
    return _JSON.encode(
        {
            "fact_id": fact.fact_id,
            "kind": fact.kind,
            "at": fact.at,
            "call_id": fact.call_id,
            "leg": fact.leg,
            "node": fact.node,
            "data": dict(fact.data),
        }
    )


def decode(text: str | bytes) -> Fact:
    """The fact that a line of JSON states. Raises FactError if it is none or breaks the table of kinds."""
    if len(text) > MAX_FACT_BYTES:
        raise FactError(f"a fact of {len(text)} characters; at most {MAX_FACT_BYTES} are read")
    try:
        raw: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FactError(f"not JSON: {error}") from error
    if not isinstance(raw, dict):
        raise FactError(f"a fact is an object, not {_name(raw)}")
    if not raw.keys() <= _KEYS:
        raise FactError(f"unknown key {min(raw.keys() - _KEYS)!r}")
    if not raw.keys() >= _NEEDED:
        raise FactError(f"key {min(_NEEDED - raw.keys())!r} is missing")
    data = raw.get("data", {})
    if data == []:  # Lua's cjson writes an empty table as a list
        data = {}
    if not isinstance(data, dict):
        raise FactError(f"'data' is an object, not {_name(data)}")
    get = raw.get
    fact = Fact(
        raw["fact_id"], raw["kind"], raw["at"], get("call_id", ""), get("leg", ""), get("node", ""), data
    )
    check(fact)
    return fact


def check(fact: Fact) -> None:
    """Raise FactError, naming the key, unless the fact has the shape its kind asks for."""
    texts = (fact.fact_id, fact.kind, fact.call_id, fact.leg, fact.node)
    for key, text in zip(_TEXT_KEYS, texts, strict=True):
        if not isinstance(text, str):
            raise FactError(f"{key!r} is a text, not {_name(text)}")
    if not fact.fact_id:
        raise FactError("'fact_id' is empty")
    kind = KINDS.get(fact.kind)
    if kind is None:
        raise FactError(f"unknown kind {fact.kind!r}")
    if type(fact.at) is not int or not 0 <= fact.at < MAX_TIME:
        raise FactError(f"'at' is microseconds since the epoch, not {fact.at!r}")
    data = fact.data
    for name, value in data.items():
        if not isinstance(name, str):
            raise FactError(f"a name in 'data' is a text, not {_name(name)}")
        if not isinstance(value, _VALUES):
            raise FactError(
                f"'data.{name}' is a text, a whole number, true, false or null, not {_name(value)}"
            )
    for name, wanted in kind.required.items():
        if name not in data:
            raise FactError(f"{fact.kind}: 'data.{name}' is missing")
        if type(data[name]) is not wanted:
            expected = "a text" if wanted is str else "a whole number"
            raise FactError(f"{fact.kind}: 'data.{name}' is {expected}, not {_name(data[name])}")


def _name(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "a text", int: "a number", float: "a fraction"}
    return names.get(type(value), "null" if value is None else str(value).lower())
