"""An Asterisk manager on a real socket that behaves as badly as a test wants it to."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable

GREETING = b"Asterisk Call Manager/9.0.0\r\n"
Asked = dict[str, str]


def block(**headers: str) -> bytes:
    """Return one message of the manager."""
    return "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode() + b"\r\n"


def event(name: str, **headers: str) -> bytes:
    """Return one event."""
    return block(Event=name, **headers)


def good(asked: Asked, **headers: str) -> bytes:
    """Return a good answer to an action."""
    return block(Response="Success", ActionID=asked["ActionID"], **headers)


class Conversation:
    """One connection as the peer sees it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.began = time.monotonic()
        self.asked: list[Asked] = []
        """Every action that came, in order."""

    async def next_action(self) -> Asked:
        """Read one action. Raises asyncio.IncompleteReadError at the end."""
        raw = await self.reader.readuntil(b"\r\n\r\n")
        lines = raw.decode().strip().split("\r\n")
        asked = dict(line.partition(": ")[::2] for line in lines)
        self.asked.append(asked)
        return asked

    async def send(self, data: bytes) -> None:
        """Write, and wait until the kernel has it."""
        self.writer.write(data)
        await self.writer.drain()

    async def cut(self) -> None:
        """Close the connection."""
        self.writer.close()

    def named(self, action: str) -> list[Asked]:
        """Return the actions of one name."""
        return [asked for asked in self.asked if asked["Action"] == action]


Answer = Callable[[Conversation, Asked], Awaitable[None]]


async def answer(talk: Conversation, asked: Asked) -> None:
    """Answer as Asterisk does: yes to everything; after a login it says that it has booted."""
    await talk.send(good(asked, Message=f"{asked['Action']} done"))
    if asked["Action"] == "Login":
        await talk.send(event("FullyBooted", Status="Fully Booted"))


class Peer:
    """Listens on a free port. `greeting` and `answer` may be changed between and during connections."""

    def __init__(self) -> None:
        self.port = 0
        self.greeting = GREETING
        self.answer: Answer = answer
        self.reads = True
        self.talks: list[Conversation] = []
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def talk(self) -> Conversation:
        """The newest connection."""
        return self.talks[-1]

    def all_asked(self, action: str) -> list[Asked]:
        """Return the actions of one name over all connections."""
        return [asked for talk in self.talks for asked in talk.named(action)]

    async def listen(self, port: int = 0) -> None:
        """Begin to take connections."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Take no more connections and end those there are."""
        if self._server is not None:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        talk = Conversation(reader, writer)
        self.talks.append(talk)
        try:
            with contextlib.suppress(OSError, EOFError, asyncio.CancelledError):
                await talk.send(self.greeting)
                while True:
                    if not self.reads:
                        await asyncio.Event().wait()
                    await self.answer(talk, await talk.next_action())
        finally:
            writer.close()
            self._tasks.discard(task)


@contextlib.asynccontextmanager
async def listening() -> AsyncIterator[Peer]:
    """A peer that answers, gone when the block is left."""
    peer = Peer()
    await peer.listen()
    try:
        yield peer
    finally:
        await peer.close()
