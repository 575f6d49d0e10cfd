"""Says in facts what a record of Asterisk's journal tells. Pure.

A contact's id is the id of the citizen's first channel, so the citizen's channel is the one whose own id is the
linked id; a seat that dials has such a channel too, but comes in by no trunk and is nobody's contact.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from hashlib import blake2b
from types import MappingProxyType
from typing import Final

from cti.facts import KINDS, Fact, FactError, Value, check
from cti.journal.lines import JournalError, fields
from cti.signals import node_of, seat_of

MAX_NUMBER: Final = 80
"""A caller id may be rubbish of any length; a fact keeps this much of it. Asterisk itself keeps 79."""
MAX_VALUE: Final = 1000
MAX_NAME: Final = 80

_ID: Final = re.compile(r"[A-Za-z0-9]{1,20}-[0-9]{1,20}\.[0-9]{1,12}")
_TIME: Final = re.compile(r"([0-9]{1,11})\.([0-9]{6})")
_WHOLE: Final = re.compile(r"-?[0-9]{1,18}")
_PAIR: Final = re.compile(r"(?:^|\|)([a-z_]{1,40})=")
_DIALPLAN: Final = "yht_"
_MORE_KEYS: Final = MappingProxyType({"offer_ended": frozenset({"agent"})})
"""What the dialplan tells beyond the required data of a kind."""

Record = Mapping[str, str]


def translate(record: bytes) -> tuple[Fact, ...]:
    """Return the facts that one record tells; none for an event that says nothing to the platform.

    The ids of the facts are made from the record, so that reading it twice gives the same ids and two records
    that differ in anything give different ones. Raises JournalError.
    """
    found = fields(record)
    event = found["eventenum"]
    teller = _TELLERS.get(event)
    if teller is None:
        return ()
    for name in ("uniqueid", "linkedid"):
        if not _ID.fullmatch(found[name]):
            raise JournalError(f"{event}: {name!r} is no id of a channel of ours")
    at = _time(found["eventtime"])
    mark = blake2b(record.rstrip(b"\r\n"), digest_size=8).hexdigest()
    facts = tuple(
        Fact(
            fact_id=f"{kind}:{found['uniqueid']}:{at}:{mark}",
            kind=kind,
            at=at,
            call_id=found["linkedid"],
            leg="" if kind == "call_ended" else found["uniqueid"],
            node=node_of(found["linkedid"]),
            data=data,
        )
        for kind, data in teller(found).items()
    )
    for fact in facts:
        try:
            check(fact)
        except FactError as error:
            raise JournalError(str(error)) from error
    return facts


def clean(text: str, most: int) -> str:
    """Return a text from a telephone network without what does not print, and no longer than `most`."""
    if not text.isprintable():
        text = "".join(letter for letter in text if letter.isprintable())
    return text[:most]


def _time(text: str) -> int:
    match = _TIME.fullmatch(text)
    if match is None:
        raise JournalError("'eventtime' is no time of seconds and microseconds")
    return int(match[1]) * 1_000_000 + int(match[2])


def _extra(found: Record) -> Mapping[str, object]:
    if not found["eventextra"]:
        return {}
    try:
        extra = json.loads(found["eventextra"])
    except (ValueError, RecursionError):
        raise JournalError(f"{found['eventenum']}: 'eventextra' is no JSON") from None
    if not isinstance(extra, dict):
        raise JournalError(f"{found['eventenum']}: 'eventextra' is no object")
    return extra


# One teller an event: record → kind → data.

Told = dict[str, dict[str, Value]]


def _leg(found: Record) -> dict[str, Value]:
    channel = found["channame"]
    return {"channel": clean(channel, MAX_NAME), "seat": clean(seat_of(channel), MAX_NAME)}


def _is_citizen(found: Record) -> bool:
    channel = found["channame"]
    return (
        found["uniqueid"] == found["linkedid"] and not seat_of(channel) and not channel.startswith("Local/")
    )


def _channel_started(found: Record) -> Told:
    leg = _leg(found)
    if not _is_citizen(found):
        return {"leg_started": leg}
    # The dialed number is not known as such before the dialplan runs; the extension is what was dialed.
    arrived: dict[str, Value] = {
        "dialed_number": clean(found["dnid"] or found["exten"], MAX_NUMBER),
        "caller_number": clean(found["num"], MAX_NUMBER),
        "channel": leg["channel"],
    }
    return {"call_arrived": arrived, "leg_started": leg}


def _answered(found: Record) -> Told:
    return {"leg_answered": _leg(found)}


def _hung_up(found: Record) -> Told:
    cause = _extra(found).get("hangupcause")
    return {"leg_ended": {**_leg(found), "cause": cause if type(cause) is int else 0}}


def _talk(kind: str) -> Callable[[Record], Told]:
    def tell(found: Record) -> Told:
        peers = found["peer"]
        if not peers:  # alone in the bridge: nobody is talked to
            return {}
        first = peers.partition(",")[0]
        bridge = _extra(found).get("bridge_id")
        return {
            kind: {
                "channel": clean(found["channame"], MAX_NAME),
                "peer": clean(peers, MAX_VALUE),
                "seat": clean(seat_of(found["channame"]) or seat_of(first), MAX_NAME),
                "bridge": clean(bridge, MAX_NAME) if isinstance(bridge, str) else "",
            }
        }

    return tell


def _call_ended(found: Record) -> Told:
    return {"call_ended": {}}


def _from_dialplan(found: Record) -> Told:
    name = found["userdeftype"]
    kind = KINDS.get(name.removeprefix(_DIALPLAN)) if name.startswith(_DIALPLAN) else None
    if kind is None or kind.source != "dialplan":
        return {}  # a city's own event, or one of a newer dialplan
    payload = _extra(found).get("extra")
    if not isinstance(payload, str):
        raise JournalError(f"{name}: 'extra' is missing")
    texts = pairs(payload, frozenset(kind.required) | _MORE_KEYS.get(kind.name, frozenset()))
    data: dict[str, Value] = {}
    for key, text in texts.items():
        if kind.required.get(key) is not int:
            data[key] = clean(text, MAX_VALUE)
        elif _WHOLE.fullmatch(text):
            data[key] = int(text)
        else:
            raise JournalError(f"{name}: {key!r} is no whole number")
    return {kind.name: data}


def pairs(payload: str, keys: frozenset[str]) -> dict[str, str]:
    """Read `key=value|key=value`. Only `keys` begin a pair, each once, so a value may hold `|` and `=`."""
    begins: dict[str, re.Match[str]] = {}
    for match in _PAIR.finditer(payload):
        if match[1] in keys:
            begins.setdefault(match[1], match)
    starts = [match.start() for match in begins.values()]
    ends = (*starts[1:], len(payload))
    return {key: payload[match.end() : end] for (key, match), end in zip(begins.items(), ends, strict=False)}


_TELLERS: Final[Mapping[str, Callable[[Record], Told]]] = MappingProxyType(
    {
        "CHAN_START": _channel_started,
        "ANSWER": _answered,
        "HANGUP": _hung_up,
        "BRIDGE_ENTER": _talk("talk_started"),
        "BRIDGE_EXIT": _talk("talk_ended"),
        "LINKEDID_END": _call_ended,
        "USER_DEFINED": _from_dialplan,
    }
)
