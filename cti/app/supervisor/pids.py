"""Which process is which: a pid together with its start, so that a number used again is never mistaken.

Reads /proc of Linux. Nothing here signals a process without having looked at its start first.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PROC: Final = Path("/proc")
LOOK_SECONDS: Final = 0.05
MARK: Final = "YHT_SUPERVISED_HOME"
"""In the environment of everything that a supervisor starts, and of what those start: the home it belongs to."""


@dataclass(frozen=True, slots=True)
class ProcessId:
    """One process for ever: its number, and its start in clock ticks since the machine's."""

    pid: int
    started: int


@dataclass(frozen=True, slots=True)
class Stat:
    """What /proc/PID/stat tells. `cpu_ticks` is used so far, `pages` resident."""

    pid: int
    name: str
    state: str
    parent: int
    session: int
    cpu_ticks: int
    started: int
    pages: int

    @property
    def alive(self) -> bool:
        """Whether it still runs; a zombie waits for its parent only."""
        return self.state not in "ZX"


def parse_stat(text: str) -> Stat:
    """Read the one line of /proc/PID/stat (proc(5)). Raises ValueError."""
    number, opened, rest = text.partition(" (")
    name, closed, tail = rest.rpartition(") ")  # the name itself may hold brackets and spaces
    fields = tail.split()
    if not opened or not closed or len(fields) < 22:
        raise ValueError(f"no line of /proc/PID/stat: {text[:60]!r}")
    return Stat(
        pid=int(number),
        name=name,
        state=fields[0],
        parent=int(fields[1]),
        session=int(fields[3]),
        cpu_ticks=int(fields[11]) + int(fields[12]),
        started=int(fields[19]),
        pages=int(fields[21]),
    )


def stat_of(pid: int, proc: Path = PROC) -> Stat | None:
    """What is known of a process; None where there is none."""
    try:
        return parse_stat((proc / str(pid) / "stat").read_text(encoding="utf-8", errors="replace"))
    except (OSError, ValueError):
        return None


def identify(pid: int) -> ProcessId | None:
    """The identity of a process that runs now."""
    stat = stat_of(pid)
    return ProcessId(pid, stat.started) if stat is not None and stat.alive else None


def is_alive(process: ProcessId) -> bool:
    """Whether exactly this process still runs."""
    return identify(process.pid) == process


def send(process: ProcessId, number: signal.Signals) -> bool:
    """Signal exactly this process; False where it is gone.

    The process is held by a file descriptor while its start is compared, so no other can take its number in
    between.
    """
    try:
        held = os.pidfd_open(process.pid)
    except OSError:
        return False
    try:
        if not is_alive(process):
            return False
        signal.pidfd_send_signal(held, number)
    except ProcessLookupError:
        return False
    finally:
        os.close(held)
    return True


def wait_gone(processes: Iterable[ProcessId], within: float) -> list[ProcessId]:
    """Wait until processes are gone, `within` seconds at most; return those that are not."""
    deadline = time.monotonic() + within
    left = [process for process in processes if is_alive(process)]
    while left and time.monotonic() < deadline:
        time.sleep(LOOK_SECONDS)
        left = [process for process in left if is_alive(process)]
    return left


def everyone(proc: Path = PROC) -> Iterator[int]:
    """The number of every process of this machine."""
    for entry in proc.iterdir():
        if entry.name.isdigit():
            yield int(entry.name)


def marked(home: Path, proc: Path = PROC) -> frozenset[ProcessId]:
    """Every living process that a supervisor of this home has started, or that such a process has."""
    wanted = f"{MARK}={home}".encode()
    found = set()
    for pid in everyone(proc):
        try:
            environment = (proc / str(pid) / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if wanted in environment and (identity := identify(pid)) is not None:
            found.add(identity)
    return frozenset(found)


def boot_id() -> str:
    """This run of the machine; starts are only comparable within one."""
    try:
        return (PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def describe(pid: int, proc: Path = PROC) -> str:
    """Name a process for a person: "nginx (pid 812)"."""
    stat = stat_of(pid, proc)
    return f"{stat.name} (pid {pid})" if stat is not None else f"pid {pid}"
