"""Work in lanes: one thing after the other within a lane, lanes side by side.

What happens to one call must be done in order; one call's trouble must not hold up another's.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final

import structlog

from cti.tasks import cancel

log = structlog.get_logger(__name__)

AGAIN_SECONDS: Final = 1.0
CANCEL_SECONDS: Final = 0.5
"""A task that is putting its things away has this long before it is told again."""

Work = Callable[[], Awaitable[object]]


class Tasks:
    """Tasks that somebody holds on to. One that fails is logged and counted, and nobody else is hurt."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopped = False
        self.failures = 0
        """Tasks that ended with an error nobody expected."""

    def spawn(self, coroutine: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """Run a coroutine beside everything else."""
        task = asyncio.create_task(coroutine, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def keep(self, work: Callable[[], Coroutine[Any, Any, None]], name: str) -> None:
        """Run something for ever: should it end against all expectation, it begins anew a second later."""

        def again(_: asyncio.Task[None]) -> None:
            if not self._stopped:
                asyncio.get_running_loop().call_later(AGAIN_SECONDS, self.keep, work, name)

        if not self._stopped:
            self.spawn(work(), name).add_done_callback(again)

    async def stop(self) -> None:
        """Cancel what runs and wait for its end; nothing begins anew."""
        self._stopped = True
        others = [task for task in self._tasks if task is not asyncio.current_task()]
        await cancel(others, CANCEL_SECONDS)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.failures += 1
            log.critical("acd_task_failed", task=task.get_name(), exc_info=error)


class Lanes:
    """Any number of lanes; an empty one costs nothing."""

    def __init__(self, tasks: Tasks) -> None:
        self._tasks = tasks
        self._lanes: dict[str, deque[Work]] = {}

    def put(self, lane: str, work: Work) -> None:
        """Do this after everything that was put into the lane before."""
        queue = self._lanes.get(lane)
        if queue is not None:
            queue.append(work)
            return
        self._lanes[lane] = deque((work,))
        self._start(lane)

    def __len__(self) -> int:
        """How many lanes have work."""
        return len(self._lanes)

    def _start(self, lane: str) -> None:
        task = self._tasks.spawn(self._drive(lane), f"lane {lane}")
        task.add_done_callback(lambda ended: self._ended(lane, ended))

    async def _drive(self, lane: str) -> None:
        queue = self._lanes[lane]
        while queue:
            await queue.popleft()()

    def _ended(self, lane: str, task: asyncio.Task[None]) -> None:
        # Work that failed is out of the queue; what came after it must still be done.
        if task.cancelled() or not self._lanes[lane]:
            del self._lanes[lane]
        else:
            self._start(lane)
