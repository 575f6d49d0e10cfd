"""Watches the invariants of the live hall: what is wrong twice in a row is counted, told and mended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import structlog

from acd.hall_state import HallState
from acd.invariants import Breach, breaches

log = structlog.get_logger(__name__)


class Watch:
    """Remembers what was wrong at the last look: a mirror may be between two events for a moment."""

    def __init__(self, clock: Callable[[], int], counts: Counter[str]) -> None:
        self._clock = clock
        self._counts = counts
        self._suspected: frozenset[Breach] = frozenset()
        self.confirmed: frozenset[Breach] = frozenset()
        """What was wrong at the last two looks."""

    def look(self, state: HallState) -> frozenset[Breach]:
        """Look, and return what is newly known to be wrong."""
        found = frozenset(breaches(state, self._clock()))
        confirmed = found & self._suspected
        new = confirmed - self.confirmed
        for breach in new:
            self._counts[f"breach_{breach.name}"] += 1
            log.error("hall_breach", breach=breach.name, agent=breach.agent, call_id=breach.call)
        self._suspected, self.confirmed = found, confirmed
        return new
