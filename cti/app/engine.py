"""The engine: one AMI link, one FastAGI server, one hall, put together and kept apart.

Everything in it can be killed at any moment: citizens wait and talk in Asterisk, agents and claims live in
Redis, and the hall's resync rebuilds the picture from both.
"""

from __future__ import annotations

import asyncio
import os
import random
import secrets as random_bytes
import time
from pathlib import Path
from typing import Any, Final

import structlog
from twisted.internet import asyncioreactor
from twisted.internet.error import CannotListenError

from acd.commands import Commands
from acd.hall import Hall
from acd.hall import Phase as HallPhase
from acd.policy import Policy
from acd.rows import Arrival
from acd.steer import AmiSteer, SteerError
from acd.store import Store
from config import City
from config.paths import Paths
from cti import live, secrets
from cti.ami import AmiError, AmiEvent, AmiLink, AmiSettings, LinkState, Phase
from cti.app.commands.common import Where, fail
from cti.app.following import following
from cti.app.process import Ready, Value
from cti.clock import now_us
from cti.signals import SignalError, is_call_id, node_of, signal
from ivr.agi import AgiRequest, AgiServer, AgiSettings
from ivr.directory import Directory, Plan
from ivr.routes import Routes

UP_SECONDS: Final = 60.0
"""How long Asterisk may take to let the engine in; then the engine ends, to be started anew."""

log = structlog.get_logger(__name__)


class EngineError(Exception):
    """The engine can not do its work; the text says why and what would help."""


class Running:
    """The configuration that is in force: replaced as a whole, or not at all."""

    def __init__(self, paths: Paths, city: City) -> None:
        self._paths = paths
        self.take(city)

    def take(self, city: City) -> None:
        """Put a checked city into force."""
        self.city = city
        self.directory = Directory(city)
        self.policy = Policy.of(city)

    def prompt(self, language: str, prompt_id: str) -> Path:
        """Return where a clip of the city's voice lies, without its ending."""
        return self._paths.prompt(self.city.platform.voice.engine, language, prompt_id)


class Engine:
    """All parts of one engine on one asyncio loop; made by `main`."""

    def __init__(self, where: Where, redis: Any, reactor: Any) -> None:
        city = where.city()
        platform = city.platform
        self.running = Running(where.paths, city)
        self.node = platform.node
        self.engine_id = f"{self.node}-{random_bytes.token_hex(4)}"
        self._broken_events = 0
        self._foreign_calls = 0
        self._link_state = LinkState(Phase.DOWN, "not started")
        known = secrets.load(where.paths.secrets)
        self.link = AmiLink(
            AmiSettings("127.0.0.1", platform.ami.port, known.ami_user, known.ami_secret),
            on_event=self._event,
            on_state=self._link_changed,
            clock=time.monotonic,
            rng=random.Random(random_bytes.randbits(64)),  # noqa: S311 - jitter, no secret
            resync=self._resync,
        )
        steer = AmiSteer({self.node: self.link})
        self.hall = Hall(Store(redis, self.engine_id, now_us), steer, self.running.policy, now_us)
        self.routes = Routes(
            lambda: self.running.directory,
            lambda: self.running.prompt,
            self.hall.ahead,
            self._is_serving,
            now_us,
            self._arrived,
        )
        self.agi = AgiServer(
            AgiSettings(port=platform.agi.port),
            self.routes.handlers(),
            reactor=reactor,
            clock=time.monotonic,
        )
        self.commands = Commands(redis, self.hall, self.engine_id)

    async def start(self) -> None:
        """Begin to serve. Raises EngineError where the FastAGI port is taken."""
        await self.hall.start()
        try:
            await self.agi.start()
        except CannotListenError as error:
            raise EngineError(
                f"the FastAGI port {self.agi.settings.port} is taken ({os.strerror(error.socketError.errno)}):"
                " end what uses it, or set agi.port in platform.yaml"
            ) from error
        await self.link.start()
        await self.commands.start()

    async def stop(self) -> None:
        """Stop serving; every call goes on without us."""
        await self.commands.stop()
        await self.agi.stop()
        await self.link.stop()
        await self.hall.stop()

    def take(self, city: City) -> None:
        """Put another city into force; calls that have their plan keep it."""
        self.running.take(city)
        self.hall.policy = self.running.policy

    def health(self) -> dict[str, Value]:
        """What `yht status` shows of the engine."""
        agi, link, hall = self.agi.counters, self.link.counters, self.hall.health()
        up = self._link_state.phase is Phase.UP
        told: dict[str, Value] = {
            "ami": "up" if up else self._link_state.reason,
            "ami_events": link.events,
            "ami_losses": link.losses,
            "agi_open": agi.open,
            "agi_served": agi.served,
            "agi_failed": agi.failed + agi.overtime,
            "hall": str(hall["phase"]),
            "broken_events": self._broken_events,
            "refused_agi_no_call": self._foreign_calls,
        }
        told |= {f"refused_agi_{kind}": count for kind, count in agi.refused.items()}
        told |= {f"calls_{reason}": count for reason, count in self.routes.counts.items()}
        for group in ("agents", "calls", "breaches", "counts"):
            counts = hall[group]
            if isinstance(counts, dict):
                told |= {f"{group}_{name}": count for name, count in counts.items()}
        if not up:
            told["trouble"] = f"no manager link: {self._link_state.reason}"
        elif hall["phase"] != "live":
            told["trouble"] = f"no offers are made: {hall['phase']}"
        return told

    # What comes in

    def _event(self, event: AmiEvent) -> None:
        try:
            told = signal(event.name, event.get)
        except SignalError as error:
            self._broken_events += 1
            log.warning("broken_event", reason=str(error))
            return
        if told is not None:
            self.hall.signal(told)

    def _link_changed(self, state: LinkState) -> None:
        self._link_state = state
        if state.phase is not Phase.UP:
            self.hall.node_lost(self.node)

    async def _resync(self) -> None:
        try:
            await self.hall.resync(self.node)
        except SteerError as error:
            # The link then begins anew, and with it this.
            raise AmiError(str(error)) from error

    def _is_serving(self) -> bool:
        return self._link_state.phase is Phase.UP and self.hall.phase is HallPhase.LIVE

    def _arrived(self, request: AgiRequest, plan: Plan) -> None:
        call_id = request.get("uniqueid")
        if not is_call_id(call_id) or node_of(call_id) != self.node:
            self._foreign_calls += 1
            return
        channel = request.get("channel")
        self.hall.arrived(
            Arrival(
                call_id,
                node_of(call_id),
                channel,
                hotline=plan.hotline,
                caller=plan.caller,
                dialed=plan.dialed,
            )
        )


async def main(where: Where, ready: Ready, stop: asyncio.Event) -> None:
    """Run an engine until `stop` is set."""
    loop = asyncio.get_running_loop()
    asyncioreactor.install(loop)  # type: ignore[no-untyped-call]
    from twisted.internet import reactor

    reactor.startRunning(installSignalHandlers=False)
    try:
        async with live.connect(where.city(), where.paths) as redis:
            await _serve(Engine(where, redis, reactor), where, redis, ready, stop)
    except (EngineError, AmiError, secrets.SecretsError) as error:
        log.error("engine_not_started", reason=str(error))
        fail(str(error))


async def _serve(engine: Engine, where: Where, redis: Any, ready: Ready, stop: asyncio.Event) -> None:
    ready.publish(engine.health)
    try:
        await engine.start()
        await engine.link.wait_up(UP_SECONDS)
        ready()
        who = f"engine {engine.engine_id}"
        async with following(redis, where.paths, who, where.generation, engine.take):
            await stop.wait()
    finally:
        await engine.stop()
