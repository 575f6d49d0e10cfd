"""The supervisor itself: takes the home, starts what the platform is made of, keeps it, stops it.

One coroutine on Twisted's asyncio reactor, so that procmon and asyncio share a thread and need no locks.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import structlog

from config import City
from config.paths import Paths
from cti.app.supervisor import home, parts, pids, readiness, state
from cti.app.supervisor.monitor import Monitor
from cti.app.supervisor.outcome import Outcome
from cti.app.supervisor.pids import ProcessId
from cti.app.supervisor.prepare import NotPrepared, prepare
from cti.app.supervisor.state import State
from cti.app.supervisor.watchdog import TICK_SECONDS, Watchdog
from cti.clock import now_us

START_SECONDS: Final = 45.0
"""How long a start may take; what is not ready by then is told, and goes on trying."""
START_TRIES: Final = 3
"""How often a process may end before it was ever ready, until the start no longer waits for it."""
SWEEP_SECONDS: Final = 5.0
LAST_WORDS: Final = 300

_log = structlog.get_logger("supervisor")


class Supervisor:
    """One platform. `tell` is called once, with the outcome of the start."""

    def __init__(self, city: City, paths: Paths, reactor: Any, tell: Callable[[Outcome], None]) -> None:
        self._city = city
        self._paths = paths
        self._reactor = reactor
        self._tell = tell
        self._parts = {part.name: part for part in parts.parts_of(city)}
        self._monitor = Monitor(reactor, self)
        self._stop = asyncio.Event()
        self._once_ready = {name: asyncio.Event() for name in self._parts}
        self._hopeless = {name: asyncio.Event() for name in self._parts}
        self._looking: dict[str, asyncio.Task[None]] = {}
        self._watchdog = Watchdog()
        self._lock = home.Lock(paths)
        self._state: State

    def stop(self) -> None:
        """Ask for the end; `run` returns when everything has stopped."""
        self._stop.set()

    async def run(self) -> bool:
        """Run the platform until it is stopped; False where it could not be started."""
        try:
            self._take_home()
            await prepare(self._city, self._paths)
        except home.HomeError as error:
            self._tell(Outcome(False, (str(error),)))
            return False
        except NotPrepared as error:
            self._tell(Outcome(False, error.lines))
            self._leave_home()
            return False
        said = parts.notify_socket(self._paths)
        said.unlink(missing_ok=True)
        ears = self._reactor.listenUNIXDatagram(str(said), readiness.Ears(self._told))
        try:
            return await self._keep()
        finally:
            ears.stopListening()
            said.unlink(missing_ok=True)
            self._leave_home()

    # The home

    def _take_home(self) -> None:
        home.check_home(self._paths)
        try:
            taken = self._lock.take()
        except OSError as error:
            raise home.HomeError(
                f"{error.filename}: {error.strerror} - name another home with --home"
            ) from error
        if not taken:
            raise home.in_use(self._paths)
        if left := home.leftovers(self._paths):
            self._lock.release()
            raise home.still_running(self._paths, left)
        own = pids.identify(os.getpid()) or ProcessId(os.getpid(), 0)
        self._set(state.fresh(own, pids.boot_id(), self._parts, now_us()))

    def _leave_home(self) -> None:
        self._paths.supervisor_state.unlink(missing_ok=True)
        self._lock.release()

    # Start, keep, stop

    async def _keep(self) -> bool:
        begun = time.monotonic()
        self._monitor.startService()
        starting = [asyncio.create_task(self._start(name)) for name in self._parts]
        stopping = asyncio.create_task(self._stop.wait())
        watching = asyncio.create_task(self._watch())
        try:
            settled = asyncio.gather(*(self._settled(name) for name in self._parts))
            await asyncio.wait(
                (settled, stopping), timeout=START_SECONDS, return_when=asyncio.FIRST_COMPLETED
            )
            settled.cancel()
            outcome = self._outcome()
            if not self._stop.is_set():
                _log.info(
                    "platform_started", ready=outcome.running, seconds=round(time.monotonic() - begun, 2)
                )
                for line in outcome.lines:
                    _log.info("not_ready", reason=line)  # told to the person too
                if outcome.running:
                    self._tell(outcome)
                    await stopping
        finally:
            for task in (*starting, stopping, watching):
                task.cancel()
            await self._stop_all()
        if not outcome.running or not self._stop.is_set():
            self._tell(outcome)
        return outcome.running

    async def _start(self, name: str) -> None:
        for need in self._parts[name].needs:
            await self._once_ready[need].wait()
        self._monitor.addProcess(
            name,
            parts.command_of(self._paths, name),
            env=parts.environment_of(self._paths),
            cwd=str(self._paths.home),
        )

    async def _watch(self) -> None:
        """End a process that hangs; procmon starts it anew, and its calls find an engine again."""
        while True:
            await asyncio.sleep(TICK_SECONDS)
            for name in self._watchdog.tick():
                process = self._state.processes[name].process
                if process is not None:
                    _log.error("hung", name=name, its_pid=process.pid)
                    pids.send(process, signal.SIGKILL)

    async def _settled(self, name: str) -> None:
        """Return when a process is ready, or is not worth waiting for."""
        events = (self._once_ready[name], self._hopeless[name])
        waits = [asyncio.create_task(event.wait()) for event in events]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    def _outcome(self) -> Outcome:
        lines = []
        running = True
        for name, part in self._parts.items():
            if self._once_ready[name].is_set():
                continue
            running = running and not part.essential
            known = self._state.processes[name]
            waits_for = [need for need in part.needs if not self._once_ready[need].is_set()]
            if waits_for:
                lines.append(f"{name} waits for {' and '.join(waits_for)}")
            elif known.last_exit:
                said = self._last_words(name) or "it said nothing"
                lines.append(
                    f"{name} ended with {known.last_exit}: {said} - see {self._paths.log}/{name}.log"
                )
            else:
                lines.append(
                    f"{name} was not ready in {START_SECONDS:g} s - see {self._paths.log}/{name}.log"
                )
        return Outcome(running, tuple(lines))

    def _last_words(self, name: str) -> str:
        """The last line that a process printed, "" where it printed none."""
        try:
            printed = parts.output_of(self._paths, name).read_bytes()[-4000:].decode("utf-8", "replace")
        except OSError:
            return ""
        words = [line.strip() for line in printed.splitlines() if line.strip()]
        return words[-1].removeprefix("yht: ")[:LAST_WORDS] if words else ""

    async def _stop_all(self) -> None:
        _log.info("platform_stopping")
        self._set(state.closing(self._state))
        for names in parts.STOP_ORDER:
            group = [name for name in names if name in self._parts]
            for name in group:
                self._set(state.stopping(self._state, name, now_us()))
            await asyncio.gather(*(self._monitor.stop(name) for name in group))
        self._monitor.stopService()
        await self._sweep()
        _log.info("platform_stopped")

    async def _sweep(self) -> None:
        """End what the processes started in turn and left behind."""
        left = pids.marked(self._paths.home)
        for process in left:
            _log.warning("left_behind", left=pids.describe(process.pid))
            pids.send(process, signal.SIGKILL)
        await asyncio.to_thread(pids.wait_gone, left, SWEEP_SECONDS)

    # What happens to the processes

    def process_started(self, name: str, pid: int) -> None:
        """A process runs now: note it, and look for its readiness where it does not tell."""
        process = pids.identify(pid) or ProcessId(pid, 0)
        self._set(state.started(self._state, name, process, now_us()))
        _log.info("started", name=name, its_pid=pid)
        if not self._parts[name].says_ready:
            self._looking[name] = asyncio.create_task(self._look(name, pid))

    def process_exited(self, name: str, how: str, again_in: float | None) -> None:
        """A process ended: note it; procmon has planned its next start."""
        self._watchdog.forget(name)
        looking = self._looking.pop(name, None)
        if looking is not None:
            looking.cancel()
        told_to = self._state.processes[name].state == "stopping"
        self._set(state.exited(self._state, name, how, now_us()))
        if told_to:
            _log.info("stopped", name=name, how=how)
            return
        wait = None if again_in is None else round(again_in, 2)
        said = {} if how.startswith("signal") else {"said": self._last_words(name)}
        _log.warning("ended", name=name, how=how, again_in_seconds=wait, **said)
        known = self._state.processes[name]
        tries = 1 if self._parts[name].essential else START_TRIES
        if not self._once_ready[name].is_set() and known.restarts + 1 >= tries:
            self._give_up(name)

    def _give_up(self, name: str) -> None:
        self._hopeless[name].set()
        for other, part in self._parts.items():
            if name in part.needs and not self._hopeless[other].is_set():
                self._give_up(other)

    async def _look(self, name: str, pid: int) -> None:
        if name == "redis":
            await readiness.redis_ready(self._paths)
        else:
            await readiness.asterisk_ready(self._paths)
        self._ready(name, pid)

    def _told(self, pid: int, message: Mapping[str, str]) -> None:
        for name, part in self._state.processes.items():
            if part.pid != pid or not self._parts[name].says_ready:
                continue
            if message.get("READY") == "1":
                self._ready(name, pid)
            if message.get("WATCHDOG") == "1":
                self._watchdog.heard(name)
            if message.get("STOPPING") == "1":
                self._watchdog.forget(name)

    def _ready(self, name: str, pid: int) -> None:
        known = self._state.processes[name]
        if known.pid == pid and known.state == "starting":
            self._set(state.ready(self._state, name, now_us()))
            self._once_ready[name].set()
            _log.info("ready", name=name, after_ms=(now_us() - known.since) // 1000)

    def _set(self, new: State) -> None:
        self._state = new
        try:
            state.write(self._paths.supervisor_state, new)
        except OSError as error:  # a full disk must not keep processes from being started or stopped
            _log.error("state_not_written", reason=str(error))
