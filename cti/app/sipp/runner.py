"""Runs scenarios, several at once where they share nothing, and says one verdict of each."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from acd.store import StoreError
from config.problems import ConfigError
from cti.app.sipp.booking import Booking, NotHere, NotNow, Taken, book
from cti.app.sipp.load import Loaded
from cti.app.sipp.process import SippMissing
from cti.app.sipp.setting import Setting, need_hotlines
from cti.app.sipp.stage import Run
from cti.app.sipp.values import UnknownName, hotline_numbers
from cti.app.sipp.watch import WatchError

AT_ONCE = 4
"""Scenarios played at the same time."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one scenario. `logs` is the folder of what a failed one left, "" else."""

    name: str
    verdict: Literal["passed", "failed", "skipped"]
    seconds: float = 0.0
    reasons: tuple[str, ...] = ()
    logs: str = ""


class Runner:
    """Plays scenarios on one platform; each line's queue belongs to one scenario at a time."""

    def __init__(self, setting: Setting, told: Callable[[Verdict], None], *, keep: bool = False) -> None:
        self._setting = setting
        self._told = told
        self._keep = keep
        self._taken: frozenset[str] = frozenset()
        self._given_back = asyncio.Condition()
        self._places = asyncio.Semaphore(AT_ONCE)

    async def run(self, scenarios: Sequence[Loaded | ConfigError], names: Sequence[str]) -> list[Verdict]:
        """Play all; verdicts in the order of the names. A scenario that can not be read has failed."""
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(self._one(name, loaded))
                for name, loaded in zip(names, scenarios, strict=True)
            ]
        return [task.result() for task in tasks]

    async def _one(self, name: str, loaded: Loaded | ConfigError) -> Verdict:
        if isinstance(loaded, ConfigError):
            verdict = Verdict(name, "failed", reasons=tuple(str(problem) for problem in loaded.problems))
        else:
            verdict = await self._booked(loaded)
        self._told(verdict)
        return verdict

    async def _booked(self, loaded: Loaded) -> Verdict:
        """Wait for lines and agents, play, give them back."""
        try:
            need_hotlines(hotline_numbers(loaded.scenario), self._setting.city)
            booking = await self._book(loaded)
        except (NotNow, NotHere) as error:
            return Verdict(loaded.name, "skipped", reasons=(str(error),))
        except (WatchError, StoreError) as error:
            return Verdict(loaded.name, "failed", reasons=(str(error),))
        try:
            async with self._places:
                return await self._played(loaded, booking)
        finally:
            async with self._given_back:
                self._taken -= booking.queues
                self._given_back.notify_all()

    async def _book(self, loaded: Loaded) -> Booking:
        setting = self._setting
        async with self._given_back:
            while True:
                now, phones = await setting.watch.snapshot(), await setting.watch.phones()
                try:
                    booking = book(loaded.scenario, setting.city, now, phones, self._taken)
                except Taken:
                    await self._given_back.wait()
                    continue
                self._taken |= booking.queues
                return booking

    async def _played(self, loaded: Loaded, booking: Booking) -> Verdict:
        folder = self._setting.paths.home / "sipp" / loaded.name
        begun = time.monotonic()
        try:
            reasons = await Run(loaded, booking, self._setting, folder).played()
        except (WatchError, StoreError, UnknownName, SippMissing) as error:
            reasons = (str(error),)
        seconds = round(time.monotonic() - begun, 1)
        if reasons:
            return Verdict(loaded.name, "failed", seconds, reasons, str(folder))
        if not self._keep:
            shutil.rmtree(folder, ignore_errors=True)
        return Verdict(loaded.name, "passed", seconds)
