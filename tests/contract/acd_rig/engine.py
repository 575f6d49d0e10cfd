"""An engine as a process: the real hall and its commands, on a real Redis and the fake Asterisk.

python -m tests.contract.acd_rig.engine REDIS_SOCKET ASTERISK_SOCKET ENGINE_ID POLICY_JSON
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any

import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff

from acd.commands import Commands
from acd.hall import Hall
from acd.policy import Policy
from acd.resync import Sight
from acd.steer import SteerError
from acd.store import Store
from cti.signals import Answered, Channel, Gone, SeatState, Waiting

KINDS: dict[str, Any] = {kind.__name__: kind for kind in (Answered, Gone, SeatState, Waiting)}


def now_us() -> int:
    return time.time_ns() // 1000


def policy_of(raw: dict[str, Any]) -> Policy:
    """The policy that a test wrote as JSON."""
    return Policy(
        ring_seconds=1,
        after_no_answer=raw.get("after_no_answer", "not_ready"),
        wrap_up_seconds=raw["wrap_up"],
        agents={agent: tuple(queues) for agent, queues in raw["agents"].items()},
        seats=frozenset(raw["agents"]),
    )


class Link:
    """The fake Asterisk's manager link: a look first, then events in order, like cti.ami.AmiLink."""

    def __init__(self, socket: str) -> None:
        self._socket = socket
        self._writer: asyncio.StreamWriter | None = None
        self._asked: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._number = 0

    async def offer(self, node: str, channel: str, seat: str, offer: str, agent: str) -> None:
        answer = await self._ask(do="offer", channel=channel, exten=f"{seat}*{offer}*{agent}")
        if answer["error"]:
            raise SteerError(answer["error"], may_have_run=False)

    async def look(self, node: str) -> Sight:
        answer = await self._ask(do="look")
        return Sight(
            tuple(Channel(**one) for one in answer["channels"]),
            tuple(SeatState(**one) for one in answer["seats"]),
        )

    async def _ask(self, **what: str) -> dict[str, Any]:
        if self._writer is None:
            raise SteerError("no link", may_have_run=False)
        self._number += 1
        future = self._asked[self._number] = asyncio.get_running_loop().create_future()
        self._writer.write(json.dumps({"id": self._number, **what}).encode() + b"\n")
        return await future

    async def run(self, hall: Hall) -> None:
        """Keep the link up for ever."""
        while True:
            try:
                reader, self._writer = await asyncio.open_unix_connection(self._socket, limit=1 << 22)
                await self._carry(hall, reader)
            except OSError:
                pass
            self._writer = None
            hall.node_lost("n1")
            for future in self._asked.values():
                if not future.done():
                    future.set_exception(SteerError("link lost", may_have_run=True))
            self._asked.clear()
            await asyncio.sleep(0.05)

    async def _carry(self, hall: Hall, reader: asyncio.StreamReader) -> None:
        early: list[Any] | None = []
        resync = asyncio.create_task(hall.resync("n1"))
        while line := await reader.readline():
            told = json.loads(line)
            if "id" in told:
                self._asked.pop(told["id"]).set_result(told)
                continue
            signal = KINDS[told["signal"]](**told["fields"])
            if early is not None and not resync.done():
                early.append(signal)
                continue
            for one in early or ():
                hall.signal(one)
            early = None
            hall.signal(signal)


async def main(redis_socket: str, asterisk: str, engine_id: str, policy: Policy) -> None:
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    redis: Any = Redis.from_url(
        f"unix://{redis_socket}",
        decode_responses=True,
        retry=Retry(ExponentialBackoff(cap=0.5, base=0.02), 5),
    )
    link = Link(asterisk)
    hall = Hall(Store(redis, engine_id, now_us), link, policy, now_us)
    commands = Commands(redis, hall, engine_id)
    await hall.start()
    await commands.start()
    await link.run(hall)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], policy_of(json.loads(sys.argv[4]))))
