"""The manager link on a real Asterisk: login, events in order under load, lists, and an Asterisk that dies."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from cti.ami import AmiEvent, AmiLink, AmiRefused, AmiSettings, LinkState, Phase
from tests.integration.bare_asterisk import SECRET, BareAsterisk
from tests.waiting import until

pytestmark = pytest.mark.integration

CALLS = 200
DIALPLAN = """
[load]
exten => told,1,Set(N=0)
 same => n(next),UserEvent(Counted,Round: ${ROUND},Number: ${N})
 same => n,Set(N=$[${N} + 1])
 same => n,GotoIf($[${N} < 1500]?next)
 same => n,UserEvent(Over,Round: ${ROUND})
exten => stays,1,Answer()
 same => n,Set(YHT_STATE=waiting)
 same => n,Wait(60)
"""


class Owner:
    """Whoever uses a link: resyncs, and keeps what it is told."""

    def __init__(self, port: int, secret: str = SECRET, **settings: Any) -> None:
        self.told: list[AmiEvent] = []
        self.states: list[LinkState] = []
        self.seen: list[list[str]] = []
        """The channels that each resync found."""
        self.link = AmiLink(
            AmiSettings("127.0.0.1", port, "yht", secret, **settings),
            on_event=self.told.append,
            on_state=self.states.append,
            clock=time.monotonic,
            rng=random.Random(1),
            resync=self._resync,
        )

    async def _resync(self) -> None:
        found = await self.link.collect("Status", {"Variables": "YHT_STATE"})
        self.seen.append([event.get("Channel") for event in found])

    def named(self, name: str) -> list[AmiEvent]:
        return [event for event in self.told if event.get("UserEvent") == name]


@pytest.fixture(scope="module")
def asterisk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BareAsterisk]:
    running = BareAsterisk(Path(tmp_path_factory.mktemp("asterisk")), DIALPLAN)
    try:
        running.start()
        yield running
    finally:
        running.kill()


@pytest.fixture
async def owner(asterisk: BareAsterisk) -> AsyncIterator[Owner]:
    found = Owner(asterisk.ami_port)
    await found.link.start()
    await found.link.wait_up(30)
    yield found
    await found.link.stop()


async def test_a_wrong_secret_is_said_at_once_in_asterisks_own_words(asterisk: BareAsterisk) -> None:
    stranger = Owner(asterisk.ami_port, "wrong")
    await stranger.link.start()
    try:
        with pytest.raises(
            AmiRefused, match="refuses the manager user 'yht': Authentication failed; check the secret"
        ):
            await stranger.link.wait_up(30)
        assert stranger.link.state.retry_in == 30.0
    finally:
        await stranger.link.stop()


async def test_events_come_in_order_and_whole_while_actions_go_on(owner: Owner) -> None:
    def start(mark: str) -> Any:
        fields = {
            "Channel": "Local/stays@load",
            "Context": "load",
            "Exten": "told",
            "Priority": "1",
            "Variable": [f"ROUND={mark}"],
            "Async": "true",
        }
        return owner.link.action("Originate", fields)

    marks = ("路灯", "井盖", "水管")
    for mark in marks:
        assert (await start(mark)).ok
    pings = 0
    deadline = time.monotonic() + 60
    while len(owner.named("Over")) < len(marks):
        assert time.monotonic() < deadline, f"{len(owner.told)} events in 60 s"
        assert (await owner.link.action("Ping", {})).get("Ping") == "Pong"
        pings += 1
    for mark in marks:
        numbers = [int(event.get("Number")) for event in owner.named("Counted") if event.get("Round") == mark]
        assert numbers == list(range(1500))
    assert pings > 1
    assert owner.link.counters.losses == 0


async def test_hundreds_of_channels_are_listed_whole_with_their_variables(
    asterisk: BareAsterisk, owner: Owner
) -> None:
    fields = {"Channel": "Local/stays@load", "Context": "load", "Exten": "stays", "Priority": "1"}
    begun = await asyncio.gather(
        *(owner.link.action("Originate", {**fields, "Async": "true"}, timeout=60) for _ in range(CALLS))
    )
    assert all(reply.ok for reply in begun)

    async def waiting() -> list[AmiEvent]:
        found = await owner.link.collect("Status", {"Variables": "YHT_STATE"}, timeout=60)
        assert len({event.get("Uniqueid") for event in found}) == len(found)
        return [event for event in found if event.pairs("Variable").get("YHT_STATE") == "waiting"]

    deadline = time.monotonic() + 60
    while len(await waiting()) < 2 * CALLS:
        assert time.monotonic() < deadline, "the channels are not all there"
    asterisk.run("channel request hangup all")
    await until(
        lambda: "0 active channels" in asterisk.run("core show channels count"), "it is quiet again", 30
    )


async def test_an_asterisk_that_is_killed_and_started_again_is_linked_and_resynced(
    asterisk: BareAsterisk, owner: Owner
) -> None:
    await until(lambda: owner.seen, "the first resync", 30)
    asterisk.kill()
    await until(lambda: owner.link.state.phase is Phase.DOWN, "the link is down", 30)
    reasons = [state.reason for state in owner.states if state.phase is Phase.DOWN]
    assert "closed the connection" in reasons[0] or "connection broke" in reasons[0]
    await asyncio.to_thread(asterisk.start)
    await owner.link.wait_up(30)
    await until(lambda: len(owner.seen) == 2, "it is resynced", 30)
    assert owner.link.counters.logins == 2
    reply = await owner.link.action("Command", {"Command": "core show uptime seconds"})
    assert "System uptime" in reply.output
