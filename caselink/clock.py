"""The clock of cases: does what their limits demand when it is due, each once, whoever else does it too.

One timer, set to the earliest `case.wake_at`. What is due is computed anew from the case's history under its lock,
so a clock that was away does everything when it is back, and of two clocks the second finds it done.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final

import structlog
from sqlalchemy import and_, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from caselink import limits, projection
from caselink.loop import OPEN
from caselink.rulebook import Rulebook
from caselink.steps import Step
from caselink.tables import CaseEventRow, CaseRow
from caselink.work import hold, take_step
from cti.clock import now_us
from cti.facts import Value
from cti.sql import AWAY, Sessions

LOOK_SECONDS: Final = 15.0
"""The longest sleep: a limit that another process has set meanwhile is noticed within it."""
_AGAIN_SECONDS: Final = 2.0
_BATCH: Final = 200
_AFTER_TROUBLE: Final = 3600 * 1_000_000
"""When a case is looked at again that could not be worked on (µs)."""
_REASONS: Final = {"acknowledge": "逾期未签收", "reply": "逾期未办结"}
_CASE: Final[Any] = CaseRow.__table__

_log = structlog.get_logger(__name__)


class Clock:
    """One clock. `rulebook` is asked anew each time; `now` tells the time in µs since the epoch."""

    def __init__(
        self, sessions: Sessions, rulebook: Callable[[], Rulebook], now: Callable[[], int] = now_us
    ) -> None:
        self._sessions = sessions
        self._rulebook = rulebook
        self._now = now
        self._woken = asyncio.Event()
        self._is_fresh = False
        self.deeds = 0
        """What it has done since it started."""

    def recheck(self) -> None:
        """Look at every open case again: what the city says about limits has changed."""
        self._is_fresh = False
        self._woken.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set; a database that is away is waited for."""
        stopping = asyncio.ensure_future(stop.wait())
        try:
            while not stop.is_set():
                self._woken.clear()
                seconds = LOOK_SECONDS
                try:
                    wake_at = await self.turn()
                    if wake_at is not None:
                        seconds = min(seconds, max(0.0, (wake_at - self._now()) / 1_000_000))
                except AWAY as error:
                    _log.warning("case_clock_waits", error=type(error).__name__)
                    seconds = _AGAIN_SECONDS
                woken = asyncio.ensure_future(self._woken.wait())
                await asyncio.wait((stopping, woken), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
                woken.cancel()
        finally:
            stopping.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await stopping

    async def turn(self) -> int | None:
        """Do everything that is due; return when the next is. Raises the database's errors."""
        if not self._is_fresh:
            await self._set_all()
            self._is_fresh = True
        while numbers := await self._ripe():
            for number in numbers:
                await self._tend(number)
        async with self._sessions() as session:
            wake_at: int | None = await session.scalar(select(func.min(_CASE.c.wake_at)))
            return wake_at

    async def _ripe(self) -> Sequence[str]:
        query = select(_CASE.c.number).where(_CASE.c.wake_at <= self._now())
        async with self._sessions() as session:
            return (await session.scalars(query.order_by(_CASE.c.wake_at).limit(_BATCH))).all()

    async def _tend(self, number: str) -> None:
        """Do what is due with one case, in one transaction."""
        book, now = self._rulebook(), self._now()
        try:
            async with self._sessions.begin() as session:
                done = await tend(session, book, number, now)
        except (ValueError, LookupError) as error:
            # A history that this version can not read, or a policy without working time: it must not stop the rest.
            _log.error("case_not_tended", case=number, error=str(error)[:200])
            async with self._sessions.begin() as session:
                later = update(_CASE).where(_CASE.c.number == number).values(wake_at=now + _AFTER_TROUBLE)
                await session.execute(later)
            return
        self.deeds += len(done)
        for deed in done:
            _log.info("case_clock", case=number, action=deed.action, stage=deed.stage)

    async def _set_all(self) -> None:
        """Set the wake of every open case as the rulebook has it now."""
        book, after = self._rulebook(), 0
        while True:
            async with self._sessions.begin() as session:
                query = select(_CASE.c.id, _CASE.c.version, _CASE.c.wake_at)
                query = query.where(_CASE.c.state.in_(sorted(OPEN)), _CASE.c.id > after)
                found = (await session.execute(query.order_by(_CASE.c.id).limit(_BATCH))).all()
                if not found:
                    return
                after = found[-1].id
                await _set_wakes(session, book, found, self._now())


async def tend(session: AsyncSession, book: Rulebook, number: str, now: int) -> tuple[limits.Deed, ...]:
    """Do what is due with one case at `now`, in the caller's transaction; return what was done."""
    held = await hold(session, number)
    due = limits.due(held.case, book.policy, now)
    for deed in due.deeds:
        data: dict[str, Value] = {"stage": deed.stage, "due": deed.due_at}
        if deed.action == "supervise":
            data["reason"] = _REASONS.get(deed.stage, "逾期")
        step = Step(deed.action, "system", "", now, data)
        done = await take_step(session, book, held, step, deed.event_id(number))
        held = replace(held, case=done.case)
    if not due.deeds:
        await session.execute(update(_CASE).where(_CASE.c.id == held.id).values(wake_at=due.wake_at))
    return due.deeds


async def _set_wakes(session: AsyncSession, book: Rulebook, found: Sequence[Any], now: int) -> None:
    events: dict[int, list[CaseEventRow]] = defaultdict(list)
    ids = [row.id for row in found]
    for event in await session.scalars(select(CaseEventRow).where(CaseEventRow.case_id.in_(ids))):
        events[event.case_id].append(event)
    for row in found:
        try:
            due = limits.due(projection.history(events[row.id]), book.policy, now)
        except (ValueError, LookupError):
            continue  # `_tend` says so when its time comes.
        wake_at = now if due.deeds else due.wake_at
        if wake_at != row.wake_at:
            # Whoever acts on the case meanwhile sets its wake too, and by the same rulebook.
            same = and_(_CASE.c.id == row.id, _CASE.c.version == row.version)
            await session.execute(update(_CASE).where(same).values(wake_at=wake_at))
