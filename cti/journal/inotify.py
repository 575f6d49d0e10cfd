"""Wakes a coroutine when anything in a folder changes, by Linux's inotify(7)."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
from pathlib import Path
from types import TracebackType
from typing import Final, Self

_IN_MODIFY: Final = 0x2
_IN_MOVED: Final = 0xC0
_IN_CREATE: Final = 0x100
_IN_DELETE: Final = 0x200
_MASK: Final = _IN_MODIFY | _IN_MOVED | _IN_CREATE | _IN_DELETE
_READ_BYTES: Final = 64 * 1024


class FolderWatch:
    """A context: `wait` returns when a file of the folder is written, made, renamed or removed.

    What changed is not told: whoever is woken looks. Call `clear` before looking, so that nothing is missed.
    While nobody waits nobody is woken; the kernel keeps what happens, and joins what is the same.
    Raises OSError where the folder can not be watched.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._descriptor = -1

    def __enter__(self) -> Self:
        library = ctypes.CDLL(None, use_errno=True)
        self._descriptor = library.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self._descriptor < 0:
            raise self._error()
        if library.inotify_add_watch(self._descriptor, os.fsencode(self._folder), _MASK) < 0:
            error = self._error()
            os.close(self._descriptor)
            raise error
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._descriptor)

    def clear(self) -> None:
        """Forget what has happened until now."""
        # What does not fit is left, and wakes the next wait for nothing.
        with contextlib.suppress(BlockingIOError):
            os.read(self._descriptor, _READ_BYTES)

    async def wait(self, stop: asyncio.Event, seconds: float) -> bool:
        """Return when something has happened since `clear` (True), `stop` is set, or the time is over."""
        loop = asyncio.get_running_loop()
        changed = asyncio.Event()
        waits = [asyncio.ensure_future(event.wait()) for event in (changed, stop)]
        loop.add_reader(self._descriptor, changed.set)
        try:
            await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            loop.remove_reader(self._descriptor)
            for wait in waits:
                wait.cancel()
        return changed.is_set()

    def _error(self) -> OSError:
        number = ctypes.get_errno()
        return OSError(number, os.strerror(number), str(self._folder))
