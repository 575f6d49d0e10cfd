"""What the city decides about offers, wrap-up and who may sit where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from config import City

SECOND: Final = 1_000_000
"""Microseconds."""
LEASE_SLACK: Final = 10 * SECOND
"""How long after its ringing an offer may still be told the end of."""

_REASONS: Final = {
    "NOANSWER": "no_answer",
    "BUSY": "seat_busy",
    "CHANUNAVAIL": "seat_unreachable",
    "CONGESTION": "seat_unreachable",
    "ANSWER": "hung_up_at_once",
}


@dataclass(frozen=True, slots=True)
class Policy:
    """The hall's rules, from the city's configuration; a new city is a new policy."""

    ring_seconds: int = 15
    after_no_answer: Literal["not_ready", "ready"] = "not_ready"
    wrap_up_seconds: Mapping[str, int] = field(default_factory=dict)
    """By queue; one that is not here has none."""
    agents: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The queues of each agent of the city."""
    seats: frozenset[str] = frozenset()

    @classmethod
    def of(cls, city: City) -> Policy:
        """Return the rules that a city's configuration holds."""
        return cls(
            ring_seconds=city.platform.offers.ring_seconds,
            after_no_answer=city.platform.offers.after_no_answer,
            wrap_up_seconds={queue.id: queue.wrap_up_seconds for queue in city.queues},
            agents={agent.id: tuple(agent.queues) for agent in city.agents},
            seats=frozenset(seat.ext for seat in city.seats),
        )

    def lease_until(self, now: int) -> int:
        """Return when an offer made now (µs) is over even if nobody tells."""
        return now + self.ring_seconds * SECOND + LEASE_SLACK

    def wrap_up_until(self, queue: str, now: int) -> int:
        """Return until when (µs) an agent is in wrap-up after a call of the queue that ends now; 0 for none."""
        seconds = self.wrap_up_seconds.get(queue, 0)
        return now + seconds * SECOND if seconds else 0

    def reason_after(self, status: str) -> str:
        """Return why an agent is not ready after an offer that ended with this DIALSTATUS.

        "" where the agent did nothing wrong (CANCEL, or a status of no seat) or the city lets those who did
        not answer stay ready; they go to the end of the idle, for else the next call would ring them again.
        """
        reason = _REASONS.get(status, "")
        return "" if reason == "no_answer" and self.after_no_answer == "ready" else reason

    def pause_after(self, status: str) -> int:
        """Return how long (µs) a call rests after an offer that ended with this DIALSTATUS.

        Where the seat rang or is out, the next agent is tried at once; what nobody can explain may happen again
        at once, too, and must not spin.
        """
        return 0 if status in ("", "NOANSWER", "BUSY", "CHANUNAVAIL", "CONGESTION") else SECOND
