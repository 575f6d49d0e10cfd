"""When a process counts as ready: it says so, Redis answers PING, Asterisk has loaded everything."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from typing import Any, Final

from twisted.internet.protocol import DatagramProtocol

from config.paths import Paths
from cti import asterisk
from cti.app.notify import parse

LOOK_SECONDS: Final = 0.05
ANSWER_SECONDS: Final = 5.0
BOOT_SECONDS: Final = 120.0
"""How long one `core waitfullybooted` may wait."""

Told = Callable[[int, Mapping[str, str]], None]


class Ears(DatagramProtocol):
    """Hears what processes say of themselves (cti.app.notify); tells the pid they name and the message."""

    def __init__(self, told: Told) -> None:
        self._told = told

    def datagramReceived(self, datagram: bytes, addr: Any) -> None:  # noqa: N802 - Twisted's name
        """Take one message."""
        message = parse(datagram)
        pid = message.get("MAINPID", "")
        if pid.isascii() and pid.isdigit():
            self._told(int(pid), message)


async def redis_ready(paths: Paths) -> None:
    """Return when the private Redis answers; it refuses while it still reads its data."""
    while not await _redis_answers(paths):  # noqa: ASYNC110 - nobody tells us
        await asyncio.sleep(LOOK_SECONDS)


async def _redis_answers(paths: Paths) -> bool:
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            reader, writer = await asyncio.open_unix_connection(str(paths.redis_socket))
            try:
                writer.write(b"PING\r\n")
                return (await reader.readline()).startswith(b"+PONG")
            finally:
                writer.close()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()
    except (OSError, TimeoutError):
        return False


async def asterisk_ready(paths: Paths) -> None:
    """Return when Asterisk has loaded its modules and its dialplan."""
    while "fully booted" not in await asterisk_says(paths, "core waitfullybooted", BOOT_SECONDS):  # noqa: ASYNC110
        await asyncio.sleep(LOOK_SECONDS)


async def asterisk_says(paths: Paths, command: str, within: float = ANSWER_SECONDS) -> str:
    """Return what a command of Asterisk's own command line prints; "" where it does not answer."""
    if not (paths.run / "asterisk.ctl").exists():
        return ""
    process = await asyncio.create_subprocess_exec(
        *asterisk.command(paths, "-rx", command),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(within):
            printed, _ = await process.communicate()
    except TimeoutError:
        return ""
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return printed.decode("utf-8", "replace")
