"""Carries the datagrams of a sans-IO telephone over one UDP socket and wakes it when it asks to be woken."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Protocol, cast

from cti.app.bench.seats import Datagram, Host


class Telephone(Protocol):
    """What a core offers: datagrams and the time in, datagrams out, and when to wake it."""

    @property
    def next_wake(self) -> float | None:
        """When `wake` has to be called, None if nothing is awaited."""

    def receive(self, data: bytes, source: Host, now: float) -> list[Datagram]:
        """Take one datagram; returns what to send now."""

    def wake(self, now: float) -> list[Datagram]:
        """Do what is due; returns what to send now."""


class Wire(asyncio.DatagramProtocol):
    """One core on one socket; `close` ends both. Made by `open_wire`."""

    def __init__(self, core: Telephone, clock: Callable[[], float]) -> None:
        self._core = core
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._transport: asyncio.DatagramTransport | None = None
        self._closed: asyncio.Future[None] = self._loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the socket."""
        self._transport = cast(asyncio.DatagramTransport, transport)
        self.poke()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Hand one datagram to the core."""
        self._send(self._core.receive(data, addr, self._clock()))

    def poke(self) -> None:
        """Do what is due; to be called after the core was told something by other means than the socket."""
        self._send(self._core.wake(self._clock()))

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is closed."""
        if not self._closed.done():
            self._closed.set_result(None)

    async def close(self) -> None:
        """Close the socket; afterwards nothing is sent any more and the address is free."""
        if self._timer is not None:
            self._timer.cancel()
        if self._transport is not None:
            self._transport.close()
            self._transport = None
            await self._closed

    def _send(self, datagrams: list[Datagram]) -> None:
        if self._transport is None:
            return
        for datagram in datagrams:
            self._transport.sendto(datagram.data, datagram.to)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        wake = self._core.next_wake
        if wake is not None:
            self._timer = self._loop.call_later(max(0.0, wake - self._clock()), self.poke)


async def open_wire(core: Telephone, host: Host) -> Wire:
    """Bind a UDP socket at `host` and let `core` speak there. Raises OSError if the address is taken."""
    loop = asyncio.get_running_loop()
    _, wire = await loop.create_datagram_endpoint(lambda: Wire(core, time.monotonic), local_addr=host)
    return wire
