"""Runs SIPp as a load generator: a scenario of ours at a rate, what went wrong said as Invalid."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

from cti.app.bench.figures import Invalid
from cti.app.sipp import process
from cti.app.sipp.process import SippMissing, parse_counts

__all__ = ["Counted", "Load", "Sipp", "SippMissing", "command", "parse_counts", "started"]

SCENARIOS = Path(__file__).resolve().parent / "scenarios"


@dataclass(frozen=True, slots=True)
class Load:
    """What one SIPp does.

    `remote` None makes it wait for calls. `calls` is when it stops by itself (None: when told to), `limit` how
    many it holds at once, `talk_ms` how long a scenario's pause lasts, `within` the seconds after which it is
    stopped whatever it is doing.
    """

    scenario: str
    local: tuple[str, int]
    media_port: int
    within: float
    remote: tuple[str, int] | None = None
    number: str = "service"
    rate: float = 10.0
    calls: int | None = None
    limit: int = 10_000
    talk_ms: int = 0


@dataclass(frozen=True, slots=True)
class Counted(process.Counted):
    """What one SIPp counted, in a measurement: failed calls spoil it."""

    def check(self, who: str) -> None:
        """Raise Invalid if a call failed or none was made."""
        if self.failed:
            why = ", ".join(f"{count} × {name}" for name, count in self.why.items())
            text = (
                f"{who}: {self.failed} of {self.failed + self.good} calls failed ({why or 'no reason given'})"
            )
            raise Invalid(f"{text}; first: {self.first_error}" if self.first_error else text)
        if not self.good:
            raise Invalid(f"{who}: not one call was made")


def command(load: Load) -> list[str]:
    """Return the argument list of a SIPp, without the program and the files it writes."""
    arguments = [] if load.remote is None else [f"{load.remote[0]}:{load.remote[1]}"]
    arguments += ["-sf", str(SCENARIOS / f"{load.scenario}.xml")]
    arguments += ["-i", load.local[0], "-p", str(load.local[1])]
    arguments += ["-mi", load.local[0], "-mp", str(load.media_port)]
    arguments += ["-s", load.number, "-d", str(load.talk_ms), "-l", str(load.limit)]
    arguments += ["-timeout", f"{int(load.within)}s", "-max_retrans", "7"]
    if load.remote is not None:
        # Fractions of a call a second are asked for as calls in a longer period.
        arguments += ["-r", str(round(load.rate * 10)), "-rp", "10000"]
    if load.calls is not None:
        arguments += ["-m", str(load.calls)]
    return arguments


class Sipp:
    """One running SIPp of a measurement; made by `started`. What goes wrong with it is Invalid."""

    def __init__(self, sipp: process.Sipp, load: Load) -> None:
        self._sipp = sipp
        self._load = load

    @property
    def pid(self) -> int:
        """The pid."""
        return self._sipp.pid

    @property
    def running(self) -> bool:
        """Whether it still runs."""
        return self._sipp.running

    async def finished(self) -> Counted:
        """Wait until it has made its calls and return what it counted. Raises Invalid if it takes too long."""
        with _invalid():
            return _as_measured(await self._sipp.finished(self._load.within + 10))

    async def drained(self, within: float) -> Counted:
        """Make no new calls, wait until those there are have ended, and return what it counted."""
        with _invalid():
            return _as_measured(await self._sipp.drained(within))

    def counted(self) -> Counted:
        """Read what it has counted so far. Raises Invalid if it left no statistics."""
        with _invalid():
            return _as_measured(self._sipp.counted())

    async def kill(self) -> None:
        """End it at once."""
        await self._sipp.kill()


def _as_measured(counted: process.Counted) -> Counted:
    return Counted(counted.good, counted.failed, counted.why, counted.first_error)


@contextlib.contextmanager
def _invalid() -> Iterator[None]:
    try:
        yield
    except process.SippFailed as error:
        raise Invalid(str(error)) from error


@contextlib.asynccontextmanager
async def started(load: Load, folder: Path, name: str) -> AsyncIterator[Sipp]:
    """Start SIPp; it is gone when the block is left. Raises SippMissing."""
    async with process.started(command(load), folder, name) as sipp:
        yield Sipp(sipp, load)
