"""Rubbish at every port of a running platform: refused, counted, and nobody who calls notices it."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.integration import rubbish
from tests.integration.platform import Platform, started
from tests.integration.telephones import CITIZENS_AT, Telephones, citizen
from tests.waiting import eventually, soon

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

REHEARSAL = "19001"
STRANGER = "127.0.0.9"


@pytest.fixture(scope="module")
def telephones() -> Telephones:
    return Telephones(talk_seconds=120.0)


@pytest.fixture(scope="module")
def platform(telephones: Telephones, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    running = Platform(
        Path(tmp_path_factory.mktemp("rubbish")),
        {"waiting": {"announce_seconds": 5}},
        seats_at=telephones.host,
        wrap_up_seconds=0,
    )
    with started(running):
        yield running


def lines(file: Path, event: str) -> list[dict[str, Any]]:
    """Return the entries of one event in a log."""
    found = (json.loads(line) for line in file.read_text(encoding="utf-8").splitlines())
    return [entry for entry in found if entry.get("event") == event]


async def test_calls_go_through_while_rubbish_comes_to_every_port(
    platform: Platform, ringing: Telephones, tmp_path: Path
) -> None:
    ports = platform.ports
    sip_port, agi_port, ami_port = ports["sip"]["port"], ports["agi"]["port"], ports["ami"]["port"]
    platform.ok("agent", "sign-in", "1901")
    platform.ok("agent", "ready", "1901")
    rng = random.Random(5)
    quick = [said for name, said in rubbish.AGI.items() if name not in ("nothing", "half a line")]

    def to_agi() -> None:
        for said in quick:
            rubbish.tell(agi_port, said)

    def to_sip() -> None:
        for source in (CITIZENS_AT, STRANGER):
            rubbish.throw(sip_port, source, rubbish.sip(rng))

    def to_ami() -> None:
        with ThreadPoolExecutor(len(rubbish.AMI)) as at_once:
            list(at_once.map(lambda said: rubbish.tell(ami_port, said), rubbish.AMI.values()))

    def silent() -> None:
        rubbish.tell(agi_port, b"")

    async with AsyncExitStack() as stack:
        talking = await stack.enter_async_context(citizen(tmp_path, "talking", sip_port, REHEARSAL))
        await soon(lambda: platform.facts("answered"), "the agent talks to the first", 30)
        (first,) = platform.facts("answered")
        recording = next((platform.home / "recordings").rglob(f"{first['call_id']}/citizen.wav"))
        with rubbish.going_on(to_agi, to_agi, to_sip, to_ami, silent) as done:
            waiting = await stack.enter_async_context(citizen(tmp_path, "waiting", sip_port, REHEARSAL))
            await soon(lambda: len(platform.facts("queued")) == 2, "another one waits", 60)
            size = recording.stat().st_size
            await soon(lambda: recording.stat().st_size > size + 16_000, "the recording goes on", 60)
            ringing.talk_seconds = 1.0
            await asyncio.to_thread(platform.hang_up_seat, "1901")
            for process in (talking, waiting):
                counted = await process.finished()
                assert (counted.good, counted.failed) == (1, 0), counted.first_error
            await soon(lambda: all(done), "each kind of rubbish came at least once", 60)
    status = await asyncio.to_thread(platform.json, "status")
    assert status["good"], status["troubles"]
    assert {name: part["restarts"] for name, part in status["processes"].items() if part["restarts"]} == {}
    assert status["processes"]["engine"]["memory_bytes"] < 300_000_000
    assert status["processes"]["engine"]["health"]["agi_failed"] == "0"
    assert status["processes"]["engine"]["health"]["ami_losses"] == "0"
    assert {fact["call_id"] for fact in platform.facts("answered")} == {
        fact["call_id"] for fact in platform.facts("queued")
    }
    await soon(lambda: platform.channels() == 0, "no channel is left", 30)
    assert "0 active calls" in platform.asterisk("core show channels count")


def test_status_tells_how_much_was_refused_and_the_log_says_it_once_in_a_while(platform: Platform) -> None:
    def refused() -> dict[str, int]:
        counts: dict[str, int] = platform.json("status")["refused"]
        return counts

    before = refused()
    port = platform.ports["agi"]["port"]
    with ThreadPoolExecutor(len(rubbish.AGI)) as at_once:
        list(at_once.map(lambda said: rubbish.tell(port, said), rubbish.AGI.values()))
    more = {
        "agi_silent": 2,
        "agi_too_long": 1,
        "agi_not_agi": 4,
        "agi_unknown_path": 1,
        "agi_unanswered": 2,
    }
    expected = {kind: before.get(kind, 0) + count for kind, count in more.items()}
    eventually(
        lambda: {kind: refused().get(kind) for kind in expected} == expected, "the counts are told", 20
    )
    logged = lines(platform.home / "log" / "engine.log", "agi_refused")
    kinds = {entry["kind"] for entry in logged}
    assert kinds >= {"silent", "too_long", "not_agi", "unknown_path", "unanswered"}
    assert len(logged) <= 4 * len(kinds), "once a minute, not each time"
    shown = platform.ok("status")
    assert f"agi_not_agi {expected['agi_not_agi']}" in shown


def test_nothing_of_it_became_a_call(platform: Platform) -> None:
    assert platform.live_calls() == set()
    arrived = {fact["call_id"] for fact in platform.facts("call_arrived")}
    assert {fact["call_id"] for fact in platform.facts()} - {""} == arrived
