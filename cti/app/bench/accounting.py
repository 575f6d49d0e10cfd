"""CPU time of a platform's processes, by process, read from /proc; and who of them is still there."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
"""Units of the times in /proc/<pid>/stat, a second (proc_pid_stat(5))."""


@dataclass(frozen=True, slots=True)
class Process:
    """One running process: its parent, its argument list, the CPU seconds used by it and by its ended children."""

    pid: int
    parent: int
    arguments: tuple[str, ...]
    seconds: float


def parse_stat(text: str) -> tuple[int, float]:
    """Read /proc/<pid>/stat: the parent's pid and the CPU seconds of the process and its ended children.

    The second field is the program's name in brackets and may hold anything, brackets too. Raises ValueError
    on another text.
    """
    _, bracket, rest = text.rpartition(") ")
    fields = rest.split()
    if not bracket or len(fields) < 15:
        raise ValueError(f"not a line of /proc/<pid>/stat: {text[:80]!r}")
    return int(fields[1]), sum(int(fields[index]) for index in (11, 12, 13, 14)) / TICKS


def role(arguments: tuple[str, ...]) -> str:
    """Name what a process of the platform is, by its argument list; "" if that does not tell."""
    for index, argument in enumerate(arguments[:-1]):
        if argument == "run" and arguments[index + 1].isalpha():
            return arguments[index + 1]
    # Redis makes its title one argument: the program, a space, its socket.
    programs = {Path(argument.partition(" ")[0]).name for argument in arguments}
    for name in ("asterisk", "redis-server"):
        if name in programs:
            return name.partition("-")[0]
    return "supervisor" if "up" in arguments else ""


def members(processes: Iterable[Process], mark: str) -> dict[int, str]:
    """Return the processes that belong to a platform, pid → role.

    They are those with `mark` (the home's path) in an argument, and their descendants; a process whose own
    arguments do not tell its role has its parent's.
    """
    table = {process.pid: process for process in processes}
    roles: dict[int, str] = {}

    def place(pid: int, depth: int = 0) -> str | None:
        process = table.get(pid)
        if process is None or depth > 64:
            return None
        inherited = roles.get(process.parent) or place(process.parent, depth + 1)
        marked = any(mark in argument for argument in process.arguments)
        if not marked and inherited is None:
            return None
        roles[pid] = role(process.arguments) or inherited or "other"
        return roles[pid]

    for pid in table:
        place(pid)
    return roles


def read_processes(proc: Path = Path("/proc")) -> list[Process]:
    """Read every process there is; one that ends meanwhile is left out."""
    found = []
    for entry in proc.iterdir():
        if not entry.name.isdigit():
            continue
        try:
            parent, seconds = parse_stat((entry / "stat").read_text(encoding="utf-8", errors="replace"))
            raw = (entry / "cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue
        arguments = tuple(part.decode(errors="replace") for part in raw.split(b"\0") if part)
        found.append(Process(int(entry.name), parent, arguments, seconds))
    return found


def usage(mark: str, but: frozenset[int] = frozenset()) -> dict[str, float]:
    """Return the CPU seconds that each role of the platform marked by `mark` has used so far.

    `but`: pids that are no part of it although they carry the mark (the measuring tools).
    """
    processes = [process for process in read_processes() if process.pid not in but]
    roles = members(processes, mark)
    total: dict[str, float] = defaultdict(float)
    for process in processes:
        if process.pid in roles:
            total[roles[process.pid]] += process.seconds
    return dict(total)


def spent(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """Return the CPU seconds by role between two readings, largest first; what ended in between counts as 0."""
    difference = {name: max(0.0, seconds - before.get(name, 0.0)) for name, seconds in after.items()}
    return dict(sorted(difference.items(), key=lambda item: -item[1]))
