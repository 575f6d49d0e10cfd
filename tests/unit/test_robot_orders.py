"""An agent robot's orders: what passes is tried again, what does not is told."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from acd.commands import NoEngineError, Reply
from cti.app.robots.orders import Orders

pytestmark = pytest.mark.unit


class FakeClient:
    def __init__(self, *replies: Reply | NoEngineError) -> None:
        self.replies = list(replies)
        self.asked: list[tuple[str, dict[str, Any]]] = []

    async def call(self, name: str, timeout: float = 3.0, **args: Any) -> Reply:
        self.asked.append((name, args))
        reply = self.replies.pop(0)
        if isinstance(reply, NoEngineError):
            raise reply
        return reply


def give(client: FakeClient, name: str) -> str:
    return asyncio.run(Orders(client).give(name, {"agent": "1001"}))  # type: ignore[arg-type]


def row(state: str, reason: str = "") -> Reply:
    return Reply(True, data={"agent": "1001", "state": state, "reason": reason})


def test_an_order_that_is_done_is_given_once() -> None:
    client = FakeClient(row("ready"))
    assert give(client, "ready") == ""
    assert client.asked == [("ready", {"agent": "1001"})]


def test_a_call_that_the_hall_still_knows_is_waited_for() -> None:
    client = FakeClient(Reply(False, "agent 1001 is talking", "agent_talking"), row("signed_out"))
    assert give(client, "sign_out") == ""
    assert len(client.asked) == 2


def test_a_telephone_that_asterisk_has_just_registered_is_waited_for() -> None:
    client = FakeClient(row("not_ready", "seat_unreachable"), row("ready"))
    assert give(client, "ready") == ""


def test_an_agent_who_is_not_ready_for_another_reason_is_told() -> None:
    assert give(FakeClient(row("wrap_up")), "ready") == "agent 1001 is wrap_up, not ready"


def test_a_refusal_that_stays_is_told_at_once() -> None:
    client = FakeClient(Reply(False, "seat 1001 is taken by agent 1002", "seat_taken"))
    assert give(client, "sign_in") == "seat 1001 is taken by agent 1002"


def test_no_engine_is_told() -> None:
    assert give(FakeClient(NoEngineError("no engine answers")), "ready") == "no engine answers"
