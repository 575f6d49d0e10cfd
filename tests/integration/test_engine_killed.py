"""Killing the engine (`kill -9`) costs no citizen the talk, the place in the queue or the recording."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.integration.platform import Platform, started
from tests.integration.telephones import Telephones, citizen
from tests.waiting import soon

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def telephones() -> Telephones:
    return Telephones(talk_seconds=60.0)


@pytest.fixture
def platform(telephones: Telephones, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    running = Platform(Path(tmp_path_factory.mktemp("killed")), seats_at=telephones.host, wrap_up_seconds=0)
    with started(running):
        yield running


async def test_one_talks_and_two_wait_while_the_engine_is_killed(
    platform: Platform, ringing: Telephones, folder: Path
) -> None:
    sip_port = platform.ports["sip"]["port"]
    platform.ok("agent", "sign-in", "1001")
    platform.ok("agent", "ready", "1001")
    async with AsyncExitStack() as stack:
        citizens = []
        for number, name in enumerate(("talking", "first", "second"), start=1):
            citizens.append(await stack.enter_async_context(citizen(folder, name, sip_port)))
            await soon(lambda n=number: len(platform.facts("queued")) == n, f"citizen {number} waits")
            if number == 1:
                await soon(lambda: ringing.seats.counts["answered"] == 1, "the agent talks to the first")
        talking, first, second = (fact["call_id"] for fact in platform.facts("queued"))
        recording = next((platform.home / "recordings").rglob(f"{talking}/citizen.wav"))

        killed = platform.pid("engine")
        os.kill(killed, signal.SIGKILL)
        size = recording.stat().st_size
        await soon(lambda: recording.stat().st_size > size + 8000, "the recording goes on")
        assert platform.channels() == 4, "the two who talk and the two who wait are all there"
        await soon(lambda: platform.pid("engine") not in (0, killed), "the engine is started again", 30)
        await soon(lambda: platform.yht("status").returncode == 0, "everything is up again", 30)
        assert platform.waiting("general") == [first, second]

        ringing.talk_seconds = 1.0
        await asyncio.to_thread(platform.hang_up_seat, "1001")
        for process in citizens:
            counted = await process.finished()
            assert (counted.good, counted.failed) == (1, 0), counted.first_error
    offers = [fact["call_id"] for fact in platform.facts("offered")]
    assert offers == [talking, first, second], "served in the order in which they came"
    await soon(lambda: len(platform.facts("call_ended")) == 3, "every call is closed in the ledger")
    for call_id in (talking, first, second):
        kinds = [fact["kind"] for fact in platform.facts(call_id=call_id)]
        for kind in ("call_arrived", "hotline_resolved", "queued", "offered", "answered", "offer_ended"):
            assert kinds.count(kind) == 1, f"{kind} of {call_id}: {kinds}"
    assert ringing.seats.counts["doubled"] == 0
    assert platform.channels() == 0
