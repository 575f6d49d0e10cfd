"""The FastAGI server: listens on Twisted, starts one coroutine a session, and keeps everybody else out."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol, cast

import structlog
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory
from twisted.protocols.basic import LineOnlyReceiver
from twisted.python.failure import Failure

from ivr.agi.codec import MAX_LINE_BYTES, AgiReply, AgiRequest, Codec, Hangup
from ivr.agi.errors import AgiHungUp, AgiTimeout, PeerError
from ivr.agi.session import AgiSession, Transport

log = structlog.get_logger(__name__)


class _Port(Protocol):
    def getHost(self) -> IPv4Address: ...  # noqa: N802

    def stopListening(self) -> Deferred[None] | None: ...  # noqa: N802


class Reactor(Protocol):
    """What is needed of Twisted's reactor, which must be its asyncio one: sessions are asyncio tasks."""

    def listenTCP(self, port: int, factory: Factory, backlog: int, interface: str) -> _Port: ...  # noqa: N802, D102


class _Link(Transport, Protocol):
    def abortConnection(self) -> None: ...  # noqa: N802

    def setTcpNoDelay(self, enabled: bool) -> None: ...  # noqa: N802


Handler = Callable[[AgiSession], Awaitable[None]]

BACKLOG: Final = 200
REFUSALS: Final = (
    "stranger",
    "busy",
    "silent",
    "closed_early",
    "not_agi",
    "too_long",
    "unknown_path",
    "unanswered",
)
"""Why a connection was not served: its address is not allowed; too many sessions; no whole environment in
time; gone before that; another protocol, or AGI that breaks its rules; a line without end; no such path; no
answer to a command in time."""


@dataclass(frozen=True, slots=True)
class AgiSettings:
    """Where to listen and every bound. Times in seconds."""

    host: str = "127.0.0.1"
    port: int = 4573
    """0 takes a free one."""
    allowed: tuple[str, ...] = ("127.0.0.0/8", "::1/128")
    """Networks that Asterisk may call from."""
    environment_timeout: float = 5.0
    session_timeout: float = 120.0
    max_sessions: int = 1_000
    log_every: float = 60.0
    """A kind of refusal or failure is logged at most this often."""


@dataclass(frozen=True, slots=True)
class Counters:
    """Since start, but for `open`."""

    open: int = 0
    """Connections now."""
    served: int = 0
    """Handlers that returned."""
    hung_up: int = 0
    """Handlers that ended because the channel was gone."""
    overtime: int = 0
    """Handlers cut off by the session's bound."""
    failed: int = 0
    """Handlers that raised."""
    refused: Mapping[str, int] = field(default_factory=dict)
    """By the kinds of REFUSALS."""


class AgiServer:
    """Serves `routes`: request path (`/route`) to handler.

    A handler that returns or raises ends its session; the dialplan goes on either way and sees in its own
    variables what was set. `clock` gives seconds that never go back.
    """

    def __init__(
        self,
        settings: AgiSettings,
        routes: Mapping[str, Handler],
        *,
        reactor: Reactor,
        clock: Callable[[], float],
    ) -> None:
        self.settings = settings
        self.routes = dict(routes)
        self._reactor = reactor
        self._clock = clock
        self._allowed = [ipaddress.ip_network(network) for network in settings.allowed]
        self._port: _Port | None = None
        self._open: set[_Connection] = set()
        self._counts = {"served": 0, "hung_up": 0, "overtime": 0, "failed": 0}
        self._refused = dict.fromkeys(REFUSALS, 0)
        self._logged: dict[str, float] = {}

    @property
    def port(self) -> int:
        """The port it listens on, 0 if it does not."""
        return 0 if self._port is None else int(self._port.getHost().port)

    @property
    def counters(self) -> Counters:
        """What happened since the start."""
        return Counters(open=len(self._open), refused=dict(self._refused), **self._counts)

    async def start(self) -> None:
        """Listen. Raises twisted.internet.error.CannotListenError, which names the port."""
        self._port = self._reactor.listenTCP(self.settings.port, _Factory(self), BACKLOG, self.settings.host)

    async def stop(self) -> None:
        """Stop listening and end every session; the dialplan of each goes on."""
        port, self._port = self._port, None
        if port is not None:
            stopped = port.stopListening()
            if stopped is not None:
                await stopped.asFuture(asyncio.get_running_loop())
        tasks = []
        for connection in list(self._open):
            connection.end("the engine stops")
            if connection.task is not None:
                connection.task.cancel()
                tasks.append(connection.task)
        if tasks:
            await asyncio.wait(tasks, timeout=self.settings.environment_timeout)

    def build(self, address: IAddress | None) -> _Connection | None:
        """Return the protocol of a new connection, None to close it at once."""
        host = ipaddress.ip_address(getattr(address, "host", "0.0.0.0").partition("%")[0])  # noqa: S104
        if not any(host in network for network in self._allowed):
            self.refuse("stranger", f"{host} is not allowed")
            return None
        if len(self._open) >= self.settings.max_sessions:
            self.refuse("busy", f"{len(self._open)} sessions are open")
            return None
        return _Connection(self)

    def opened(self, connection: _Connection) -> None:
        """Count a connection."""
        self._open.add(connection)

    def closed(self, connection: _Connection) -> None:
        """Forget a connection."""
        self._open.discard(connection)

    def refuse(self, kind: str, reason: str) -> None:
        """Count a refusal and log it, unless one of its kind was logged lately."""
        self._refused[kind] += 1
        if self._may_log(kind):
            log.warning("agi_refused", kind=kind, reason=reason, count=self._refused[kind])

    def _may_log(self, kind: str) -> bool:
        now = self._clock()
        last = self._logged.get(kind)
        if last is not None and now - last < self.settings.log_every:
            return False
        self._logged[kind] = now
        return True

    def begin(self, session: AgiSession) -> asyncio.Task[None] | None:
        """Start the handler of a session's path; None if there is none."""
        handler = self.routes.get(session.request.path)
        if handler is None:
            self.refuse("unknown_path", f"no handler for {session.request.path[:40]!r}")
            return None
        task = asyncio.get_running_loop().create_task(self._run(handler, session))
        task.add_done_callback(lambda done: self._ended(done, session))
        return task

    async def _run(self, handler: Handler, session: AgiSession) -> None:
        try:
            async with asyncio.timeout(self.settings.session_timeout) as bound:
                await handler(session)
            self._counts["served"] += 1
        except AgiHungUp:
            self._counts["hung_up"] += 1
        except AgiTimeout as error:
            self.refuse("unanswered", str(error))
        except TimeoutError:
            if not bound.expired():
                raise
            self._counts["overtime"] += 1
            if self._may_log("overtime"):
                log.error("agi_overtime", count=self._counts["overtime"], **_who(session.request))
        finally:
            session.close("the session ended")

    def _ended(self, task: asyncio.Task[None], session: AgiSession) -> None:
        if task.cancelled() or (error := task.exception()) is None:
            return
        self._counts["failed"] += 1
        if self._may_log("failed"):
            log.error(
                "agi_handler_failed",
                count=self._counts["failed"],
                exc_info=error,
                **_who(session.request),
            )


def _who(request: AgiRequest) -> dict[str, str]:
    return {"path": request.path, "leg": request.get("uniqueid")[:80]}


class _Factory(Factory):
    noisy = False

    def __init__(self, server: AgiServer) -> None:
        self._server = server

    def buildProtocol(self, addr: IAddress | None) -> _Connection | None:  # noqa: N802
        return self._server.build(addr)


class _Connection(LineOnlyReceiver):
    """One TCP connection: lines to the codec, its events to the session."""

    delimiter = b"\n"
    MAX_LENGTH = MAX_LINE_BYTES

    def __init__(self, server: AgiServer) -> None:
        self.server = server
        self.codec = Codec()
        self.session: AgiSession | None = None
        self.task: asyncio.Task[None] | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._refused = False

    @property
    def _link(self) -> _Link:
        return cast(_Link, self.transport)

    def connectionMade(self) -> None:  # noqa: N802
        self.server.opened(self)
        self._link.setTcpNoDelay(True)
        self._deadline = asyncio.get_running_loop().call_later(
            self.server.settings.environment_timeout, self._refuse, "silent", "no whole environment in time"
        )

    def lineReceived(self, line: bytes) -> None:  # noqa: N802
        if self._refused:
            return
        try:
            event = self.codec.receive(line)
        except PeerError as error:
            self._refuse("not_agi", str(error))
            return
        if isinstance(event, AgiRequest):
            self._begin(event)
        elif self.session is not None and isinstance(event, AgiReply):
            self.session.take(event)
        elif self.session is not None and isinstance(event, Hangup):
            # A channel that a Redirect took stays in AGI until the connection is closed.
            self.session.close("the channel left the session")

    def lineLengthExceeded(self, line: bytes) -> None:  # noqa: N802
        self._refuse("too_long", f"a line of more than {MAX_LINE_BYTES} bytes")

    def connectionLost(self, reason: Failure | None = None) -> None:  # noqa: N802
        self._disarm()
        self.server.closed(self)
        if self.session is not None:
            self.session.close("Asterisk closed the connection")
        elif not self._refused:
            self.server.refuse("closed_early", "closed before the environment was complete")

    def end(self, reason: str) -> None:
        """End the session, or the connection that has none yet."""
        self._disarm()
        if self.session is not None:
            self.session.close(reason)
        else:
            self._refused = True
            self._link.loseConnection()

    def _begin(self, request: AgiRequest) -> None:
        self._disarm()
        self.session = AgiSession(request, self.codec, self._link)
        self.task = self.server.begin(self.session)
        if self.task is None:
            self._refused = True
            self.session.close("no handler for this path")

    def _refuse(self, kind: str, reason: str) -> None:
        if self._refused:
            return
        self._refused = True
        self._disarm()
        self.server.refuse(kind, reason)
        if self.session is not None:
            self.session.close(reason)
        self._link.abortConnection()

    def _disarm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
