"""What every process of ours shares: its logs, signals, readiness and health, around one coroutine.

A process is a module with

    async def main(where: Where, ready: Ready, stop: asyncio.Event) -> None: ...

and `yht run NAME` calls `serve("NAME", where, main)`. `main` sets itself up, calls `ready(health)` when it can do
its work, works until `stop` is set, puts its things away and returns. It may raise: the exception is logged
and the process ends with code 1, to be started again by the supervisor. `where.city()` is read once a process.

`health` is a function without arguments that returns a flat mapping of what to say about the process: texts,
numbers and booleans. It is asked every two seconds and what it says lies in Redis in `{yht}:process:<name>:<node>`
for `yht status`, so it must be quick and must not raise. Names that `yht status` knows how to show:

    refused_<why>          input that was refused, counted since the start (every process)
    ami                    state of the AMI link: "up", or what is wrong in a few words (engine)
    journal_lag_bytes      bytes of Asterisk's journal not read yet (ledger)
    facts_pending          facts in the stream that are not in SQL yet (ledger)
    speech_engine, speech_model, speech_why   which engine transcribes, and why none before it (transcriber)
    trouble                one sentence about what does not work now, "" or absent when all does (every process)
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import structlog
import typer
import uvloop
from redis.asyncio import Redis
from redis.exceptions import RedisError

from cti import live, log
from cti.app.commands.common import Where
from cti.app.notify import notify
from cti.clock import now_us
from cti.tasks import cancel

Value = str | int | float | bool
Health = Callable[[], Mapping[str, Value]]

SUPERVISED: Final = "YHT_SUPERVISED"
"""Set to 1 by the supervisor: no short lines on stderr, the file is enough."""
BEAT_SECONDS: Final = 2.0
WATCHDOG_SECONDS: Final = 2.0
YOUNG_OBJECTS: Final = 10_000
"""How many new objects a collection of the youngest waits for; Python's own 700 suits scripts."""
SILENT_SECONDS: Final = 7
"""A process that has not beaten for this long is not shown as living."""
STOP_SECONDS: Final = 8.0
"""How long `main` may take after `stop`; then it is cancelled. The supervisor kills after ten."""


class Ready:
    """How a process tells that it is ready and how it is."""

    def __init__(self) -> None:
        self.done = asyncio.Event()
        self._health: Health = dict

    def publish(self, health: Health) -> None:
        """Have `health` asked from now on, whether or not the process is ready yet."""
        self._health = health

    def __call__(self, health: Health | None = None) -> None:
        """Announce that the process does its work now."""
        if health is not None:
            self.publish(health)
        if not self.done.is_set():
            self.done.set()
            notify({"READY": 1, "MAINPID": os.getpid()})

    def health(self) -> dict[str, Value]:
        """What the process says about itself now."""
        return dict(self._health())


Main = Callable[[Where, Ready, asyncio.Event], Awaitable[None]]


def key_of(name: str, node: str) -> str:
    """The Redis hash that holds the health of a process."""
    return f"{live.PREFIX}process:{name}:{node}"


def serve(name: str, where: Where, main: Main) -> None:
    """Run one process to its end. Raises what `main` raises, after it was logged."""
    city = where.city()
    node = city.platform.node
    log.set_up(name, where.paths.log, node=node, foreground=os.environ.get(SUPERVISED) != "1")
    logger = structlog.get_logger("process")
    redis = live.connect(city, where.paths)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_live(name, node, where, main, redis))
    except typer.Exit:
        raise
    except Exception:
        logger.exception("process_failed")
        raise
    logger.info("process_ended")


async def _live(name: str, node: str, where: Where, main: Main, redis: Redis[str]) -> None:
    logger = structlog.get_logger("process")
    stop = asyncio.Event()
    ready = Ready()
    loop = asyncio.get_running_loop()

    def told(number: int) -> None:
        if stop.is_set():
            return
        logger.info("process_stopping", signal=signal.Signals(number).name)
        notify({"STOPPING": 1, "MAINPID": os.getpid()})
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told, number)
    logger.info("process_started")
    beating = asyncio.create_task(_beat(key_of(name, node), name, node, ready, redis), name="beat")
    beating.add_done_callback(_tell_of_failure)
    announcing = asyncio.create_task(_announce(ready, logger), name="announce")
    living = asyncio.create_task(_live_on(), name="watchdog")
    working: asyncio.Future[None] = asyncio.ensure_future(main(where, ready, stop))
    stopping = asyncio.create_task(stop.wait(), name="stopping")
    try:
        await asyncio.wait((working, stopping), return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            await asyncio.wait((working,), timeout=STOP_SECONDS)
        if not working.done():
            logger.warning("process_cancelled", after_seconds=STOP_SECONDS)
            await cancel((working,))
        if not working.cancelled():
            working.result()
    finally:
        await cancel((working, beating, announcing, living, stopping))
        with contextlib.suppress(RedisError, OSError, TimeoutError):
            async with asyncio.timeout(0.3), redis:
                await redis.delete(key_of(name, node))


def _tell_of_failure(beating: asyncio.Task[None]) -> None:
    """A health that raises costs the process its place in `yht status`, not its life."""
    if not beating.cancelled() and (error := beating.exception()):
        structlog.get_logger("process").error("health_failed", exc_info=error)


async def _live_on() -> None:
    """Tell the supervisor, or systemd, that this loop turns: whoever falls silent is ended and started anew."""
    while True:
        notify({"WATCHDOG": 1, "MAINPID": os.getpid()})
        await asyncio.sleep(WATCHDOG_SECONDS)


async def _announce(ready: Ready, logger: structlog.stdlib.BoundLogger) -> None:
    started = time.monotonic()
    await ready.done.wait()
    # What was loaded until now stays for good: no collection has to look through it again.
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 20, 20)
    logger.info("process_ready", after_ms=int((time.monotonic() - started) * 1000))


async def _beat(key: str, name: str, node: str, ready: Ready, redis: Redis[str]) -> None:
    """Tell Redis how the process is, again and again; a Redis that is away is told of once, not each time."""
    logger = structlog.get_logger("process")
    started = now_us()
    reached = True
    while True:
        is_ready = ready.done.is_set()
        fields: dict[str, Value] = {
            "name": name,
            "node": node,
            "pid": os.getpid(),
            "started": started,
            "at": now_us(),
            "ready": is_ready,
            **ready.health(),
        }
        texts: dict[str | bytes, bytes | float | int | str] = {
            key: str(int(value)) if isinstance(value, bool) else str(value) for key, value in fields.items()
        }
        try:
            async with redis.pipeline(transaction=True) as step:
                step.delete(key)
                step.hset(key, mapping=texts)
                step.expire(key, SILENT_SECONDS)
                await step.execute()
            if not reached:
                logger.info("redis_back")
            reached = True
        except (RedisError, OSError) as error:
            if reached:
                logger.warning("redis_away", error=str(error))
            reached = False
        if is_ready:
            await asyncio.sleep(BEAT_SECONDS)
        else:  # whoever waits for the process to be ready hears of it at once
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(ready.done.wait(), BEAT_SECONDS)
