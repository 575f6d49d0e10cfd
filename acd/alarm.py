"""The hall's one timer: armed for the next offer, wrap-up or hold that runs out; there is no polling."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final

from acd.floor import Floor
from acd.lanes import Tasks
from acd.policy import SECOND

AGAIN: Final = SECOND // 5
"""What Redis knows of no more must not make the timer spin."""


class Alarm:
    """Wakes the floor, and runs `expire` when a lease is due."""

    def __init__(
        self,
        floor: Floor,
        clock: Callable[[], int],
        tasks: Tasks,
        *,
        expire: Callable[[], Coroutine[Any, Any, None]],
        woken: Callable[[], None],
    ) -> None:
        self._floor = floor
        self._clock = clock
        self._expire = expire
        self._woken = woken
        self._tasks = tasks
        self._timer: asyncio.TimerHandle | None = None
        self._armed_for = 0
        self._expired_at = 0
        self._expiring = False

    def arm(self) -> None:
        """Set the timer for what runs out next; one that is set right stays."""
        due = self._floor.wake_at()
        if due is None:
            self.stop()
            return
        due = max(due, self._expired_at + AGAIN)
        if self._timer is None or due != self._armed_for:
            self.stop()
            self._armed_for = due
            seconds = max(0, due - self._clock()) / SECOND
            self._timer = asyncio.get_running_loop().call_later(seconds, self._ring)

    def stop(self) -> None:
        """Wake nobody."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _ring(self) -> None:
        self._timer = None
        now = self._clock()
        self._floor.wake(now)
        lease = self._floor.state.next_lease()
        if lease is not None and lease <= now and not self._expiring:
            self._expired_at = now
            self._expiring = True
            self._tasks.spawn(self._run_out(), "expire")
        self._woken()

    async def _run_out(self) -> None:
        try:
            await self._expire()
        finally:
            self._expiring = False
            self._expired_at = self._clock()
