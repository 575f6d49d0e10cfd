"""Runs SIPp, the load generator: starts it with a scenario of ours, stops it, reads what it counted."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import signal
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from cti.app.bench.figures import Invalid

SCENARIOS = Path(__file__).resolve().parent / "sipp"
MAX_REPORT_BYTES = 16 * 1024 * 1024
"""The most that is read of a file that SIPp wrote."""


class SippMissing(Exception):
    """SIPp is not installed; the text says what to do."""


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
class Counted:
    """What one SIPp counted: calls that went as the scenario says, calls that did not, and why (its words)."""

    good: int
    failed: int
    why: Mapping[str, int]
    first_error: str = ""

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


def command(load: Load, program: str, folder: Path, name: str) -> list[str]:
    """Return the argument list of a SIPp that writes `<name>.csv` and `<name>.err` into `folder`."""
    arguments = [program]
    if load.remote is not None:
        arguments.append(f"{load.remote[0]}:{load.remote[1]}")
    arguments += ["-sf", str(SCENARIOS / f"{load.scenario}.xml"), "-nostdin"]
    arguments += ["-i", load.local[0], "-p", str(load.local[1])]
    arguments += ["-mi", load.local[0], "-mp", str(load.media_port)]
    arguments += ["-s", load.number, "-d", str(load.talk_ms), "-l", str(load.limit)]
    arguments += ["-timeout", f"{int(load.within)}s", "-max_retrans", "7"]
    arguments += ["-trace_stat", "-stf", str(folder / f"{name}.csv"), "-fd", "1"]
    arguments += ["-trace_err", "-error_file", str(folder / f"{name}.err")]
    if load.remote is not None:
        # Fractions of a call a second are asked for as calls in a longer period.
        arguments += ["-r", str(round(load.rate * 10)), "-rp", "10000"]
    if load.calls is not None:
        arguments += ["-m", str(load.calls)]
    return arguments


def parse_counts(text: str) -> tuple[int, int, dict[str, int]]:
    """Read SIPp's statistics (-trace_stat): good and failed calls, and the reasons of failures.

    The file has one line of names and one line every second; the last one counts. Raises ValueError on another
    text.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) < 2:
        raise ValueError("no line of numbers")
    row = dict(zip(lines[0].split(";"), lines[-1].split(";"), strict=False))
    reasons = {
        name.removesuffix("(C)").removeprefix("Failed"): int(value)
        for name, value in row.items()
        if name.startswith("Failed") and name.endswith("(C)") and name != "FailedCall(C)" and value != "0"
    }
    try:
        return int(row["SuccessfulCall(C)"]), int(row["FailedCall(C)"]), reasons
    except KeyError as error:
        raise ValueError(f"no column {error}") from error


class Sipp:
    """One running SIPp; made by `started`."""

    def __init__(self, process: asyncio.subprocess.Process, load: Load, folder: Path, name: str) -> None:
        self._process = process
        self._load = load
        self._folder = folder
        self._name = name

    @property
    def pid(self) -> int:
        """The pid."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it still runs."""
        return self._process.returncode is None

    async def finished(self) -> Counted:
        """Wait until it has made its calls and return what it counted. Raises Invalid if it takes too long."""
        try:
            await asyncio.wait_for(self._process.wait(), self._load.within + 10)
        except TimeoutError as error:
            await self.kill()
            raise Invalid(f"SIPp ({self._name}) did not end within {self._load.within + 10:.0f} s") from error
        return self.counted()

    async def drained(self, within: float) -> Counted:
        """Make no new calls, wait until those there are have ended, and return what it counted."""
        if self.running:
            self._process.send_signal(signal.SIGUSR1)
        try:
            await asyncio.wait_for(self._process.wait(), within)
        except TimeoutError as error:
            await self.kill()
            raise Invalid(f"SIPp ({self._name}) still held calls after {within:.0f} s") from error
        return self.counted()

    def counted(self) -> Counted:
        """Read what it has counted so far. Raises Invalid if it left no statistics."""
        try:
            raw = (self._folder / f"{self._name}.csv").read_bytes()[-MAX_REPORT_BYTES:]
            good, failed, why = parse_counts(raw.decode(errors="replace"))
        except (OSError, ValueError) as error:
            raise Invalid(
                f"SIPp ({self._name}) left no statistics ({error}); {self._first_error()}"
            ) from error
        return Counted(good, failed, why, self._first_error() if failed else "")

    async def kill(self) -> None:
        """End it at once."""
        if self.running:
            self._process.kill()
            await asyncio.wait_for(self._process.wait(), 10)

    def _first_error(self) -> str:
        for name in (f"{self._name}.err", f"{self._name}.out"):
            path = self._folder / name
            if path.exists() and path.stat().st_size:
                with path.open(encoding="utf-8", errors="replace") as file:
                    return " ".join(file.read(600).split())
        return "it said nothing"


@contextlib.asynccontextmanager
async def started(load: Load, folder: Path, name: str) -> AsyncIterator[Sipp]:
    """Start SIPp; it is gone when the block is left. Raises SippMissing."""
    program = shutil.which("sipp")
    if program is None:
        raise SippMissing("SIPp is not installed; on Debian: apt-get install sip-tester")
    with (folder / f"{name}.out").open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *command(load, program, folder, name),
            cwd=folder,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    sipp = Sipp(process, load, folder, name)
    try:
        yield sipp
    finally:
        await sipp.kill()
