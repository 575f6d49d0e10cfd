"""Puts the pieces together: engines that can be killed, a Redis that can come back empty, polls with deadlines."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from acd.commands import CommandClient, NoEngineError, Reply
from acd.rows import Snapshot
from acd.store import Store
from cti.tasks import cancel
from tests.contract.acd_rig.asterisk import OUTCOMES, FakeAsterisk
from tests.waiting import until

CHECKOUT = Path(__file__).resolve().parents[3]


class Rig:
    """One hall. `agents` names the queues of each agent; wrap-up is in seconds, by queue."""

    def __init__(
        self,
        folder: Path,
        agents: Mapping[str, tuple[str, ...]],
        *,
        wrap_up: Mapping[str, int] | None = None,
        seed: int = 0,
        outcomes: Mapping[str, float] = OUTCOMES,
    ) -> None:
        self.folder = folder
        self.agents = dict(agents)
        self.redis_socket = folder / "redis.sock"
        self.asterisk = FakeAsterisk(folder / "asterisk.sock", random.Random(seed), outcomes=outcomes)
        self.engines: dict[str, subprocess.Popen[bytes]] = {}
        self._policy = json.dumps({"wrap_up": dict(wrap_up or {}), "agents": self.agents})
        self._redis: subprocess.Popen[bytes] | None = None
        self.redis: Any = Redis.from_url(f"unix://{self.redis_socket}", decode_responses=True)
        self.store = Store(self.redis, "test", lambda: time.time_ns() // 1000)
        self.client = CommandClient(self.redis)
        self._started = 0

    async def __aenter__(self) -> Rig:
        await self.start_redis()
        await self.asterisk.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        for name in list(self.engines):
            self.kill(name)
        await self.asterisk.stop()
        await self.redis.aclose()
        self.stop_redis()

    async def start_redis(self) -> None:
        """Start an empty Redis."""
        program = shutil.which("redis-server")
        assert program is not None, "redis-server is not installed"
        self._redis = subprocess.Popen(  # noqa: ASYNC220 - it is there in a moment
            [
                program,
                "--port",
                "0",
                "--unixsocket",
                str(self.redis_socket),
                "--save",
                "",
                "--appendonly",
                "no",
            ],
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
        )
        await until(self._answers, "Redis answers")

    async def _answers(self) -> bool:
        try:
            return bool(await self.redis.ping())
        except RedisError:
            return False

    def stop_redis(self) -> None:
        """Kill Redis; all it holds is lost."""
        assert self._redis is not None
        self._redis.kill()
        self._redis.wait(10)

    def start_engine(self) -> str:
        """Start one more engine."""
        self._started += 1
        name = f"e{self._started}"
        arguments = (str(self.redis_socket), str(self.asterisk.socket), name, self._policy)
        with (self.folder / f"{name}.log").open("wb") as log:
            self.engines[name] = subprocess.Popen(
                [sys.executable, "-m", "tests.contract.acd_rig.engine", *arguments],
                cwd=CHECKOUT,
                stdout=log,
                stderr=log,
            )
        return name

    def kill(self, name: str) -> None:
        """Kill an engine, without a word of goodbye."""
        engine = self.engines.pop(name)
        engine.kill()
        engine.wait(10)

    async def start_engines(self, number: int) -> None:
        """Start engines and wait until all are at work."""
        for _ in range(number):
            self.start_engine()
        await until(
            lambda: self.asterisk.engines == len(self.engines), f"the engines are up: {self._who_lives()}", 60
        )

    async def ask(self, name: str, agent: str, **args: Any) -> Reply:
        """Ask for a command, again and again while no engine answers."""
        deadline = time.monotonic() + 20
        while True:
            try:
                return await self.client.call(name, agent=agent, **args)
            except NoEngineError as error:
                if time.monotonic() > deadline:
                    raise AssertionError(f"{name} {agent}: {error} {self._who_lives()}") from error

    def _who_lives(self) -> dict[str, int | None]:
        return {name: engine.poll() for name, engine in self.engines.items()}

    async def seat_everybody(self, *, ready: bool = True) -> None:
        """Sign every agent in."""
        for agent in self.agents:
            assert (await self.ask("sign_in", agent)).ok
            if ready:
                assert (await self.ask("ready", agent)).ok

    async def states(self) -> dict[str, str]:
        """The state of each agent who is signed in."""
        return {agent.id: agent.state for agent in (await self.rows()).agents}

    async def calls(self) -> dict[str, str]:
        """The state of each call that lives."""
        return {call.id: call.state for call in (await self.rows()).calls}

    async def rows(self) -> Snapshot:
        return await self.store.snapshot()

    def logs(self) -> str:
        """What the engines said that should not have been said."""
        found = []
        for log in sorted(self.folder.glob("e*.log")):
            found += [
                f"{log.stem}: {line}"
                for line in log.read_text(errors="replace").splitlines()
                if any(word in line for word in ("critical", "error", "Traceback", "hall_breach"))
            ]
        return "\n".join(found)


@contextlib.asynccontextmanager
async def collected(redis: Any, stream: str) -> Any:
    """Collect every entry of a stream, capped as it may be, while the block runs."""
    entries: list[tuple[str, dict[str, str]]] = []

    async def follow() -> None:
        cursor = "0-0"
        while True:
            answer = await redis.xread({stream: cursor}, count=1000, block=200)
            for _, batch in answer or ():
                entries.extend(batch)
                cursor = batch[-1][0]

    task = asyncio.create_task(follow())
    try:
        yield entries
        last = (await redis.xrevrange(stream, count=1))[0][0]
        await until(lambda: entries and entries[-1][0] >= last, f"{stream} is read", 10)
    finally:
        await cancel((task,))
