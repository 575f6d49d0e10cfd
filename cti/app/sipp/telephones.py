"""The telephones of one run: each a SIPp in the run's folder, with what it needs put beside it."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path

from cti.app.sipp import speech
from cti.app.sipp.actors import SEATS_AT, Host, Telephone, credentials
from cti.app.sipp.load import Loaded
from cti.app.sipp.model import Actor, Scalar
from cti.app.sipp.observed import Seen, parse_log
from cti.app.sipp.process import Counted, Sipp, started
from cti.secrets import Secrets

MAX_LOG_BYTES = 8 * 1024 * 1024
REGISTER_WITHIN = 10.0
WRONG_PASSWORD = "not-the-password"  # noqa: S105

Settings = Mapping[str, Scalar]


class Failed(Exception):
    """The run can not go on; the text says what did not happen."""


class Telephones:
    """Starts the SIPps of one run; `stack` ends them. `platform` is where Asterisk listens for SIP."""

    def __init__(
        self, loaded: Loaded, folder: Path, platform: Host, secrets: Secrets, stack: AsyncExitStack
    ) -> None:
        self._loaded = loaded
        self._folder = folder
        self._platform = platform
        self._secrets = secrets
        self._stack = stack
        self._running: dict[str, Sipp] = {}
        self._registered: dict[str, tuple[str, Host]] = {}
        self.counted: dict[str, Counted] = {}

    async def serve(self, name: str, actor: Actor, seat: str, settings: Settings, clip: Path | None) -> None:
        """Register a seat's telephone and let it serve from the same port."""
        here = free_port(actor.address or SEATS_AT)
        await self._register(name, seat, here)
        self._registered[name] = (seat, here)
        await self._start(name, actor, here, settings, clip=clip)

    async def call(
        self, name: str, actor: Actor, number: str, address: str, settings: Settings, clip: Path | None
    ) -> None:
        """Let a citizen dial a number."""
        await self._start(name, actor, free_port(address), settings, number, clip=clip, calls=1)

    async def run(self, name: str, actor: Actor, seat: str, settings: Settings) -> None:
        """Let a phone play its XML once with a seat's number and password."""
        right = actor.credentials == "right"
        fields = self._private(name, seat, self._secrets.seat_password(seat) if right else WRONG_PASSWORD)
        here = free_port(actor.address or SEATS_AT)
        await self._start(name, actor, here, settings, fields=fields, calls=1)

    async def ended(self, name: str, within: float) -> None:
        """Wait until a citizen or phone has made its call. Raises SippFailed."""
        self.counted[name] = await self._running[name].finished(within)

    def trouble(self) -> dict[str, str]:
        """Return what those said that have ended in a way other than good, by name; a seat's should not end at all."""
        return {
            name: sipp.trouble or "stopped from outside"
            for name, sipp in self._running.items()
            if sipp.trouble or (name in self._registered and not sipp.running)
        }

    async def drained(self, name: str, within: float) -> None:
        """Let a seat's telephone end the call it has and take no more. Raises SippFailed."""
        self.counted[name] = await self._running[name].drained(within)

    async def leave(self, name: str) -> None:
        """Take a seat's telephone out of Asterisk; one that never got in is left alone. Raises Failed, SippFailed."""
        if name in self._registered:
            seat, here = self._registered.pop(name)
            await self._register(name, seat, here, seconds=0)

    def messages(self) -> dict[str, tuple[Seen, ...]]:
        """Return what each telephone has sent and received so far."""
        return {name: parse_log(_head(self._folder / f"{name}.log")) for name in self._running}

    async def _register(self, name: str, seat: str, here: Host, seconds: int | None = None) -> None:
        what = f"{name}_{'registers' if seconds is None else 'leaves'}"
        fields = self._private(what, seat, self._secrets.seat_password(seat), seconds)
        xml = self._xml(what, "register")
        telephone = Telephone(what, xml, here, free_port(here[0])[1], self._platform, fields=fields, calls=1)
        try:
            async with started(telephone.arguments(), self._folder, what) as sipp:
                counted = await sipp.finished(REGISTER_WITHIN)
        finally:
            fields.unlink()
        if counted.good != 1:
            raise Failed(f"{name}: seat {seat} could not register; {counted.first_error}")

    async def _start(
        self,
        name: str,
        actor: Actor,
        here: Host,
        settings: Settings,
        dials: str = "",
        *,
        clip: Path | None = None,
        fields: Path | None = None,
        calls: int | None = None,
    ) -> None:
        if clip is not None:
            speech.put(clip, self._folder / f"{name}.alaw")
        xml, platform = self._xml(name, actor.does), None if actor.role == "agent" else self._platform
        media_port = free_port(here[0])[1]
        telephone = Telephone(name, xml, here, media_port, platform, dials, settings, fields, calls)
        self._running[name] = await self._stack.enter_async_context(
            started(telephone.arguments(), self._folder, name)
        )

    def _xml(self, name: str, does: str) -> Path:
        """Copy an actor's XML into the run's folder: SIPp looks for speech beside it, and a reader for both."""
        target = self._folder / f"{name}.xml"
        text = self._loaded.xml(does).read_text(encoding="utf-8")
        target.write_text(text.replace(speech.FILE, f"{name}.alaw"), encoding="utf-8")
        return target

    def _private(self, name: str, seat: str, password: str, seconds: int | None = None) -> Path:
        path = self._folder / f"{name}.fields"
        path.touch(mode=0o600)
        text = credentials(seat, password) if seconds is None else credentials(seat, password, seconds)
        path.write_text(text, encoding="utf-8")
        return path


def _head(path: Path) -> bytes:
    if not path.exists():
        return b""
    with path.open("rb") as file:
        return file.read(MAX_LOG_BYTES)


def free_port(address: str) -> Host:
    """Return an even UDP port of an address that nobody listens on now. Raises Failed if there is no such address."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind((address, 0))
            except OSError as error:
                raise Failed(
                    f"this machine has no address {address} to send from ({error.strerror})"
                ) from error
            port: int = probe.getsockname()[1]
        if port % 2 == 0:
            return address, port


def fresh(folder: Path) -> None:
    """Make a folder, empty."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
