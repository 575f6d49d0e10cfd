"""Runs a supervisor on Twisted's asyncio reactor until a signal ends it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from typing import Any

from twisted.internet import asyncioreactor
from twisted.logger import STDLibLogObserver, globalLogBeginner

from config import City
from config.paths import Paths
from cti.app.supervisor.outcome import Outcome


def run(city: City, paths: Paths, tell: Callable[[Outcome], None]) -> bool:
    """Run the platform in this process until SIGTERM, SIGINT or SIGHUP; False where it could not be started.

    Installs the reactor, so it is called once in a process. Raises what the supervisor raises.
    """
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    asyncioreactor.install(loop)  # type: ignore[no-untyped-call]
    from twisted.internet import reactor as installed

    from cti.app.supervisor.supervise import Supervisor  # procmon imports the reactor: not before this line

    reactor: Any = installed
    observer: Any = STDLibLogObserver()
    globalLogBeginner.beginLoggingTo([observer], redirectStandardIO=False, discardBuffer=True)
    working: list[asyncio.Task[bool]] = []

    def begin() -> None:
        supervisor = Supervisor(city, paths, reactor, tell)
        # Not the loop's own handlers: they would take the wakeup descriptor by which Twisted hears of SIGCHLD.
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: reactor.callFromThread(supervisor.stop))
        task = loop.create_task(supervisor.run())
        task.add_done_callback(lambda _: reactor.stop())
        working.append(task)

    reactor.callWhenRunning(begin)
    reactor.run()
    return working[0].result()
