"""Keeps up with Redis: take stock, follow the live stream, and take stock again whenever Redis was away."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

import structlog

from acd.lanes import CANCEL_SECONDS
from acd.rows import Change, LiveId
from acd.store import LIVE_BATCH, Store, StoreError
from cti.tasks import cancel

log = structlog.get_logger(__name__)

BACKOFF_FIRST: Final = 0.05
BACKOFF_MOST: Final = 2.0
STEADY_SECONDS: Final = 5.0
"""A Redis that served this long starts again from the first backoff."""


class Following:
    """Calls `load` (everything anew; returns where the live stream goes on from), then `changed` for each batch.

    `away` is told when Redis is lost. Whoever finds it lost first says so by `lost`.
    """

    def __init__(
        self,
        store: Store,
        *,
        load: Callable[[], Awaitable[LiveId]],
        changed: Callable[[Iterable[Change]], None],
        away: Callable[[StoreError], None],
    ) -> None:
        self._store = store
        self._load = load
        self._changed = changed
        self._away = away
        self._trouble: asyncio.Future[StoreError] | None = None
        self.looked = asyncio.Event()
        """Set once the first load is over, well or not."""

    def lost(self, error: StoreError) -> None:
        """Redis did not do what it was asked: stop, and take stock anew."""
        if self._trouble is not None and not self._trouble.done():
            self._trouble.set_result(error)

    async def run(self) -> None:
        """Follow for ever."""
        loop = asyncio.get_running_loop()
        pause = BACKOFF_FIRST
        while True:
            began = loop.time()
            self._trouble = loop.create_future()
            try:
                cursor = await self._load()
                self.looked.set()
                error = await self._read(cursor, self._trouble)
            except StoreError as failed:
                error = failed
            self._away(error)
            self.looked.set()
            if loop.time() - began >= STEADY_SECONDS:
                pause = BACKOFF_FIRST
            await asyncio.sleep(pause)
            pause = min(BACKOFF_MOST, pause * 2)

    async def _read(self, cursor: LiveId, trouble: asyncio.Future[StoreError]) -> StoreError:
        reading = asyncio.create_task(self._follow(cursor), name="hall-live")
        try:
            await asyncio.wait((reading, trouble), return_when=asyncio.FIRST_COMPLETED)
            if trouble.done():
                return trouble.result()
            return reading.result()
        finally:
            await cancel((reading,), CANCEL_SECONDS)

    async def _follow(self, cursor: LiveId) -> StoreError:
        try:
            async for changes in self._store.live(cursor):
                self._changed(changes)
                if len(changes) >= LIVE_BATCH:
                    log.warning("live_stream_behind")
                    return StoreError("live: more happened than the capped stream may hold")
        except StoreError as error:
            return error
        raise AssertionError("the live stream ended")
