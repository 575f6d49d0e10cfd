"""Peers of a FastAGI server on real sockets: one that talks like Asterisk, and others that do not."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

ENVIRONMENT = {
    "network": "yes",
    "network_script": "good",
    "request": "agi://127.0.0.1/good",
    "channel": "PJSIP/trunk-a-00000001",
    "uniqueid": "n1-1795536000.42",
    "callerid": "13800138000",
}


def environment(**changes: str) -> bytes:
    """Return what Asterisk says first."""
    lines = [f"agi_{name}: {value}\n" for name, value in {**ENVIRONMENT, **changes}.items()]
    return "".join(lines).encode() + b"\n"


class Client:
    """One connection to the server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def connect(cls, port: int, source: str = "127.0.0.1") -> Client:
        """Connect from an address of this machine."""
        return cls(*await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0)))

    def send(self, data: bytes) -> None:
        """Write."""
        self.writer.write(data)

    async def line(self) -> bytes:
        """Return the next command."""
        async with asyncio.timeout(20):
            return await self.reader.readline()

    async def ended(self) -> bytes:
        """Return what still comes until the server closes."""
        async with asyncio.timeout(20):
            try:
                return await self.reader.read()
            except ConnectionError:
                return b""

    async def serve(self, variables: Mapping[str, str]) -> list[bytes]:
        """Answer commands as Asterisk does until the server closes; return them."""
        commands = []
        while command := await self.line():
            commands.append(command)
            name = command.split(b'"')[1].decode() if b'"' in command else ""
            value: Any = variables.get(name)
            said = f"200 result=1 ({value})\n" if value is not None else "200 result=0\n"
            self.send(said.encode())
        return commands

    def close(self) -> None:
        """Go away."""
        self.writer.close()
