"""The FastAGI server and a real Asterisk: what is sent arrives as it was, whatever is in it; and how calls leave."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.asyncioreactor import AsyncioSelectorReactor

from ivr.agi import AgiFailed, AgiHungUp, AgiServer, AgiSession, AgiSettings, CommandError
from ivr.agi.quoting import MAX_COMMAND_BYTES
from tests.integration.bare_asterisk import BareAsterisk
from tests.waiting import until

pytestmark = pytest.mark.integration

DIALPLAN = """
[asks]
exten => _X.,1,Answer()
 same => n,AGI(agi://127.0.0.1:${EXTEN}/work?line=12319,首个,"第二,个")
 same => n,Verbose(0,WENT ON ${AGISTATUS})
 same => n,Hangup()
exten => h,1,Verbose(0,HUNG UP)
exten => taken,1,Verbose(0,TAKEN AWAY ${GIVEN})
 same => n,Wait(0.1)
 same => n,Hangup()

[other]
exten => s,1,Answer()
 same => n,Wait(30)
"""

AWKWARD = {
    "QUOTES": 'he said "路灯" and left',
    "BACKSLASHES": "C:\\new\\table\\",
    "COMMAS": "一,二,,三",
    "BRACKETS": "(a[b]c)",
    "DOLLARS": "${EXTEN} $[1+1]",
    "PIPES": "a|b;c=d&e",
    "CHINESE": "王先生说：水管爆了！" * 20,
    "EMPTY": "",
    "SPACES": "  两边有空格  ",
    "ALL": 'x="\\",(y)[${z}],=',
}


Work = Callable[[AgiSession], Awaitable[Any]]


async def listen(session: AgiSession) -> None:
    """Wait for keys until the channel is gone: Asterisk ends one wait with -1 before it says so."""
    while True:
        await session.command("WAIT FOR DIGIT", "25000", timeout=60.0)


class Line:
    """Calls into the dialplan, which asks a server that does what the test says."""

    def __init__(self, asterisk: BareAsterisk, reactor: AsyncioSelectorReactor) -> None:
        self.asterisk = asterisk
        self.work: Work
        self.outcome: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.server = AgiServer(
            AgiSettings(port=0), {"/work": self._work}, reactor=reactor, clock=time.monotonic
        )

    async def _work(self, session: AgiSession) -> None:
        try:
            self.outcome.set_result(await self.work(session))
        except BaseException as error:
            self.outcome.set_exception(error)
            raise

    async def command(self, text: str) -> str:
        """Run a command of Asterisk's command line."""
        return await asyncio.to_thread(self.asterisk.run, text)

    async def call(self, work: Work) -> None:
        """Let one call come in."""
        self.work = work
        await self.command(f"channel originate Local/{self.server.port}@asks extension s@other")

    async def result(self) -> Any:
        """Return what the work came to, or raise it."""
        async with asyncio.timeout(30):
            return await self.outcome


@pytest.fixture(scope="module")
def asterisk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BareAsterisk]:
    running = BareAsterisk(Path(tmp_path_factory.mktemp("asterisk")), DIALPLAN)
    try:
        running.start()
        yield running
    finally:
        running.kill()


@pytest.fixture
async def line(asterisk: BareAsterisk) -> AsyncIterator[Line]:
    reactor = AsyncioSelectorReactor(asyncio.get_running_loop())
    reactor.startRunning(installSignalHandlers=False)
    found = Line(asterisk, reactor)
    await found.server.start()
    yield found
    await found.server.stop()
    for reader in reactor.removeAll():  # type: ignore[no-untyped-call]
        reader.connectionLost(None)
    if asterisk.process is not None:
        await found.command("channel request hangup all")


async def test_what_is_set_is_what_is_read_whatever_is_in_it(line: Line) -> None:
    async def work(session: AgiSession) -> dict[str, str | None]:
        await session.set_variables(AWKWARD)
        return {name: await session.get_variable(name) for name in AWKWARD}

    await line.call(work)
    read = await line.result()
    assert read == AWKWARD
    await until(lambda: line.server.counters.served == 1, "it is counted", 30)
    await until(lambda: "WENT ON SUCCESS" in line.asterisk.log_text(), "the dialplan goes on", 30)


async def test_what_asterisk_says_of_the_call_is_read_whole(line: Line) -> None:
    async def work(session: AgiSession) -> Any:
        return session.request

    await line.call(work)
    request = await line.result()
    assert (request.path, dict(request.query)) == ("/work", {"line": "12319"})
    assert request.arguments == ("首个", "第二,个")
    assert request.get("uniqueid").startswith("t1-")
    assert request.get("channel").startswith("Local/")


async def test_eight_kilobytes_arrive_and_one_more_byte_is_refused_here(line: Line) -> None:
    own = len(b'EXEC "MSet" "LONG="\n')

    async def work(session: AgiSession) -> list[str | None]:
        with pytest.raises(CommandError, match="8001 bytes, at most 8000"):
            await session.set_variables({"LONG": "x" * (MAX_COMMAND_BYTES - own + 1)})
        await session.set_variables({"LONG": "x" * (MAX_COMMAND_BYTES - own)})
        length = await session.command("GET FULL VARIABLE", "${LEN(${LONG})}")
        await session.set_variables({f"V{n}": f"{n}-" + "啊" * 100 for n in range(150)})
        many = [await session.get_variable(f"V{n}") for n in range(150)]
        return [length.data, *many]

    await line.call(work)
    length, *many = await line.result()
    assert length == str(MAX_COMMAND_BYTES - own)
    assert many == [f"{n}-" + "啊" * 100 for n in range(150)]


async def test_what_asterisk_does_not_know_is_said_and_the_session_goes_on(line: Line) -> None:
    async def work(session: AgiSession) -> list[str]:
        said = []
        for name, arguments in (("NO SUCH COMMAND", ()), ("SAY DIGITS", ()), ("EXEC", ("NoSuchApp", ""))):
            try:
                await session.command(name, *arguments)
            except AgiFailed as error:
                said.append(str(error)[:30])
        try:
            await session.execute("NoSuchApp", "x")
        except AgiFailed as error:
            said.append(str(error))
        await session.command("NOOP")
        return said

    await line.call(work)
    said = await line.result()
    assert said[0].startswith("NO SUCH COMMAND: 510")
    assert said[1].startswith("SAY DIGITS: 520")
    assert said[-1] == "EXEC: Asterisk has no application NoSuchApp"


async def test_a_redirect_takes_the_channel_out_of_a_command(line: Line) -> None:
    channel: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def work(session: AgiSession) -> None:
        await session.set_variables({"GIVEN": "井盖,丢了"})
        channel.set_result(session.request.get("channel"))
        await listen(session)

    await line.call(work)
    name = await asyncio.wait_for(channel, 30)
    await line.command(f"channel redirect {name} asks,taken,1")
    with pytest.raises(AgiHungUp):
        await line.result()
    await until(lambda: "TAKEN AWAY 井盖,丢了" in line.asterisk.log_text(), "it goes on elsewhere", 30)
    await until(lambda: line.server.counters.hung_up == 1, "it is counted", 30)


async def test_a_hangup_ends_a_command_at_once(line: Line) -> None:
    channel: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def work(session: AgiSession) -> None:
        channel.set_result(session.request.get("channel"))
        await listen(session)

    await line.call(work)
    await line.command(f"channel request hangup {await asyncio.wait_for(channel, 30)}")
    with pytest.raises(AgiHungUp):
        await line.result()
    await until(lambda: line.server.counters.open == 0, "the connection is closed", 30)
    assert line.server.counters.refused == dict.fromkeys(line.server.counters.refused, 0)


async def test_an_asterisk_that_is_killed_ends_every_session(line: Line) -> None:
    begun = asyncio.Event()

    async def work(session: AgiSession) -> None:
        begun.set()
        await listen(session)

    await line.call(work)
    await asyncio.wait_for(begun.wait(), 30)
    line.asterisk.kill()
    with pytest.raises(AgiHungUp):
        await line.result()
    await until(lambda: line.server.counters.open == 0, "the connection is closed", 30)
