"""Wakes a coroutine when anything in a folder changes, by Linux's inotify(7)."""

from __future__ import annotations

import asyncio
import ctypes
import os
from pathlib import Path
from types import TracebackType
from typing import Final, Self

_IN_MODIFY: Final = 0x2
_IN_CLOSE_WRITE: Final = 0x8
_IN_MOVED: Final = 0xC0
_IN_CREATE: Final = 0x100
_IN_DELETE: Final = 0x200
_MASK: Final = _IN_MODIFY | _IN_CLOSE_WRITE | _IN_MOVED | _IN_CREATE | _IN_DELETE
_READ_BYTES: Final = 64 * 1024


class FolderWatch:
    """A context: within it `changed` is set whenever a file of the folder is written, made, renamed or removed.

    What changed is not told: whoever is woken looks. Clear `changed` before looking, so that nothing is missed.
    Raises OSError where the folder can not be watched.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._descriptor = -1
        self.changed = asyncio.Event()

    def __enter__(self) -> Self:
        library = ctypes.CDLL(None, use_errno=True)
        self._descriptor = library.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self._descriptor < 0:
            raise self._error()
        if library.inotify_add_watch(self._descriptor, os.fsencode(self._folder), _MASK) < 0:
            error = self._error()
            os.close(self._descriptor)
            raise error
        asyncio.get_running_loop().add_reader(self._descriptor, self._drain)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        asyncio.get_running_loop().remove_reader(self._descriptor)
        os.close(self._descriptor)

    async def wait(self, stop: asyncio.Event, seconds: float) -> bool:
        """Return when something changed (True), `stop` is set, or the time is over."""
        waits = [asyncio.ensure_future(event.wait()) for event in (self.changed, stop)]
        try:
            await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        return self.changed.is_set()

    def _error(self) -> OSError:
        number = ctypes.get_errno()
        return OSError(number, os.strerror(number), str(self._folder))

    def _drain(self) -> None:
        try:
            while os.read(self._descriptor, _READ_BYTES):
                self.changed.set()
        except BlockingIOError:
            pass
