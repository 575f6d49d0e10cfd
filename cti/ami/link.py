"""The AMI link of one Asterisk: keeps one connection up, hands its events on in order, carries actions.

Events go onto one queue and one consumer hands them to the owner. After each login the owner's `resync` runs
first, while events queue up, so that it learns the present before it hears what changed since. Nothing is
ever sent twice: an action lives and dies with the connection on which it was sent.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

import structlog

from cti.ami.errors import AmiError, AmiLinkLost, AmiRefused, AmiTimeout
from cti.ami.protocol import Listed, Manager, Protocol, Single
from cti.ami.settings import AmiSettings
from cti.ami.wire import AmiEvent, AmiReply, Fields, WireError, check_action
from cti.tasks import cancel

log = structlog.get_logger(__name__)

BATCH = 100
"""Events handed over before other tasks get a turn."""


class Phase(Enum):
    """Where the link is."""

    CONNECTING = "connecting"
    UP = "up"
    REFUSED = "refused"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class LinkState:
    """What an operator reads: the phase, why, and when the next try is due (seconds from now; 0 if none)."""

    phase: Phase
    reason: str
    retry_in: float = 0.0


@dataclass(frozen=True, slots=True)
class LinkCounters:
    """Since start."""

    events: int = 0
    """Handed to the owner."""
    logins: int = 0
    refusals: int = 0
    losses: int = 0
    """Connections that ended or did not come about."""
    overflows: int = 0
    late_replies: int = 0
    timeouts: int = 0


async def _nothing_to_resync() -> None:
    """Stand in for an owner that keeps no state."""


class AmiLink:
    """A link that keeps itself up.

    `on_event` takes each event in order and `on_state` each change of state; both are plain functions that
    return soon. `resync` runs after each login, when actions work already; events wait until it returns. One
    that raises ends the connection, which is then made anew: nothing is skipped. `clock` gives seconds that
    never go back, `rng` the jitter of the backoff.
    """

    def __init__(
        self,
        settings: AmiSettings,
        *,
        on_event: Callable[[AmiEvent], None],
        on_state: Callable[[LinkState], None],
        clock: Callable[[], float],
        rng: random.Random,
        resync: Callable[[], Awaitable[None]] = _nothing_to_resync,
    ) -> None:
        check_action("Login", {"Username": settings.username, "Secret": settings.secret})
        self.settings = settings
        self.state = LinkState(Phase.DOWN, "not started")
        self._counters = LinkCounters()
        self._handed = 0
        self._on_event = on_event
        self._on_state = on_state
        self._resync = resync
        self._clock = clock
        self._rng = rng
        self._prefix = f"yht-{rng.getrandbits(48):012x}-"
        self._sent = 0
        self._protocol: Protocol | None = None
        self._manager: Manager | None = None
        self._queue: deque[AmiEvent] = deque()
        self._queued_bytes = 0
        self._arrived = asyncio.Event()
        self._booted = asyncio.Event()
        self._changed = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to keep the link up; returns at once. `wait_up` waits."""
        if self._keeper is None:
            self._keeper = asyncio.create_task(self._keep(), name="ami-link")
            self._keeper.add_done_callback(self._ended)

    def _ended(self, keeper: asyncio.Task[None]) -> None:
        if not keeper.cancelled() and (error := keeper.exception()) is not None:
            log.critical("ami_link_ended", place=self.settings.place, exc_info=error)

    async def stop(self) -> None:
        """Close the connection and end every task; pending actions fail with AmiLinkLost."""
        keeper, self._keeper = self._keeper, None
        if keeper is not None:
            keeper.cancel()
            await asyncio.wait([keeper])
            self._set(LinkState(Phase.DOWN, "stopped"))
            if not keeper.cancelled() and (error := keeper.exception()) is not None:
                raise error

    async def wait_up(self, timeout: float) -> None:
        """Return when the link is up. Raises AmiRefused as soon as the login is refused, else AmiTimeout."""
        try:
            async with asyncio.timeout(timeout):
                while self.state.phase is not Phase.UP:
                    if self.state.phase is Phase.REFUSED:
                        raise AmiRefused(self.state.reason)
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise AmiTimeout(
                f"{self.settings.place} is not up within {timeout:g} s: {self.state.reason}"
            ) from None

    async def action(self, name: str, fields: Fields, *, timeout: float = 5.0) -> AmiReply:
        """Send one action and return Asterisk's answer, be it yes or no (`AmiReply.ok`).

        Raises FieldError, AmiBusy (nothing was sent), AmiLinkLost (its `may_have_run` tells) and AmiTimeout.
        """
        check_action(name, fields)
        reply: AmiReply = await self._exchange(Single(name, self._next_id(), fields), timeout)
        return reply

    async def collect(self, name: str, fields: Fields, *, timeout: float = 10.0) -> tuple[AmiEvent, ...]:
        """Send a list action (`Status`, `CoreShowChannels`, ...) and return its events without the last.

        Raises as `action` does, and AmiRejected when Asterisk says no or the list is too long.
        """
        check_action(name, fields)
        action = Listed(name, self._next_id(), fields, self.settings.max_list)
        events: tuple[AmiEvent, ...] = await self._exchange(action, timeout)
        return events

    def _next_id(self) -> str:
        self._sent += 1
        return f"{self._prefix}{self._sent}"

    async def _exchange(self, action: Single, timeout: float, protocol: Protocol | None = None) -> Any:
        name = action["action"]
        if protocol is None:
            protocol, manager = self._protocol, self._manager
            if protocol is None or manager is None:
                raise AmiLinkLost(
                    f"{name}: {self.settings.place} is not up ({self.state.reason}); nothing was sent",
                    may_have_run=False,
                )
        future = protocol.send(action)
        try:
            async with asyncio.timeout(timeout):
                return await future
        except TimeoutError:
            self._count(timeouts=1)
            raise AmiTimeout(f"{name}: no answer from {self.settings.place} within {timeout:g} s") from None
        finally:
            protocol.forget(action)

    # One connection after the other

    async def _keep(self) -> None:
        failures = 0
        while True:
            self._set(LinkState(Phase.CONNECTING, f"connecting to {self.settings.place}"))
            began = self._clock()
            phase, reason = Phase.DOWN, ""
            try:
                reason = await self._connection()
            except AmiRefused as error:
                phase, reason = Phase.REFUSED, str(error)
                self._count(refusals=1)
            except AmiError as error:
                reason = str(error)
            if self._clock() - began >= self.settings.steady_after:
                failures = 0
            delay = self.settings.refused_retry if phase is Phase.REFUSED else self._backoff(failures)
            failures += 1
            self._count(losses=1)
            self._set(LinkState(phase, reason, delay))
            await asyncio.sleep(delay)

    def _backoff(self, failures: int) -> float:
        settings = self.settings
        whole = min(settings.backoff_most, settings.backoff_first * 2.0 ** min(failures, 30))
        return whole * (0.5 + self._rng.random() / 2)

    async def _connection(self) -> str:
        """Carry one connection from its opening to its end and return why it ended."""
        self._queue.clear()
        self._queued_bytes = 0
        self._booted.clear()
        manager = Manager(self.settings, self._accept)
        try:
            async with asyncio.timeout(self.settings.connect_timeout):
                await manager.connect()
        except TimeoutError:
            return f"{self.settings.place} does not take the connection"
        except OSError as error:
            why = os.strerror(error.errno) if error.errno else str(error)
            return f"{self.settings.place} does not take the connection: {why}"
        protocol: Protocol = manager.protocol
        try:
            await self._login(protocol)
            self._manager, self._protocol = manager, protocol
            self._count(logins=1)
            self._set(LinkState(Phase.UP, f"Asterisk manager {protocol.framer.version}"))
            return await self._serve(protocol)
        finally:
            self._protocol = self._manager = None
            self._count(late_replies=protocol.late_replies)
            manager.close()

    async def _login(self, protocol: Protocol) -> None:
        settings = self.settings
        try:
            async with asyncio.timeout(settings.login_timeout):
                await asyncio.wait([protocol.banner, protocol.lost], return_when=asyncio.FIRST_COMPLETED)
        except TimeoutError:
            raise AmiTimeout(f"{settings.place} took the connection and says nothing") from None
        self._check_lost(protocol)
        fields = {"Username": settings.username, "Secret": settings.secret, "Events": "on"}
        reply = await self._exchange(
            Single("Login", self._next_id(), fields), settings.login_timeout, protocol
        )
        if not reply.ok:
            raise AmiRefused(
                f"{settings.place} refuses the manager user '{settings.username}': {reply.message}; "
                "check the secret and the permitted addresses in manager.conf"
            )
        booted = asyncio.create_task(self._booted.wait(), name="ami-boot")
        ends: list[asyncio.Future[Any]] = [booted, protocol.lost]
        try:
            await asyncio.wait(ends, timeout=settings.boot_timeout, return_when=asyncio.FIRST_COMPLETED)
        finally:
            booted.cancel()
        self._check_lost(protocol)
        if not self._booted.is_set():
            raise AmiTimeout(
                f"{settings.place} has not booted within {settings.boot_timeout:g} s "
                f"(the manager user '{settings.username}' needs read = system to be told)"
            )

    def _check_lost(self, protocol: Protocol) -> None:
        if protocol.lost.done():
            raise AmiLinkLost(f"{self.settings.place}: {protocol.lost.result()}", may_have_run=False)

    async def _serve(self, protocol: Protocol) -> str:
        tasks = [
            asyncio.create_task(self._consume(), name="ami-consumer"),
            asyncio.create_task(self._watch(), name="ami-watchdog"),
        ]
        try:
            ends: list[asyncio.Future[Any]] = [protocol.lost, *tasks]
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            reason = f"{self.settings.place}: "
            for task in tasks:
                if task.done() and not task.cancelled() and (error := task.exception()) is not None:
                    if not isinstance(error, AmiError):
                        log.error("ami_owner_failed", place=self.settings.place, exc_info=error)
                        return f"{reason}{task.get_name()} failed with {type(error).__name__}"
                    return f"{reason}{error}"
            return f"{reason}{protocol.lost.result()}"
        finally:
            await cancel(tasks)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self.settings.ping_interval)
            try:
                await self.action("Ping", {}, timeout=self.settings.ping_timeout)
            except AmiTimeout:
                raise AmiTimeout(f"no pong within {self.settings.ping_timeout:g} s") from None

    # Events

    def _accept(self, event: AmiEvent) -> None:
        if event.name == "FullyBooted":
            self._booted.set()
        settings = self.settings
        self._queued_bytes += len(event)
        if len(self._queue) >= settings.max_events or self._queued_bytes > settings.max_event_bytes:
            self._count(overflows=1)
            raise WireError(f"{len(self._queue)} events wait, the owner does not keep up")
        self._queue.append(event)
        self._arrived.set()

    async def _consume(self) -> None:
        try:
            async with asyncio.timeout(self.settings.resync_timeout):
                await self._resync()
        except TimeoutError:
            raise AmiTimeout(f"the resync took more than {self.settings.resync_timeout:g} s") from None
        queue = self._queue
        while True:
            self._arrived.clear()
            while queue:
                for _ in range(min(BATCH, len(queue))):
                    event = queue.popleft()
                    self._queued_bytes -= len(event)
                    self._on_event(event)
                    self._handed += 1
                if queue:
                    await asyncio.sleep(0)
            await self._arrived.wait()

    # What an operator sees

    @property
    def counters(self) -> LinkCounters:
        """What happened since the start."""
        now = self._protocol.late_replies if self._protocol is not None else 0
        before = self._counters
        return replace(before, events=self._handed, late_replies=before.late_replies + now)

    def _count(self, **more: int) -> None:
        before = self._counters
        self._counters = replace(before, **{name: getattr(before, name) + by for name, by in more.items()})

    def _set(self, state: LinkState) -> None:
        self.state = state
        self._changed.set()
        told = log.warning if state.retry_in else log.info
        told("ami_link", phase=state.phase.value, reason=state.reason, retry_in=round(state.retry_in, 2))
        self._on_state(state)
