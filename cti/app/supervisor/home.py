"""One home, one supervisor: the lock, and what an earlier supervisor may have left running."""

from __future__ import annotations

import fcntl
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from config.paths import Paths
from cti.app.supervisor import state
from cti.app.supervisor.pids import ProcessId, boot_id, describe, is_alive, marked
from cti.app.supervisor.state import State

LONGEST_SOCKET: Final = 107
"""What the kernel takes as the path of a unix socket (unix(7))."""


class HomeError(Exception):
    """This home can not be used now; the text says why and what to do, in one line."""


@dataclass(frozen=True, slots=True)
class Leftover:
    """A process of a supervisor that is gone. `name` as in supervisor.json, "" for what it started in turn."""

    name: str
    process: ProcessId

    def __str__(self) -> str:
        return f"{self.name or 'helper'} {self.process.pid}"


class Lock:
    """The right to run this home; held until the process ends, however it ends."""

    def __init__(self, paths: Paths) -> None:
        self._path = lock_file(paths)
        self._descriptor: int | None = None

    def take(self) -> bool:
        """Take it; False where another process has it. Raises OSError."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        return True

    def release(self) -> None:
        """Give it back."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def lock_file(paths: Paths) -> Path:
    """The file that a supervisor locks."""
    return paths.run / "supervisor.lock"


def known_state(paths: Paths) -> State | None:
    """What the last supervisor wrote, if it was in this run of the machine."""
    found = state.read(paths.supervisor_state)
    return found if found is not None and found.boot == boot_id() else None


def leftovers(paths: Paths) -> tuple[Leftover, ...]:
    """What still runs of this home, the named ones first. Meant for when no supervisor runs."""
    known = known_state(paths)
    found = []
    for name, part in known.processes.items() if known else ():
        if part.process is not None and is_alive(part.process):
            found.append(Leftover(name, part.process))
    named = {leftover.process for leftover in found}
    found += [Leftover("", process) for process in marked(paths.home) - named]
    return tuple(found)


def check_home(paths: Paths) -> None:
    """Raise HomeError if a socket in this home would have a name that the kernel refuses."""
    longest = max(
        len(os.fsencode(paths.run / name)) for name in ("asterisk.ctl", "redis.sock", "notify.sock")
    )
    if longest > LONGEST_SOCKET:
        raise HomeError(
            f"{paths.home}: the path is {longest - LONGEST_SOCKET} bytes too long for the sockets in it"
            " - choose a shorter one with --home"
        )


def in_use(paths: Paths) -> HomeError:
    """Say that another supervisor runs this home."""
    known = known_state(paths)
    by = describe(known.pid) if known else "another process"
    return HomeError(f"the platform in {paths.home} runs already, by {by} - see: yht status")


def still_running(paths: Paths, found: tuple[Leftover, ...]) -> HomeError:
    """Say that processes outlived their supervisor."""
    listed = ", ".join(str(leftover) for leftover in found)
    return HomeError(
        f"{paths.home}: its supervisor is gone, but these still run: {listed}"
        " - calls on them go on; end all with: yht down"
    )
