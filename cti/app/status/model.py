"""What `yht status` knows, and what of it is bad. Pure: everything is handed in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from cti.app.supervisor.state import PartState, State
from cti.app.views.queues import QueueView

META: Final = frozenset({"name", "node", "pid", "started", "at", "ready"})
"""What every process says beside its own figures (cti.app.process)."""
REFUSED: Final = "refused_"
UP: Final = "up"
SILENT_BY_NATURE: Final = frozenset({"redis", "asterisk"})
"""Not ours, so they are asked (the links) instead of heard."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process takes: resident bytes, percent of one core just now."""

    memory: int
    cpu: float


@dataclass(frozen=True, slots=True)
class ProcessStatus:
    """One process. `since` in µs (0: unknown); `health` is what it says of itself, texts."""

    name: str
    node: str
    state: str
    pid: int = 0
    since: int = 0
    restarts: int = 0
    last_exit: str = ""
    usage: Usage | None = None
    health: Mapping[str, str] = field(default_factory=dict)

    @property
    def trouble(self) -> str:
        """What does not work, in one sentence; "" when all does."""
        if self.state != "ready":
            ended = f"; it ended with {self.last_exit}" if self.last_exit else ""
            return f"{self.name} is {self.state}{ended}"
        said = self.health.get("trouble", "")
        return f"{self.name}: {said}" if said else ""


@dataclass(frozen=True, slots=True)
class Status:
    """The whole platform at `now` (µs). A link is "up" or says what is wrong."""

    home: str
    city: str
    now: int
    supervisor: int
    processes: tuple[ProcessStatus, ...] = ()
    links: Mapping[str, str] = field(default_factory=dict)
    queues: tuple[QueueView, ...] = ()
    agents: Mapping[str, int] = field(default_factory=dict)

    @property
    def running(self) -> bool:
        """Whether anything runs."""
        return bool(self.processes)

    @property
    def troubles(self) -> tuple[str, ...]:
        """Everything that is wrong, one sentence each."""
        if not self.running:
            return (f"nothing runs in {self.home}",)
        wrong = [process.trouble for process in self.processes if process.trouble]
        wrong += [f"{name}: {said}" for name, said in self.links.items() if said != UP]
        return tuple(dict.fromkeys(wrong))

    @property
    def good(self) -> bool:
        """Whether all is up."""
        return not self.troubles

    @property
    def refused(self) -> dict[str, int]:
        """Input that was refused since each process started, by kind; kinds that never came are left out."""
        found: dict[str, int] = {}
        for process in self.processes:
            for name, value in process.health.items():
                if name.startswith(REFUSED) and value.isdigit() and int(value):
                    kind = name.removeprefix(REFUSED)
                    found[kind] = found.get(kind, 0) + int(value)
        return found

    def figure(self, name: str) -> int | None:
        """The sum of what the processes say under a name; None where none says it."""
        values = [process.health[name] for process in self.processes if name in process.health]
        numbers = [int(value) for value in values if value.isdigit()]
        return sum(numbers) if numbers else None

    def said(self, name: str) -> str:
        """What the first process that says something under a name says."""
        return next((process.health[name] for process in self.processes if process.health.get(name)), "")


def processes(
    supervised: State | None,
    told: Sequence[Mapping[str, str]],
    usage: Mapping[int, Usage],
    node: str,
    silent_since: int = 0,
) -> tuple[ProcessStatus, ...]:
    """Join what the supervisor knows with what processes say in Redis; those of other starts come last.

    `told` are the hashes `{yht}:process:*`, `usage` is by pid of this machine. Who has been ready since before
    `silent_since` (µs) should have said something; 0 where nobody can be heard now.
    """
    rest = {(row.get("name", ""), row.get("node", "")): row for row in told if row.get("name")}
    found = []
    for name, part in supervised.processes.items() if supervised else ():
        found.append(_supervised(name, part, rest.pop((name, node), {}), usage, node, silent_since))
    for (name, its_node), row in sorted(rest.items()):
        pid = _number(row.get("pid"))
        found.append(
            ProcessStatus(
                name=name,
                node=its_node,
                state="ready" if row.get("ready") == "1" else "starting",
                pid=pid,
                since=_number(row.get("started")),
                usage=usage.get(pid) if its_node == node else None,
                health=_health(row),
            )
        )
    return tuple(found)


def _supervised(
    name: str,
    part: PartState,
    row: Mapping[str, str],
    usage: Mapping[int, Usage],
    node: str,
    silent_since: int,
) -> ProcessStatus:
    health = _health(row) if _number(row.get("pid")) == part.pid else {}
    if not health and name not in SILENT_BY_NATURE and part.state == "ready" and part.since < silent_since:
        health = {"trouble": "it runs, but says nothing of itself: it hangs, or does not reach Redis"}
    return ProcessStatus(
        name=name,
        node=node,
        state=part.state,
        pid=part.pid,
        since=part.since,
        restarts=part.restarts,
        last_exit=part.last_exit,
        usage=usage.get(part.pid),
        health=health,
    )


def _health(row: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in row.items() if name not in META}


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() else 0


def tally(states: Iterable[str]) -> dict[str, int]:
    """Count agents by state, in the order they come in."""
    counted: dict[str, int] = {}
    for state in states:
        counted[state] = counted.get(state, 0) + 1
    return counted


def as_json(status: Status) -> dict[str, Any]:
    """The status as `yht status --json` prints it; docs of the keys are those of the classes above."""
    return {
        "good": status.good,
        "running": status.running,
        "home": status.home,
        "city": status.city,
        "supervisor": status.supervisor or None,
        "troubles": list(status.troubles),
        "processes": {
            process.name
            if process.node in ("", status.processes[0].node)
            else f"{process.name}@{process.node}": {
                "node": process.node,
                "state": process.state,
                "pid": process.pid or None,
                "up_ms": max(status.now - process.since, 0) // 1000
                if process.since and process.pid
                else None,
                "restarts": process.restarts,
                "last_exit": process.last_exit,
                "memory_bytes": process.usage.memory if process.usage else None,
                "cpu_percent": round(process.usage.cpu, 1) if process.usage else None,
                "health": dict(process.health),
            }
            for process in status.processes
        },
        "links": dict(status.links),
        "queues": {
            queue.id: {
                "waiting": queue.waiting,
                "offered": queue.offered,
                "longest_wait_ms": queue.longest_wait_ms,
                "ready": queue.ready,
                "talking": queue.talking,
            }
            for queue in status.queues
        },
        "agents": dict(status.agents),
        "journal_lag_bytes": status.figure("journal_lag_bytes"),
        "facts_pending": status.figure("facts_pending"),
        "speech": {
            "engine": status.said("speech_engine"),
            "model": status.said("speech_model"),
            "why": status.said("speech_why"),
        },
        "refused": status.refused,
    }
