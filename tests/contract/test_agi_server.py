"""The FastAGI server on Twisted's asyncio reactor, against peers that are no Asterisk: each refused and counted."""

from __future__ import annotations

import asyncio
import gc
import resource
import socket
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from structlog.testing import capture_logs
from twisted.internet.asyncioreactor import AsyncioSelectorReactor

from ivr.agi import AgiHungUp, AgiServer, AgiSession, AgiSettings, AgiTimeout
from tests.contract.agi_peer import Client, environment
from tests.waiting import until

pytestmark = pytest.mark.contract

TLS = bytes.fromhex("16030100c8010000c403035f") + bytes(range(11, 200))
SIP = b"OPTIONS sip:12345@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1\r\n\r\n"
HTTP = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


class Rig:
    """A server with a few handlers, and what they saw."""

    def __init__(self, reactor: AsyncioSelectorReactor) -> None:
        self.reactor = reactor
        self.seen: list[str] = []
        self.errors: list[BaseException] = []
        self.now = 0.0
        self.go = asyncio.Event()
        self.server: AgiServer
        self.clients: list[Client] = []

    async def start(self, **settings: Any) -> None:
        handlers = {
            "/good": self.good,
            "/asks": self.asks,
            "/raises": self.raises,
            "/stays": self.stays,
            "/impatient": self.impatient,
        }
        self.server = AgiServer(
            AgiSettings(port=0, **settings), handlers, reactor=self.reactor, clock=lambda: self.now
        )
        await self.server.start()

    async def client(self, first: bytes = b"", source: str = "127.0.0.1") -> Client:
        client = await Client.connect(self.server.port, source)
        self.clients.append(client)
        client.send(first)
        return client

    async def a_good_one(self) -> None:
        """A whole session beside whatever else goes on."""
        served = self.server.counters.served
        client = await self.client(environment())
        assert await client.serve({"NAME": "王先生"}) == [b'GET VARIABLE "NAME"\n']
        assert self.seen[-1] == "王先生"
        await until(lambda: self.server.counters.served == served + 1, "it is counted")

    @property
    def refused(self) -> dict[str, int]:
        return {kind: count for kind, count in self.server.counters.refused.items() if count}

    async def good(self, session: AgiSession) -> None:
        self.seen.append(await session.get_variable("NAME") or "")

    async def asks(self, session: AgiSession) -> None:
        try:
            await session.command("NOOP", timeout=60.0)
        except (AgiHungUp, asyncio.CancelledError) as error:
            self.errors.append(error)
            raise

    async def raises(self, session: AgiSession) -> None:
        raise LookupError("a handler's mistake")

    async def stays(self, session: AgiSession) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError as error:
            self.errors.append(error)
            raise

    async def impatient(self, session: AgiSession) -> None:
        try:
            await session.command("NOOP", timeout=0.05)
        except AgiTimeout as error:
            self.errors.append(error)
            raise


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    loop = asyncio.get_running_loop()
    reactor = AsyncioSelectorReactor(loop)
    reactor.startRunning(installSignalHandlers=False)
    before = asyncio.all_tasks()
    found = Rig(reactor)
    yield found
    for client in found.clients:
        client.close()
    await found.server.stop()
    await until(lambda: found.server.counters.open == 0, "every connection is closed")
    own = asyncio.current_task()
    await until(lambda: asyncio.all_tasks() <= {*before, own}, "no task is left")
    for reader in reactor.removeAll():  # type: ignore[no-untyped-call]
        reader.connectionLost(None)


@pytest.fixture
def many_files() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


# What is no AGI


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (b"", "silent"),
        (b"agi_network: yes\nagi_request: agi://127.0.0.1/good", "silent"),
        (b"agi_network: yes\n", "silent"),
        (b"x" * 1_000_000, "too_long"),
        (b"agi_network: yes\nagi_callerid: " + "啊".encode() * 100_000, "too_long"),
        (b"agi_network: yes\n" + b"agi_arg: 1\n" * 1000 + b"\n", "not_agi"),
        (b"agi_network: yes\n" + b"".join(b"agi_arg_%d: 1\n" % n for n in range(1000)), "not_agi"),
        (b"agi_network: yes\n" + b"".join(b"agi_%d: %s\n" % (n, b"x" * 8000) for n in range(20)), "not_agi"),
        (HTTP, "not_agi"),
        (TLS, "silent"),
        (TLS + b"\n", "not_agi"),
        (SIP, "not_agi"),
        (b"\n", "not_agi"),
        (b"\0" * 100 + b"\n", "not_agi"),
        (b"\xff\xfe\n", "not_agi"),
        (b"200 result=0\n", "not_agi"),
        (environment(network_script="nowhere"), "unknown_path"),
        (environment() + b"HANGUP NOW\n", "not_agi"),
        (environment() + b"520-no end\n" + b"usage\n" * 1000, "not_agi"),
        (environment() + b"200 result\n", "not_agi"),
    ],
)
async def test_a_peer_that_is_no_asterisk_is_refused_and_counted(rig: Rig, said: bytes, kind: str) -> None:
    await rig.start(environment_timeout=0.3)
    with capture_logs() as logs:
        client = await rig.client(said)
        await rig.a_good_one()
        await client.ended()
        await until(lambda: rig.refused, "it is counted")
        await rig.a_good_one()
    assert rig.refused == {kind: 1}
    assert [told["event"] for told in logs] == ["agi_refused"]
    assert rig.server.counters.open <= 1
    assert rig.server.counters.failed == 0


async def test_who_goes_before_the_environment_is_whole_is_counted(rig: Rig) -> None:
    await rig.start()
    (await rig.client(b"agi_network: yes\n")).close()
    (await rig.client()).close()
    await until(lambda: rig.refused == {"closed_early": 2}, "both are counted")
    await rig.a_good_one()


async def test_strangers_are_refused_before_they_say_a_word(rig: Rig) -> None:
    await rig.start(allowed=("127.0.0.1/32",))
    stranger = await rig.client(environment(), "127.0.0.9")
    assert await stranger.ended() == b""
    await rig.a_good_one()
    assert rig.refused == {"stranger": 1}


async def test_the_1001st_session_is_refused_and_the_thousand_are_not_disturbed(
    rig: Rig, many_files: None
) -> None:
    await rig.start(environment_timeout=60.0)
    for _ in range(20):
        await asyncio.gather(*(rig.client(environment(network_script="asks")) for _ in range(50)))
    await until(lambda: rig.server.counters.open == 1000, "a thousand are open")
    one_more = await rig.client(environment())
    assert await one_more.ended() == b""
    assert rig.refused == {"busy": 1}
    for client in rig.clients[:1000]:
        assert await client.line() == b"NOOP\n"
        client.send(b"200 result=0\n")
    await until(lambda: rig.server.counters.served == 1000, "each is served")
    await rig.a_good_one()


async def test_a_kind_of_refusal_is_logged_once_in_a_while_and_counted_each_time(rig: Rig) -> None:
    await rig.start()
    with capture_logs() as logs:
        for _ in range(30):
            rig.now += 10.0
            await (await rig.client(HTTP)).ended()
    assert rig.refused == {"not_agi": 30}
    assert [(told["event"], told["kind"], told["count"]) for told in logs] == [
        ("agi_refused", "not_agi", count) for count in (1, 7, 13, 19, 25)
    ]


async def test_memory_does_not_grow_with_what_is_sent(rig: Rig) -> None:
    await rig.start()
    block = b"x" * 1_000_000

    def flood() -> int:
        """Send 50 MB; return how much of it the server's side took."""
        with socket.create_connection(("127.0.0.1", rig.server.port)) as peer:
            sent = 0
            try:
                for _ in range(50):
                    peer.sendall(block)
                    sent += len(block)
            except OSError:
                pass
            return sent

    tracemalloc.start()
    try:
        taken = await asyncio.gather(*(asyncio.to_thread(flood) for _ in range(30)))
        await until(lambda: rig.server.counters.open == 0, "all are gone")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        gc.collect()
    assert rig.refused == {"too_long": 30}
    assert max(taken) < 20_000_000, "what the kernel buffers, no more"
    assert peak < 10_000_000
    await rig.a_good_one()


# Sessions that do not end well


@pytest.mark.parametrize("last", [b"HANGUP\n", b"HANGUP\n200 result=-1\n", b""])
async def test_a_hangup_in_the_middle_of_a_command_ends_it_at_once(rig: Rig, last: bytes) -> None:
    await rig.start()
    client = await rig.client(environment(network_script="asks"))
    assert await client.line() == b"NOOP\n"
    if last:
        client.send(last)
    else:
        client.close()
    await until(lambda: rig.server.counters.hung_up == 1, "it is counted")
    assert isinstance(rig.errors[0], AgiHungUp)
    await client.ended()
    assert (rig.refused, rig.server.counters.failed) == ({}, 0)
    await rig.a_good_one()


async def test_a_dead_channel_is_a_hangup_too(rig: Rig) -> None:
    await rig.start()
    client = await rig.client(environment(network_script="asks"))
    await client.line()
    client.send(b"511 Command Not Permitted on a dead channel or intercept routine\n")
    await client.ended()
    await until(lambda: rig.server.counters.hung_up == 1, "it is counted")


async def test_a_peer_that_does_not_answer_a_command_is_refused(rig: Rig) -> None:
    await rig.start()
    with capture_logs() as logs:
        client = await rig.client(environment(network_script="impatient"))
        await rig.a_good_one()
        assert await client.ended() == b"NOOP\n"
        await until(lambda: rig.refused == {"unanswered": 1}, "it is counted")
    assert [(told["event"], told["kind"]) for told in logs] == [("agi_refused", "unanswered")]
    assert isinstance(rig.errors[0], AgiTimeout)


async def test_a_handler_that_raises_costs_its_own_session_only(rig: Rig) -> None:
    await rig.start()
    with capture_logs() as logs:
        for _ in range(3):
            assert await (await rig.client(environment(network_script="raises"))).ended() == b""
        await until(lambda: rig.server.counters.failed == 3, "all are counted")
    assert [(told["event"], told["path"]) for told in logs] == [("agi_handler_failed", "/raises")]
    await rig.a_good_one()


async def test_a_handler_that_never_ends_is_cut_off(rig: Rig) -> None:
    await rig.start(session_timeout=0.1)
    with capture_logs() as logs:
        client = await rig.client(environment(network_script="stays"))
        assert await client.ended() == b""
        await until(lambda: rig.server.counters.overtime == 1, "it is counted")
    assert [told["event"] for told in logs] == ["agi_overtime"]
    assert isinstance(rig.errors[0], asyncio.CancelledError)
    await rig.a_good_one()


# The end


async def test_a_stop_ends_every_session_and_leaves_nothing(rig: Rig) -> None:
    await rig.start(environment_timeout=60.0)
    clients = [
        await rig.client(first)
        for first in (
            environment(network_script="asks"),
            environment(network_script="stays"),
            b"agi_network: yes\n",
            b"",
        )
    ]
    assert await clients[0].line() == b"NOOP\n"
    await until(lambda: rig.server.counters.open == 4, "all are open")
    port = rig.server.port
    await rig.server.stop()
    for client in clients:
        assert await client.ended() == b""
    await until(lambda: len(rig.errors) == 2, "both handlers were told")
    assert rig.server.port == 0
    with pytest.raises(OSError, match="Connect call failed"):
        await Client.connect(port)
    assert rig.refused == {}
    await rig.server.stop()
