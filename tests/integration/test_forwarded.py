"""A citizen of a sub-centre talks to the owner's agents outside; a trunk that is full carries no more out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.platform import Platform, edit, started
from tests.integration.telephones import Telephones, citizen
from tests.waiting import soon

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]


@pytest.fixture
def owner() -> Telephones:
    return Telephones(talk_seconds=3.0)


@pytest.fixture
def platform(owner: Telephones, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    running = Platform(Path(tmp_path_factory.mktemp("forwarded")))

    def lead_out(content: Any) -> None:
        trunk = next(trunk for trunk in content["trunks"] if trunk["id"] == "rehearsal_out")
        trunk["contact"] = f"sip:{owner.host[0]}:{owner.host[1]}"
        trunk["channels"] = 1

    edit(running.city / "trunks.yaml", lead_out)
    with started(running):
        yield running


@pytest.fixture
async def answering(owner: Telephones) -> AsyncIterator[list[bytes]]:
    """The owner's telephones answer; what they are sent is kept."""
    heard: list[bytes] = []
    take = owner.seats.receive

    def receive(data: bytes, source: tuple[str, int], now: float) -> Any:
        heard.append(data)
        return take(data, source, now)

    owner.seats.receive = receive  # type: ignore[method-assign]
    async with owner:
        yield heard


async def test_the_owner_answers_and_knows_which_call_it_is(
    platform: Platform, owner: Telephones, answering: list[bytes], tmp_path: Path
) -> None:
    sip_port = platform.ports["sip"]["port"]
    owner.talk_seconds = 8.0
    async with citizen(tmp_path, "one", sip_port, number="19015") as first:
        await soon(lambda: owner.seats.counts["answered"] == 1, "the owner's agent answers")
        await soon(lambda: len(platform_calls(platform)) == 1, "the ledger knows")
        (call,) = platform_calls(platform)
        invite = next(data.decode() for data in answering if data.startswith(b"INVITE sip:12366@"))
        assert f"X-YHT-Call-ID: {call}" in invite
        assert "X-YHT-Hotline: drill_sub_center_outside" in invite
        assert "X-YHT-Dialed-Number: 19015" in invite

        # The trunk carries one call: the next citizen waits for 12345 at once.
        async with citizen(tmp_path, "two", sip_port, number="19015"):
            await soon(lambda: len(platform.facts("queued")) == 1, "the second waits")
            assert owner.seats.counts["invited"] == 1
        counted = await first.finished()
        assert (counted.good, counted.failed) == (1, 0), counted.first_error
    await soon(
        lambda: row(platform, call)["state"].startswith("forwarded"), "the call is stored as forwarded"
    )
    assert row(platform, call)["hotline"] == "drill_sub_center_outside"
    ends = [fact["data"]["status"] for fact in platform.facts("forward_ended", call)]
    assert ends == ["ANSWER"]
    assert not platform.facts("case_opened", call)
    await asyncio.to_thread(platform.asterisk, "channel request hangup all")


def platform_calls(platform: Platform) -> list[str]:
    return [fact["call_id"] for fact in platform.facts("forwarded")]


def row(platform: Platform, call: str) -> dict[str, Any]:
    rows = platform.json("call", "list")
    found: dict[str, Any] = next(entry for entry in rows if entry["call_id"] == call)
    return found
