"""Telephones for tests: agents' seats in memory on one real UDP socket, citizens by SIPp."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from secrets import token_hex

import numpy as np
import soundfile

from cti.app.bench import sipp
from cti.app.bench.seats import Seats
from cti.app.bench.wire import Wire, open_wire

SEATS_AT = "127.0.0.3"
CITIZENS_AT = "127.0.0.2"
SPEAKING = Path(__file__).parent / "sipp" / "speaking"


def free_udp_port(host: str) -> int:
    """Return a port that nobody listens on now."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


class Telephones:
    """The seats' telephones: `talk_seconds` may be changed while they ring, and holds for the next answer."""

    def __init__(self, talk_seconds: float, ring_seconds: float = 0.0) -> None:
        self.host = (SEATS_AT, free_udp_port(SEATS_AT))
        self.talk_seconds = talk_seconds
        self.seats = Seats(self.host, lambda: self.talk_seconds, ring_seconds, token_hex(4))
        self._wire: Wire | None = None

    async def __aenter__(self) -> Telephones:
        self._wire = await open_wire(self.seats, self.host)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._wire is not None:
            await self._wire.close()


@contextlib.asynccontextmanager
async def citizen(
    folder: Path, name: str, sip_port: int, number: str = "12319", within: float = 90.0
) -> AsyncIterator[sipp.Sipp]:
    """One citizen who dials `number`, waits, and talks, with sound, until the agent hangs up."""
    sound = (np.sin(np.arange(8000) * 2 * np.pi * 440 / 8000) * 0.3).astype(np.float32)
    await asyncio.to_thread(soundfile.write, folder / "sound.alaw", sound, 8000, format="RAW", subtype="ALAW")
    load = sipp.Load(
        str(SPEAKING),
        local=(CITIZENS_AT, free_udp_port(CITIZENS_AT)),
        media_port=free_udp_port(CITIZENS_AT),
        within=within,
        remote=("127.0.0.1", sip_port),
        number=number,
        calls=1,
        limit=1,
    )
    async with sipp.started(load, folder, name) as process:
        yield process
