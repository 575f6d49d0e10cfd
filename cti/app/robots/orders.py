"""An agent's orders to the hall as a robot gives them: with the patience of a person who presses again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from acd.commands import CommandClient, NoEngineError, Reply

PATIENCE_SECONDS = 6.0
AGAIN_SECONDS = 0.15
_PASSING = frozenset({"agent_talking", "agent_offered"})
"""Refusals that end by themselves a moment after a call did."""
_READY = frozenset({"ready", "offered", "talking"})


class Orders:
    """Gives orders and says in a line why one was refused."""

    def __init__(self, client: CommandClient) -> None:
        self._client = client

    async def give(self, name: str, arguments: Mapping[str, str]) -> str:
        """Give one order; return "" or why it was not done.

        A call that has just ended, or a telephone that has just registered, may not be known yet: such a
        refusal is tried again for PATIENCE_SECONDS.
        """
        until = time.monotonic() + PATIENCE_SECONDS
        named: dict[str, Any] = dict(arguments)
        while True:
            try:
                reply = await self._client.call(name, **named)
            except NoEngineError as error:
                return str(error)
            refusal, passing = _judged(name, reply)
            if not passing or time.monotonic() > until:
                return refusal
            await asyncio.sleep(AGAIN_SECONDS)


def _judged(name: str, reply: Reply) -> tuple[str, bool]:
    """Return why an order was not done, and whether that may pass."""
    if not reply.ok:
        return reply.error, reply.code in _PASSING
    state, reason = str(reply.data.get("state", "")), str(reply.data.get("reason", ""))
    if name == "ready" and state and state not in _READY:
        told = f"agent {reply.data.get('agent')} is {state}{f' ({reason})' if reason else ''}, not ready"
        return told, reason == "seat_unreachable"
    return "", False
