"""What the supervisor knows of its processes, and how that changes: pure, and written to `run/supervisor.json`.

    waiting → starting → ready → restarting → starting …      any → stopping → stopped

`waiting` for another process to be ready, `restarting` after it ended by itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

from cti import files
from cti.app.supervisor.pids import ProcessId

PartName = str
Phase = Literal["waiting", "starting", "ready", "restarting", "stopping", "stopped"]
Whole = Literal["starting", "up", "stopping"]
_AFTER: Final[dict[Phase, frozenset[Phase]]] = {
    "waiting": frozenset({"starting", "restarting", "stopping"}),
    "starting": frozenset({"ready", "restarting", "stopping"}),
    "ready": frozenset({"restarting", "stopping"}),
    "restarting": frozenset({"starting", "stopping"}),
    "stopping": frozenset({"stopped"}),
    "stopped": frozenset(),
}


class ImpossibleChangeError(Exception):
    """A process can not go from the phase it is in to the one that was told."""


@dataclass(frozen=True, slots=True)
class PartState:
    """One process. `since` (µs) is its last change, `started` the ticks of `ProcessId`; pid 0 where none runs."""

    state: Phase = "waiting"
    pid: int = 0
    started: int = 0
    since: int = 0
    restarts: int = 0
    last_exit: str = ""

    @property
    def process(self) -> ProcessId | None:
        """The process itself, None where none runs."""
        return ProcessId(self.pid, self.started) if self.pid else None


@dataclass(frozen=True, slots=True)
class State:
    """The supervisor and all it runs; `started` in µs, `ticks` as of `ProcessId`."""

    pid: int
    ticks: int
    boot: str
    started: int
    state: Whole
    processes: dict[PartName, PartState]

    @property
    def process(self) -> ProcessId:
        """The supervisor itself."""
        return ProcessId(self.pid, self.ticks)

    @property
    def all_ready(self) -> bool:
        """Whether every process does its work."""
        return all(part.state == "ready" for part in self.processes.values())


def fresh(process: ProcessId, boot: str, names: Iterable[PartName], now: int) -> State:
    """A supervisor that has started nothing yet."""
    return State(
        process.pid, process.started, boot, now, "starting", {name: PartState(since=now) for name in names}
    )


def _change(state: State, name: PartName, to: Phase, now: int, **also: Any) -> State:
    before = state.processes[name]
    if to not in _AFTER[before.state]:
        raise ImpossibleChangeError(f"{name} is {before.state}; it can not become {to}")
    after = replace(before, state=to, since=now, **also)
    return replace(state, processes={**state.processes, name: after})


def started(state: State, name: PartName, process: ProcessId, now: int) -> State:
    """A process was started, for the first time or again."""
    again = state.processes[name].state == "restarting"
    restarts = state.processes[name].restarts + again
    return _change(state, name, "starting", now, pid=process.pid, started=process.started, restarts=restarts)


def ready(state: State, name: PartName, now: int) -> State:
    """A process has said, or shown, that it does its work; the platform is up when the last has."""
    after = _change(state, name, "ready", now)
    if after.state == "starting" and after.all_ready:
        after = replace(after, state="up")
    return after


def exited(state: State, name: PartName, how: str, now: int) -> State:
    """A process ended; one that was told to is stopped, any other will be started again."""
    to: Phase = "stopped" if state.processes[name].state == "stopping" else "restarting"
    return _change(state, name, to, now, pid=0, started=0, last_exit=how)


def stopping(state: State, name: PartName, now: int) -> State:
    """A process was told to stop; one that does not run is stopped at once."""
    after = _change(state, name, "stopping", now)
    return after if after.processes[name].pid else _change(after, name, "stopped", now)


def closing(state: State) -> State:
    """The platform as a whole is being stopped."""
    return replace(state, state="stopping")


def encode(state: State) -> str:
    """The state as the text of supervisor.json."""
    return json.dumps(asdict(state), indent=1) + "\n"


def decode(text: str) -> State:
    """Read supervisor.json. Raises ValueError."""
    try:
        raw = json.loads(text)
        parts = {str(name): PartState(**part) for name, part in raw.pop("processes").items()}
        return State(processes=parts, **raw)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"no state of a supervisor: {error}") from error


def write(path: Path, state: State) -> None:
    """Replace supervisor.json whole."""
    files.replace(path, encode(state))


def read(path: Path) -> State | None:
    """Return what a supervisor last wrote; None where none ever did, or nothing that can be read."""
    try:
        return decode(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
