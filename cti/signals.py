"""What Asterisk's manager events mean to the platform: pure translation into a few frozen signals.

The dialplan (config/templates/asterisk/extensions.conf.j2) sends one user event when a citizen enters the
waiting room, one when the static queue takes the call, and one when an agent answers; Asterisk itself tells
hangups and device states. Nothing else is needed to steer calls, and nothing else is asked for
(cti.asterisk.modules.DISABLED_EVENTS).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

_CALL_ID: Final = re.compile(r"[A-Za-z0-9]{1,20}-[0-9]{1,20}\.[0-9]{1,12}")

Get = Callable[[str], str]
"""Reads one header of an event; "" where it is missing."""

STATUS_VARIABLES = (
    "YHT_CALL_ID",
    "YHT_STATE",
    "YHT_HOTLINE",
    "YHT_QUEUE",
    "YHT_PRIORITY",
    "YHT_QUEUED_AT",
    "YHT_OFFER",
    "YHT_AGENT",
    "YHT_SEAT",
    "YHT_DIALED",
)
"""Channel variables that a resync asks for: enough to rebuild the hall from Asterisk alone."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A citizen entered the waiting room, for the first time or back from an offer that came to nothing."""

    call_id: str
    channel: str
    node: str
    hotline: str
    queue: str
    priority: int
    queued_at: int
    caller: str
    returned: str
    """Asterisk's DIALSTATUS of the offer that came to nothing; "" the first time."""
    offer: str
    """The id of that offer; "" the first time."""


@dataclass(frozen=True, slots=True)
class Fallback:
    """A citizen went to the static queue: no offer may take the call from there."""

    call_id: str


@dataclass(frozen=True, slots=True)
class Answered:
    """An agent's phone answered an offer."""

    call_id: str
    offer: str
    agent: str
    seat: str
    channel: str


@dataclass(frozen=True, slots=True)
class Gone:
    """A channel ended: the citizen's own (`seat` is "") or a seat's leg of the call."""

    call_id: str
    channel: str
    is_citizen: bool
    seat: str
    cause: int


@dataclass(frozen=True, slots=True)
class SeatState:
    """What Asterisk knows of a seat's phone: NOT_INUSE, INUSE, BUSY, RINGING, RINGINUSE, ONHOLD, UNAVAILABLE,
    UNKNOWN or INVALID."""

    seat: str
    state: str


Signal = Waiting | Fallback | Answered | Gone | SeatState


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel as a resync finds it."""

    channel: str
    leg: str
    call_id: str
    node: str
    is_citizen: bool
    seat: str
    context: str
    application: str
    bridge: str
    caller: str
    variables: Mapping[str, str]


class SignalError(ValueError):
    """An event of ours lacks what the dialplan always sends; the text names the event and the header."""


def _number(get: Get, event: str, key: str) -> int:
    text = get(key)
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise SignalError(f"{event}: {key} is {text[:40]!r}, expected digits")
    return int(text)


def seat_of(channel: str) -> str:
    """Return the endpoint in a channel name (`PJSIP/1001-0000002a` → `1001`), "" if it is not a SIP channel.

    A trunk's endpoint is named `trunk-<id>` by our own templates, so it can not be taken for a seat.
    """
    technology, _, rest = channel.partition("/")
    endpoint, _, _ = rest.rpartition("-")
    return "" if technology != "PJSIP" or endpoint.startswith("trunk-") else endpoint


def node_of(call_id: str) -> str:
    """Return the Asterisk node that a call lives on: the part of its id before the first dash."""
    return call_id.partition("-")[0]


def is_call_id(text: str) -> bool:
    """Tell whether a text can be the id that an Asterisk of ours gave a call: `n1-1795536000.42`."""
    return _CALL_ID.fullmatch(text) is not None


def signal(name: str, get: Get) -> Signal | None:
    """Translate one manager event; None if it says nothing to us. Raises SignalError on a broken one of ours."""
    if name == "Hangup":
        leg, call_id, channel = get("Uniqueid"), get("Linkedid"), get("Channel")
        cause = get("Cause")
        return Gone(call_id, channel, leg == call_id, seat_of(channel), int(cause) if cause.isdigit() else 0)
    if name == "DeviceStateChange":
        technology, _, seat = get("Device").partition("/")
        if technology != "PJSIP" or seat.startswith("trunk-"):
            return None
        return SeatState(seat, get("State"))
    if name != "UserEvent":
        return None
    kind = get("UserEvent")
    if kind == "YhtWaiting":
        call_id = get("Linkedid")
        return Waiting(
            call_id=call_id,
            channel=get("Channel"),
            node=node_of(call_id),
            hotline=get("Hotline"),
            queue=get("Queue"),
            priority=_number(get, kind, "CallPriority"),
            queued_at=_number(get, kind, "QueuedAt"),
            caller=get("CallerIDNum"),
            returned=get("Returned"),
            offer=get("Offered"),
        )
    if kind == "YhtAnswered":
        return Answered(get("Linkedid"), get("Offer"), get("Agent"), get("Seat"), get("Channel"))
    if kind == "YhtFallback":
        return Fallback(get("Linkedid"))
    return None


def channel(get: Get, variables: Mapping[str, str]) -> Channel:
    """Translate one `Status` event of a resync, with the values of STATUS_VARIABLES it carried."""
    name, leg, call_id = get("Channel"), get("Uniqueid"), get("Linkedid")
    return Channel(
        channel=name,
        leg=leg,
        call_id=call_id,
        node=node_of(call_id),
        is_citizen=leg == call_id,
        seat=seat_of(name),
        context=get("Context"),
        application=get("Application"),
        bridge=get("BridgeID"),
        caller=get("CallerIDNum"),
        variables={key: "" if value == "(null)" else value for key, value in variables.items()},
    )
