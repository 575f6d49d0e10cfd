"""Telephones for tests: agents' seats in memory on one real UDP socket, citizens by SIPp."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from secrets import token_hex
from typing import Any

import numpy as np
import soundfile

from cti.app.bench import sipp
from cti.app.bench.seats import Seats
from cti.app.bench.wire import Wire, open_wire
from tests.ports import free_port

SEATS_AT = "127.0.0.3"
CITIZENS_AT = "127.0.0.2"
SPEAKING = Path(__file__).parent / "sipp" / "speaking"


class Telephones:
    """The seats' telephones: `talk_seconds` may be changed while they ring, and holds for the next answer."""

    def __init__(self, talk_seconds: float, ring_seconds: float = 0.0) -> None:
        self.host = (SEATS_AT, free_port(SEATS_AT, socket.SOCK_DGRAM))
        self.talk_seconds = talk_seconds
        self.seats = Seats(self.host, lambda: self.talk_seconds, ring_seconds, token_hex(4))
        self._wire: Wire | None = None

    async def __aenter__(self) -> Telephones:
        self._wire = await open_wire(self.seats, self.host)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._wire is not None:
            await self._wire.close()


Sound = np.ndarray[Any, np.dtype[np.float32]]
"""Samples at 8 kHz, from -1 to 1."""


def tone(*hertz: float, seconds: float = 1.0) -> Sound:
    """Return tones that sound together."""
    at = np.arange(int(8000 * seconds)) * 2 * np.pi / 8000
    samples: Sound = np.sum([np.sin(at * one) * 0.3 for one in hertz], axis=0, dtype=np.float32)
    return samples


def key_one() -> Sound:
    """Return what a telephone without any other way to say it sounds like when its 1 is pressed, and a pause."""
    return np.concatenate((tone(697, 1209, seconds=0.2), np.zeros(6400, np.float32)))


@contextlib.asynccontextmanager
async def citizen(
    folder: Path,
    name: str,
    sip_port: int,
    number: str = "12319",
    within: float = 90.0,
    sound: Sound | None = None,
) -> AsyncIterator[sipp.Sipp]:
    """One citizen who dials `number`, waits, and says `sound` again and again until the agent hangs up."""
    sound = tone(440) if sound is None else sound
    folder = folder / name
    folder.mkdir()
    await asyncio.to_thread(soundfile.write, folder / "sound.alaw", sound, 8000, format="RAW", subtype="ALAW")
    load = sipp.Load(
        str(SPEAKING),
        local=(CITIZENS_AT, free_port(CITIZENS_AT, socket.SOCK_DGRAM)),
        media_port=free_port(CITIZENS_AT, socket.SOCK_DGRAM),
        within=within,
        remote=("127.0.0.1", sip_port),
        number=number,
        calls=1,
        limit=1,
    )
    async with sipp.started(load, folder, name) as process:
        yield process
