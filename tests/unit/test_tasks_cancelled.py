"""A task that takes a cancellation for its own is told again until it is done."""

from __future__ import annotations

import asyncio

import pytest

from cti.tasks import cancel

pytestmark = pytest.mark.unit


async def test_one_that_swallows_cancellations_ends_all_the_same() -> None:
    swallowed = 0

    async def stubborn() -> None:
        nonlocal swallowed
        while swallowed < 3:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                swallowed += 1
        await asyncio.Event().wait()

    tasks = [asyncio.create_task(stubborn()), asyncio.create_task(asyncio.Event().wait())]
    await asyncio.sleep(0)
    await cancel(tasks, again_seconds=0.001)
    assert swallowed == 3
    assert all(task.cancelled() for task in tasks)


async def test_those_that_are_done_are_left_as_they_are() -> None:
    done = asyncio.create_task(asyncio.sleep(0, "result"))
    assert await done == "result"
    await cancel((done,))
    assert done.result() == "result"
    await cancel(())
