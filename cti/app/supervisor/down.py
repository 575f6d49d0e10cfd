"""`yht down`: asks the supervisor to stop everything; where it is gone, stops what it left, by pid and start."""

from __future__ import annotations

import signal
import time
from typing import Final

from config.paths import Paths
from cti.app.supervisor import home, parts, pids
from cti.app.supervisor.home import Leftover, Lock

SUPERVISOR_SECONDS: Final = 60.0
TERM_SECONDS: Final = 10.0
KILL_SECONDS: Final = 5.0
LOOK_SECONDS: Final = 0.05


class NotStopped(Exception):
    """Something still runs; the text says what."""


def down(paths: Paths) -> list[str]:
    """Stop the platform of this home; return what was done, one sentence each. Raises NotStopped, OSError."""
    lock = Lock(paths)
    done = []
    if not lock.take():
        done.append(_stop_supervisor(paths, lock))
    try:
        done += _stop_leftovers(paths)
        paths.supervisor_state.unlink(missing_ok=True)
    finally:
        lock.release()
    return done


def _stop_supervisor(paths: Paths, lock: Lock) -> str:
    known = home.known_state(paths)
    if known is None:
        raise NotStopped(f"{paths.home} is in use by a process that has not said which it is; try again")
    began = time.monotonic()
    names = [name for name, part in known.processes.items() if part.pid]
    pids.send(known.process, signal.SIGTERM)
    while not lock.take():
        if time.monotonic() - began > SUPERVISOR_SECONDS:
            who = pids.describe(known.pid)
            raise NotStopped(f"the supervisor, {who}, has not stopped in {SUPERVISOR_SECONDS:g} s")
        time.sleep(LOOK_SECONDS)
    pids.wait_gone([known.process], KILL_SECONDS)
    return f"stopped {', '.join(names) or 'the supervisor'} in {time.monotonic() - began:.1f} s"


def _stop_leftovers(paths: Paths) -> list[str]:
    """End what runs without a supervisor, in the same order as a supervisor does."""
    left = home.leftovers(paths)
    done = []
    for names in (*parts.STOP_ORDER, ("",)):
        group = [leftover for leftover in left if leftover.name in names]
        done += _end(group)
    return done


def _end(group: list[Leftover]) -> list[str]:
    processes = [leftover.process for leftover in group]
    for process in processes:
        pids.send(process, signal.SIGTERM)
    slow = pids.wait_gone(processes, TERM_SECONDS)
    for process in slow:
        pids.send(process, signal.SIGKILL)
    if stuck := pids.wait_gone(slow, KILL_SECONDS):
        listed = ", ".join(pids.describe(process.pid) for process in stuck)
        raise NotStopped(f"{listed} can not be ended")
    return [
        f"stopped {leftover}, whose supervisor was gone" + (" (killed)" if leftover.process in slow else "")
        for leftover in group
    ]
