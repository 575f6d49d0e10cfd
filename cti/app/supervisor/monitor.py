"""Twisted's process monitor, telling what it does: each start, each end, and a stop that can be awaited."""

from __future__ import annotations

import asyncio
from typing import Any, Protocol

from twisted.internet.error import ProcessDone, ProcessTerminated
from twisted.python.failure import Failure
from twisted.runner.procmon import ProcessMonitor


class Listener(Protocol):
    """Who is told; both are called on the reactor's thread."""

    def process_started(self, name: str, pid: int) -> None:
        """A process runs now."""

    def process_exited(self, name: str, how: str, again_in: float | None) -> None:
        """A process ended; it starts again after so many seconds, or not at all."""


class Monitor(ProcessMonitor):
    """Runs processes and starts those again that end; one that ends soon after its start waits ever longer.

    procmon doubles the wait at each early end, from `minRestartDelay` to `maxRestartDelay`, and starts at once
    again what has lived for `threshold` seconds. It sends TERM, and KILL after `killTime`.
    """

    threshold = 15

    def __init__(self, reactor: Any, listener: Listener) -> None:
        super().__init__(reactor)
        self.killTime = 10
        self.minRestartDelay = 0.25  # type: ignore[assignment]  # it is only added up and doubled
        self.maxRestartDelay = 30
        self._listener = listener
        self._ended: dict[str, asyncio.Event] = {}

    def startProcess(self, name: str) -> None:  # noqa: N802 - procmon's name
        """Start a process unless it runs."""
        if name in self.protocols:
            return
        self._ended[name] = asyncio.Event()
        super().startProcess(name)
        protocol = self.protocols.get(name)
        if protocol is not None and protocol.transport is not None:
            self._listener.process_started(name, protocol.transport.pid)

    def _monitoredProcessExited(self, name: str, reason: Failure | None = None) -> None:  # noqa: N802
        """Procmon's only sign of an end; it has planned the next start when this returns."""
        super()._monitoredProcessExited(name, reason)
        planned: Any = self.restart.get(name)  # zope's interfaces are no types to mypy
        clock: Any = self._clock
        again = planned.getTime() - clock.seconds() if planned and planned.active() else None
        self._ended[name].set()
        self._listener.process_exited(name, how_it_ended(reason), again)

    async def stop(self, name: str) -> None:
        """Stop one process for good; returns when it is gone."""
        planned: Any = self.restart.pop(name, None)
        if planned is not None and planned.active():
            planned.cancel()
        if name in self._processes:
            self.removeProcess(name)
        if name in self.protocols:
            await self._ended[name].wait()


def how_it_ended(reason: Failure | None) -> str:
    """Say how a process ended: "code 1", "signal 9", "" for a good end."""
    error = reason.value if reason is not None else None
    if isinstance(error, ProcessTerminated):
        return f"signal {error.signal}" if error.signal else f"code {error.exitCode}"
    if error is None or isinstance(error, ProcessDone):
        return "code 0"
    return f"not started: {error}"
