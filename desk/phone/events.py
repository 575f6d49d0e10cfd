"""What a telephone tells: frozen events, in the order in which they happened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

DigitWay = Literal["rfc4733", "info"]
"""How a digit travels: as a telephone event beside the speech, or as a SIP INFO request."""


@dataclass(frozen=True, slots=True)
class Registered:
    """The registrar has answered: the line is known there, or is not and `status` and `reason` say why."""

    ok: bool
    status: int
    reason: str


@dataclass(frozen=True, slots=True)
class Incoming:
    """Somebody calls; the phone rings already. `headers` are the INVITE's own `X-` headers, as written there."""

    call: int
    caller: str
    headers: Mapping[str, str] = field(default_factory=dict)

    def header(self, name: str) -> str:
        """Return a header by its name in any case, "" where the INVITE had none."""
        wanted = name.lower()
        return next((value for key, value in self.headers.items() if key.lower() == wanted), "")


@dataclass(frozen=True, slots=True)
class Ringing:
    """The other end rings; `status` is its provisional answer (180, 183)."""

    call: int
    status: int


@dataclass(frozen=True, slots=True)
class Answered:
    """The call stands, whoever answered it."""

    call: int


@dataclass(frozen=True, slots=True)
class MediaChanged:
    """Speech flows (`on`), one side holds the call (`held_by_us`, `held_by_them`), or there is none (`off`)."""

    call: int
    state: Literal["on", "held_by_us", "held_by_them", "off"]


@dataclass(frozen=True, slots=True)
class Digit:
    """The other end pressed a key."""

    call: int
    digit: str
    way: DigitWay


@dataclass(frozen=True, slots=True)
class Heard:
    """One frame of 20 ms from the other end: 160 samples, 16 bit, native order, 8 kHz.

    `at_ms` is its place in what was heard of this call, from 0.
    """

    call: int
    at_ms: int
    samples: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Said:
    """The last sample of what `Phone.say` was given under this number is on its way."""

    call: int
    utterance: int


@dataclass(frozen=True, slots=True)
class Ended:
    """The call is over. `status` and `reason` are SIP's last words (200 after a talk, 486, 603, 408)."""

    call: int
    status: int
    reason: str


Event = Registered | Incoming | Ringing | Answered | MediaChanged | Digit | Heard | Said | Ended
