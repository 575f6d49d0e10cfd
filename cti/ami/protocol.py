"""One AMI connection on panoramisk's protocol, manager and actions, without what does not hold in them.

Kept of panoramisk 1.4: how an action is written (`Action.__str__`), its future, the table of actions by id,
how a connection is opened and an action sent. Replaced, because each drops or repeats something when it
matters:
decoding and framing (cut characters), completion of actions (KeyError, never resolved), dispatch (a callback
that raises loses a batch), ping (a missed pong is ignored), login (a refusal is silent), reconnect (replays
actions, cannot be stopped). Reconnects are the link's business (cti.ami.link), one connection is this one's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import panoramisk
from panoramisk.actions import Action
from panoramisk.ami_protocol import AMIProtocol

from cti.ami.errors import AmiBusy, AmiLinkLost, AmiRejected
from cti.ami.settings import AmiSettings
from cti.ami.wire import AmiEvent, AmiReply, Fields, Framer, WireError, has_action_id, message

MAX_ABANDONED = 1_000
"""Lists that nobody waits for any more and whose end has not come: their events are not the owner's."""


class Single(Action):  # type: ignore[misc]
    """An action with one answer. Events that carry its id are not its answer."""

    def __init__(self, name: str, action_id: str, fields: Fields) -> None:
        super().__init__({**fields, "Action": name, "ActionID": action_id})

    def add_reply(self, reply: AmiReply) -> bool:
        """Take the answer; True when the action is done."""
        self.resolve(reply)
        return True

    def add_event(self, event: AmiEvent) -> tuple[bool, bool]:
        """Take an event that carries this action's id; tells whether it is taken, and whether all is done."""
        return False, False

    def resolve(self, result: object) -> None:
        """Hand over the result, if anybody still waits."""
        if not self.future.done():
            self.future.set_result(result)

    def fail(self, error: Exception) -> None:
        """Hand over an error, if anybody still waits."""
        if not self.future.done():
            self.future.set_exception(error)


class Listed(Single):
    """An action whose answer is `EventList: start`, events, and one with `EventList: Complete`."""

    def __init__(self, name: str, action_id: str, fields: Fields, most: int) -> None:
        super().__init__(name, action_id, fields)
        self.name = name
        self.most = most
        self.begun = False
        self.events: list[AmiEvent] = []

    def add_reply(self, reply: AmiReply) -> bool:
        """Take the answer; only an error or the lack of a list ends the action here."""
        if not reply.ok:
            self.fail(AmiRejected(f"{self.name}: {reply.message}"))
            return True
        if reply.get("eventlist").lower() != "start":
            self.fail(AmiRejected(f"{self.name}: no list follows ({reply.message})"))
            return True
        self.begun = True
        return False

    def add_event(self, event: AmiEvent) -> tuple[bool, bool]:
        """Take one item of the list, or its end."""
        if not self.begun:
            return False, False
        ending = event.get("eventlist").lower()
        if ending == "complete":
            self.resolve(tuple(self.events))
            return True, True
        if ending == "cancelled":
            self.fail(AmiRejected(f"{self.name}: Asterisk cancelled the list"))
            return True, True
        self.events.append(event)
        if len(self.events) > self.most:
            # Not done: the rest of it comes all the same, and is not the owner's (`Protocol.forget`).
            self.fail(AmiRejected(f"{self.name}: a list of more than {self.most} events"))
            self.events.clear()
        return True, False


class Protocol(AMIProtocol):  # type: ignore[misc]
    """The bytes of one connection."""

    def __init__(self, settings: AmiSettings, on_event: Callable[[AmiEvent], None]) -> None:
        loop = asyncio.get_running_loop()
        self.settings = settings
        self.on_event = on_event
        self.framer = Framer(settings.max_message)
        self.banner: asyncio.Future[str] = loop.create_future()
        self.lost: asyncio.Future[str] = loop.create_future()
        self.responses: dict[str, Single] = {}
        self.abandoned: set[str] = set()
        self.late_replies = 0
        self.encoding = "utf8"

    def data_received(self, data: bytes) -> None:
        """Frame and hand on; a peer that talks no AMI, or too much, is cut off."""
        if self.lost.done():
            return
        try:
            for raw in self.framer.feed(data):
                self.handle_message(raw)
            if self.framer.version is not None and not self.banner.done():
                self.banner.set_result(self.framer.version)
        except WireError as error:
            self.drop(str(error))

    def handle_message(self, raw: bytes) -> None:
        """Give one message to the action that it answers, else to the one consumer."""
        item = message(raw)
        action_id = item.action_id if has_action_id(raw) else ""
        action = self.responses.get(action_id) if action_id else None
        if isinstance(item, AmiReply):
            if action is None:
                self.late_replies += 1
            elif action.add_reply(item):
                del self.responses[action_id]
            return
        if action is not None:
            taken, done = action.add_event(item)
            if done:
                del self.responses[action_id]
            if taken:
                return
        elif action_id in self.abandoned:
            if item.get("eventlist"):
                self.abandoned.discard(action_id)
            return
        self.on_event(item)

    def send(self, data: Single, as_list: bool = False) -> asyncio.Future[Any]:
        """Write one action. Raises AmiBusy or AmiLinkLost before anything is sent."""
        if self.lost.done():
            raise AmiLinkLost(f"{data['action']}: {self.lost.result()}; nothing was sent", may_have_run=False)
        if len(self.responses) >= self.settings.max_pending:
            raise AmiBusy(f"{data['action']}: {len(self.responses)} actions wait for an answer already")
        if self.transport.get_write_buffer_size() > self.settings.max_unsent:
            raise AmiBusy(f"{data['action']}: Asterisk does not read, {self.settings.max_unsent} bytes wait")
        future: asyncio.Future[Any] = super().send(data, as_list=as_list)
        return future

    def forget(self, action: Single) -> None:
        """Stop waiting for an action; what still comes of a list is thrown away."""
        if self.responses.pop(action.id, None) is None or not isinstance(action, Listed):
            return
        if len(self.abandoned) >= MAX_ABANDONED:
            self.drop(f"{MAX_ABANDONED} lists were never finished")
        self.abandoned.add(action.id)

    def drop(self, reason: str) -> None:
        """End the connection at once and fail what is pending; the first reason stays."""
        if self.lost.done():
            return
        self.closed = True
        self.lost.set_result(reason)
        if not self.banner.done():
            self.banner.cancel()
        pending = list(self.responses.values())
        self.responses.clear()
        for action in pending:
            action.fail(
                AmiLinkLost(f"{action['action']}: {reason}; it may have been carried out", may_have_run=True)
            )
        self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Asterisk, or the network, closed the connection."""
        self.drop(f"the connection broke: {exc}" if exc else "Asterisk closed the connection")

    def close(self) -> None:
        """Close without leaving anything for a later connection to replay."""
        self.drop("the link was closed")


class Manager(panoramisk.Manager):  # type: ignore[misc]
    """One connection's manager: opens it, logs in, sends. It never reconnects and never replays."""

    def __init__(self, settings: AmiSettings, on_event: Callable[[AmiEvent], None]) -> None:
        super().__init__(
            host=settings.host,
            port=settings.port,
            loop=asyncio.get_running_loop(),
            protocol_factory=lambda: Protocol(settings, on_event),
        )

    async def connect(self) -> None:
        """Open the connection. Raises OSError."""
        _, self.protocol = await self.loop.create_connection(
            self.config["protocol_factory"], self.config["host"], self.config["port"]
        )

    async def send_awaiting_actions(self, *_: object) -> None:
        """Do nothing: an action belongs to the connection on which it was sent."""

    def connection_lost(self, exc: Exception | None) -> None:
        """Do nothing: the link decides when to try again."""
