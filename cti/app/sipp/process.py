"""Runs SIPp: starts it with the arguments given, stops it, reads what it counted."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

MAX_REPORT_BYTES = 16 * 1024 * 1024
"""The most that is read of a file that SIPp wrote."""


class SippMissing(Exception):
    """SIPp is not installed; the text says what to do."""


class SippFailed(Exception):
    """A SIPp did not end in time or left nothing to read; the text says which and what it said."""


@dataclass(frozen=True, slots=True)
class Counted:
    """What one SIPp counted: calls that went as the scenario says, calls that did not, and why (its words)."""

    good: int
    failed: int
    why: Mapping[str, int]
    first_error: str = ""


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

    def __init__(self, process: asyncio.subprocess.Process, folder: Path, name: str) -> None:
        self._process = process
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

    @property
    def trouble(self) -> str:
        """What it said if it has ended in a way other than good, "" else."""
        return self._first_error() if self._process.returncode else ""

    async def finished(self, within: float) -> Counted:
        """Wait until it has made its calls and return what it counted. Raises SippFailed after `within` seconds."""
        try:
            await asyncio.wait_for(self._process.wait(), within)
        except TimeoutError as error:
            await self.kill()
            raise SippFailed(f"SIPp ({self._name}) did not end within {within:.0f} s") from error
        return self.counted()

    async def drained(self, within: float) -> Counted:
        """Let the calls there are end, take no new ones, and return what it counted. Raises SippFailed."""
        if self.running:
            self._process.send_signal(signal.SIGUSR1)
        try:
            await asyncio.wait_for(self._process.wait(), within)
        except TimeoutError as error:
            await self.kill()
            raise SippFailed(f"SIPp ({self._name}) still held calls after {within:.0f} s") from error
        return self.counted()

    def counted(self) -> Counted:
        """Read what it has counted so far. Raises SippFailed if it left no statistics."""
        try:
            raw = (self._folder / f"{self._name}.csv").read_bytes()[-MAX_REPORT_BYTES:]
            good, failed, why = parse_counts(raw.decode(errors="replace"))
        except (OSError, ValueError) as error:
            raise SippFailed(
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
async def started(arguments: Sequence[str], folder: Path, name: str) -> AsyncIterator[Sipp]:
    """Start SIPp in `folder`, where it writes `<name>.csv`, `.err` and `.out`; it is gone when the block is left.

    Raises SippMissing.
    """
    program = shutil.which("sipp")
    if program is None:
        raise SippMissing("SIPp is not installed; on Debian: apt-get install sip-tester")
    traces = ["-nostdin", "-trace_stat", "-stf", str(folder / f"{name}.csv"), "-fd", "1"]
    traces += ["-trace_err", "-error_file", str(folder / f"{name}.err")]
    with (folder / f"{name}.out").open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            program,
            *arguments,
            *traces,
            cwd=folder,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    sipp = Sipp(process, folder, name)
    try:
        yield sipp
    finally:
        await sipp.kill()
