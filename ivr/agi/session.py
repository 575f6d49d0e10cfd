"""One AGI session as a handler sees it: the request, commands with deadlines, is the channel there."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Protocol

from ivr.agi.codec import AgiReply, AgiRequest, Codec
from ivr.agi.errors import AgiFailed, AgiHungUp, AgiTimeout
from ivr.agi.quoting import escape, multiple_set

COMMAND_TIMEOUT = 5.0


class Transport(Protocol):
    """What a session needs of its connection."""

    def write(self, data: bytes) -> None:
        """Send bytes."""

    def loseConnection(self) -> None:  # noqa: N802
        """Close, once everything is sent."""


class AgiSession:
    """A conversation with one channel. One command at a time: a second caller waits for the first."""

    def __init__(self, request: AgiRequest, codec: Codec, transport: Transport) -> None:
        self.request = request
        self.over = ""
        """Why no command can be sent any more, "" while one can."""
        self._codec = codec
        self._transport = transport
        self._turn = asyncio.Lock()
        self._answer: asyncio.Future[AgiReply] | None = None

    @property
    def hung_up(self) -> bool:
        """True once the channel left this session, be it by hangup or by a Redirect."""
        return self._codec.hung_up or bool(self.over)

    async def command(self, name: str, *arguments: str, timeout: float = COMMAND_TIMEOUT) -> AgiReply:
        """Send one command (`STREAM FILE`) with its arguments, which are quoted here, and return the answer.

        The deadline counts from the moment when it is sent; give playbacks their length and more. Raises
        AgiHungUp, AgiTimeout (and closes the session), AgiFailed (510, 520), CommandError (nothing sent).
        """
        async with self._turn:
            if self.over:
                raise AgiHungUp(f"{name}: {self.over}")
            line = self._codec.send(name, *arguments)
            self._answer = asyncio.get_running_loop().create_future()
            self._transport.write(line)
            try:
                async with asyncio.timeout(timeout):
                    reply = await self._answer
            except TimeoutError:
                self.close(f"no answer to {name} within {timeout:g} s")
                raise AgiTimeout(f"{name}: no answer within {timeout:g} s") from None
            except asyncio.CancelledError:
                self.close(f"{name} was cancelled")
                raise
            finally:
                self._answer = None
        if reply.code == 511:
            raise AgiHungUp(f"{name}: {reply.text}")
        if reply.code != 200:
            raise AgiFailed(f"{name}: {reply.code} {reply.text}")
        return reply

    async def execute(self, app: str, *arguments: str, timeout: float = COMMAND_TIMEOUT) -> AgiReply:
        """Run a dialplan application with its arguments, which are escaped here, so none can become two.

        Right for every application that splits its arguments by Asterisk's own rules (Playback, Queue, MSet;
        not Set, Verbose, Log, which take backslashes as they are). Raises as `command` does, and AgiFailed if
        there is no such application.
        """
        return await self._execute(app, ",".join(map(escape, arguments)), timeout)

    async def _execute(self, app: str, text: str, timeout: float) -> AgiReply:
        reply = await self.command("EXEC", app, text, timeout=timeout)
        if reply.result == "-2":
            raise AgiFailed(f"EXEC: Asterisk has no application {app}")
        return reply

    async def set_variables(self, variables: Mapping[str, str], *, timeout: float = COMMAND_TIMEOUT) -> None:
        """Set channel variables, values as they are: one command (more only beyond 90 variables or 8 kB)."""
        for text in multiple_set(variables):
            await self._execute("MSet", text, timeout)

    async def get_variable(self, name: str, *, timeout: float = COMMAND_TIMEOUT) -> str | None:
        """Return a channel variable or the value of a function, None if it is not set.

        Asterisk cuts what is longer than 1,023 bytes.
        """
        reply = await self.command("GET VARIABLE", name, timeout=timeout)
        return reply.data if reply.result == "1" else None

    def close(self, reason: str) -> None:
        """End the session: the dialplan goes on. A command that waits fails with AgiHungUp."""
        if self.over:
            return
        self.over = reason
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(AgiHungUp(reason))
        self._transport.loseConnection()

    def take(self, reply: AgiReply) -> None:
        """Hand the answer to the command that waits (the server calls this)."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(reply)
