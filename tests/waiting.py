"""Waiting without sleeping: look again and again until it is so, and fail at a deadline with what did not happen."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


async def until(look: Callable[[], Any], what: str, within: float = 20.0) -> Any:
    """Return the first true result of `look` (a function, or one that returns an awaitable), in this loop."""
    deadline = time.monotonic() + within
    while True:
        found = look()
        if inspect.isawaitable(found):
            found = await found
        if found:
            return found
        assert time.monotonic() < deadline, f"not within {within:g} s: {what}"
        await asyncio.sleep(0.01)


def eventually(look: Callable[[], T], what: str, within: float = 15.0) -> T:
    """Return the first true result of `look`; for tests without a loop."""
    deadline = time.monotonic() + within
    pause = 0.01
    while not (found := look()):
        assert time.monotonic() < deadline, f"not within {within:g} s: {what}"
        time.sleep(pause)
        pause = min(0.2, pause * 1.5)
    return found


async def soon(look: Callable[[], T], what: str, within: float = 20.0) -> T:
    """As `eventually`, where `look` blocks: telephones and SIPp go on in this loop."""
    return await asyncio.to_thread(eventually, look, what, within)
