"""Telephones of agents that ring, answer, talk and hang up on their own, and note when each was free and rung.

Sans-IO: datagrams and the time go in, datagrams come out, `next_wake` says when to look again. A seat is the
user part of the INVITE's URI. Times are seconds on any monotonic clock.

    (none) -INVITE-> RINGING -ring time-> ANSWERED -ACK-> TALKING -talk time: BYE-> ENDING -200-> (none)
    RINGING -CANCEL-> (none)        ANSWERED, TALKING, ENDING -BYE-> (none)
    ANSWERED, ENDING: repeated until the other side says something, for 32 s (RFC 3261 17.1.1.2, timer B)
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from cti.app.bench.sip import Message, SipError, address, build, parse, respond, sdp

Host = tuple[str, int]

T1_SECONDS = 0.5
"""RFC 3261's estimate of a round trip: the first repetition comes after it, each next after twice as long."""
T2_SECONDS = 4.0
"""The longest time between two repetitions."""
GIVE_UP_SECONDS = 64 * T1_SECONDS
MAX_DIALOGS = 20_000
"""Calls held at once; one more is told that the seat is busy."""
MAX_SAMPLES = 1_000_000
"""Gaps kept; a measurement is over long before."""


class State(Enum):
    """Where a call at a seat stands."""

    RINGING = "ringing"
    ANSWERED = "answered"
    TALKING = "talking"
    ENDING = "ending"


@dataclass(frozen=True, slots=True)
class Datagram:
    """Bytes to send, and where to."""

    data: bytes
    to: Host


@dataclass(frozen=True, slots=True)
class Gap:
    """How long a seat stood idle: from its BYE (or the other side's) to the next INVITE."""

    seat: str
    freed_at: float
    invited_at: float

    @property
    def seconds(self) -> float:
        """Return the length of the idle time."""
        return self.invited_at - self.freed_at


@dataclass(slots=True)
class _Dialog:
    invite: Message
    source: Host
    seat: str
    tag: str
    state: State
    last: bytes
    """The response or request that is repeated while nothing comes back."""
    timer: int = 0
    """Serial number of the one timer that counts; older ones have been overtaken."""
    repeat_after: float = T1_SECONDS
    give_up_at: float = 0.0


class Seats:
    """Any number of seats at one address. `counts` tells what happened, `gaps` how long each seat stood idle.

    `counts`: `invited`, `answered` (ACK seen), `ended` (we hung up and were heard), `left` (the other side hung
    up), `cancelled`, `doubled` (an INVITE to a seat that was not free: refused with 486), `lost` (nothing came
    back for 32 s), `rubbish` (no SIP). `talk_seconds` is asked once a call. `mark` makes tags and branches those of
    these seats alone: an Asterisk takes a BYE whose branch it saw within 32 s for a repetition (RFC 3261 17.2.3).
    """

    def __init__(
        self, host: Host, talk_seconds: Callable[[], float], ring_seconds: float = 0.0, mark: str = ""
    ) -> None:
        self.counts: Counter[str] = Counter()
        self.gaps: list[Gap] = []
        self._host = host
        self._mark = mark
        self._talk_seconds = talk_seconds
        self._ring_seconds = ring_seconds
        self._dialogs: dict[str, _Dialog] = {}
        self._busy: dict[str, str] = {}
        self._freed_at: dict[str, float] = {}
        self._timers: list[tuple[float, int, str]] = []
        self._serial = 0

    @property
    def next_wake(self) -> float | None:
        """When `wake` has to be called, None if nothing is awaited."""
        return self._timers[0][0] if self._timers else None

    @property
    def talking(self) -> int:
        """How many seats are rung or talking."""
        return len(self._busy)

    def receive(self, data: bytes, source: Host, now: float) -> list[Datagram]:
        """Take one datagram; returns what to send now."""
        try:
            message = parse(data)
        except SipError:
            self.counts["rubbish"] += 1
            return []
        dialog = self._dialogs.get(message.get("call-id"))
        if message.status:
            return self._response(message, dialog)
        method = message.method
        if method == "INVITE":
            return self._invite(message, source, dialog, now)
        if method == "ACK":
            if dialog is not None and dialog.state is State.ANSWERED:
                dialog.state = State.TALKING
                self.counts["answered"] += 1
                self._arm(dialog, now + self._talk_seconds())
            return []
        if method == "OPTIONS":
            return [Datagram(respond(message, 200, self._tag()), source)]
        if dialog is None:
            return [Datagram(respond(message, 481, self._tag()), source)]
        if method == "BYE":
            self.counts["ended" if dialog.state is State.ENDING else "left"] += 1
            self._close(dialog, now)
            return [Datagram(respond(message, 200, dialog.tag), source)]
        if method == "CANCEL":
            sent = [Datagram(respond(message, 200, dialog.tag), source)]
            if dialog.state is State.RINGING:
                self.counts["cancelled"] += 1
                self._close(dialog, now)
                sent.append(Datagram(respond(dialog.invite, 487, dialog.tag), source))
            return sent
        if method in ("INFO", "UPDATE", "NOTIFY"):
            return [Datagram(respond(message, 200, dialog.tag, self._contact(dialog.seat)), source)]
        return [Datagram(respond(message, 501, dialog.tag), source)]

    def wake(self, now: float) -> list[Datagram]:
        """Do what is due; returns what to send now."""
        sent: list[Datagram] = []
        while self._timers and self._timers[0][0] <= now:
            _, serial, call_id = heapq.heappop(self._timers)
            dialog = self._dialogs.get(call_id)
            if dialog is None or dialog.timer != serial:
                continue
            if dialog.state is State.RINGING:
                sent.append(self._answer(dialog, now))
            elif dialog.state is State.TALKING:
                sent.append(self._hang_up(dialog, now))
            elif now >= dialog.give_up_at:
                self.counts["lost"] += 1
                self._close(dialog, now)
            else:
                sent.append(self._repeat(dialog, now))
        return sent

    def _invite(self, message: Message, source: Host, dialog: _Dialog | None, now: float) -> list[Datagram]:
        if dialog is not None:
            if message.branch == dialog.invite.branch:
                return [] if dialog.state is State.ENDING else [Datagram(dialog.last, source)]
            body = self._sdp()
            return [Datagram(respond(message, 200, dialog.tag, self._contact(dialog.seat), body), source)]
        seat, tag = message.user, self._tag()
        if seat in self._busy or len(self._dialogs) >= MAX_DIALOGS:
            self.counts["doubled"] += 1
            return [Datagram(respond(message, 486, tag), source)]
        self.counts["invited"] += 1
        freed_at = self._freed_at.pop(seat, None)
        if freed_at is not None and len(self.gaps) < MAX_SAMPLES:
            self.gaps.append(Gap(seat, freed_at, now))
        ringing = respond(message, 180, tag, self._contact(seat))
        dialog = _Dialog(message, source, seat, tag, State.RINGING, ringing)
        call_id = message.get("call-id")
        self._dialogs[call_id] = dialog
        self._busy[seat] = call_id
        if self._ring_seconds <= 0:
            return [Datagram(ringing, source), self._answer(dialog, now)]
        self._arm(dialog, now + self._ring_seconds)
        return [Datagram(ringing, source)]

    def _response(self, message: Message, dialog: _Dialog | None) -> list[Datagram]:
        ours = dialog is not None and dialog.state is State.ENDING and message.method == "BYE"
        if dialog is not None and ours and message.status >= 200:
            self.counts["ended"] += 1
            self._forget(dialog)
        return []

    def _answer(self, dialog: _Dialog, now: float) -> Datagram:
        dialog.state = State.ANSWERED
        dialog.last = respond(dialog.invite, 200, dialog.tag, self._contact(dialog.seat), self._sdp())
        return self._first(dialog, now)

    def _hang_up(self, dialog: _Dialog, now: float) -> Datagram:
        invite = dialog.invite
        routes = [("Route", route) for route in invite.all("record-route")]
        dialog.state = State.ENDING
        dialog.last = build(
            f"BYE {address(invite.get('contact'))} SIP/2.0",
            [
                ("Via", f"SIP/2.0/UDP {self._host[0]}:{self._host[1]};rport;branch=z9hG4bK{self._tag()}"),
                *routes,
                ("Max-Forwards", "70"),
                ("From", f"{invite.get('to')};tag={dialog.tag}"),
                ("To", invite.get("from")),
                ("Call-ID", invite.get("call-id")),
                ("CSeq", "1 BYE"),
            ],
        )
        self._free(dialog, now)
        return self._first(dialog, now)

    def _first(self, dialog: _Dialog, now: float) -> Datagram:
        dialog.repeat_after = T1_SECONDS
        dialog.give_up_at = now + GIVE_UP_SECONDS
        self._arm(dialog, now + T1_SECONDS)
        return Datagram(dialog.last, dialog.source)

    def _repeat(self, dialog: _Dialog, now: float) -> Datagram:
        dialog.repeat_after = min(2 * dialog.repeat_after, T2_SECONDS)
        self._arm(dialog, now + dialog.repeat_after)
        return Datagram(dialog.last, dialog.source)

    def _close(self, dialog: _Dialog, now: float) -> None:
        self._free(dialog, now)
        self._forget(dialog)

    def _free(self, dialog: _Dialog, now: float) -> None:
        if self._busy.get(dialog.seat) == dialog.invite.get("call-id"):
            del self._busy[dialog.seat]
            self._freed_at[dialog.seat] = now

    def _forget(self, dialog: _Dialog) -> None:
        self._dialogs.pop(dialog.invite.get("call-id"), None)

    def _arm(self, dialog: _Dialog, when: float) -> None:
        self._serial += 1
        dialog.timer = self._serial
        heapq.heappush(self._timers, (when, self._serial, dialog.invite.get("call-id")))

    def _tag(self) -> str:
        self._serial += 1
        return f"{self._mark}{self._host[1]}x{self._serial}"

    def _contact(self, seat: str) -> str:
        return f"sip:{seat}@{self._host[0]}:{self._host[1]}"

    def _sdp(self) -> bytes:
        # Nobody listens on the discard port: this is signalling only, as in the other measurements.
        return sdp(self._host[0], 9, self._serial)
