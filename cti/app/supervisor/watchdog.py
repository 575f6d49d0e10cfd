"""Who has fallen silent: a process that neither works nor ends holds its calls for ever. Pure.

Silence is counted in the supervisor's own ticks and not in time, so that a supervisor that was paused itself
takes nobody for dead.
"""

from __future__ import annotations

TICK_SECONDS = 2.0
SILENT_TICKS = 10
"""So many ticks without a word, and a process counts as hung; it tells one in each (cti.app.process)."""


class Watchdog:
    """Counts the silence of each process since it was last heard."""

    def __init__(self) -> None:
        self._silence: dict[str, int] = {}

    def heard(self, name: str) -> None:
        """The process lives."""
        self._silence[name] = 0

    def forget(self, name: str) -> None:
        """The process ended, or is told to; it is watched again from its first word on."""
        self._silence.pop(name, None)

    def tick(self) -> tuple[str, ...]:
        """Return who is hung now; each is forgotten with that."""
        for name in self._silence:
            self._silence[name] += 1
        hung = tuple(name for name, silence in self._silence.items() if silence > SILENT_TICKS)
        for name in hung:
            self.forget(name)
        return hung
