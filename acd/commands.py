"""Commands to the hall over Redis: any client asks, one engine does it and replies (docs/seams.md).

A command is asked once and done once: it carries an id, what an engine left undone another takes over, and
nothing is done for a client that has stopped waiting.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import structlog
from redis.exceptions import RedisError, ResponseError

from acd.errands import Refusal, perform
from acd.hall import Hall
from acd.lanes import Lanes, Tasks
from acd.policy import SECOND
from acd.store import StoreError
from cti.clock import now_us
from cti.live import PREFIX, forget_consumers

if TYPE_CHECKING:
    from redis.asyncio import Redis

log = structlog.get_logger(__name__)

COMMANDS: Final = f"{PREFIX}commands"
GROUP: Final = "engines"
MAX_WAITING: Final = 10_000
"""Commands that the stream holds."""
TAKE_OVER_MS: Final = 1000
"""After this long another engine takes over what one has begun; it must fit into a client's patience."""
GONE_MS: Final = 3_600_000
"""An engine that has not asked for this long does not come back under its name."""
REPLY_SECONDS: Final = 60
MAX_ARGS: Final = 4096
MAX_ID: Final = 64

_AWAY_SECONDS: Final = 0.5


class NoEngineError(Exception):
    """Nobody answers, or Redis is away; the text says what to look at."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What became of a command. `error` is a sentence for a person and `code` its name, both "" if all is well;
    `data` tells the agent's row then.
    """

    ok: bool
    error: str = ""
    code: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)

    def encode(self) -> str:
        """Return it as JSON."""
        return json.dumps(
            {"ok": self.ok, "error": self.error, "code": self.code, "data": dict(self.data)},
            ensure_ascii=False,
        )

    @classmethod
    def decode(cls, text: str) -> Reply:
        """Read JSON that an engine wrote."""
        raw = json.loads(text)
        return cls(raw["ok"], raw["error"], raw.get("code", ""), raw["data"])


class CommandClient:
    """Asks the engines. Used by the command line, the desk, robots and tests."""

    def __init__(self, redis: Redis[str], clock: Callable[[], int] = now_us) -> None:
        self._redis = redis
        self._clock = clock

    async def call(self, name: str, timeout: float = 3.0, **args: Any) -> Reply:
        """Ask for one command and wait `timeout` seconds for the reply. Raises NoEngineError.

        `sign_in` (agent, seat, queues), `sign_out` (agent, reason), `ready` (agent), `not_ready` (agent,
        reason). All values are texts, `queues` a list of them.
        """
        command = uuid.uuid4().hex
        asked = {
            "id": command,
            "name": name,
            "args": json.dumps(args, ensure_ascii=False),
            "until": str(self._clock() + int(timeout * SECOND)),
        }
        try:
            await self._redis.xadd(COMMANDS, asked, maxlen=MAX_WAITING)
            answer = await self._redis.blpop([_reply(command)], timeout)
        except (RedisError, OSError) as error:
            raise NoEngineError(f"Redis is away ({error}); is the platform up? yht status") from error
        if answer is None:
            raise NoEngineError(f"no engine answers within {timeout:g} s; is the platform up? yht status")
        return Reply.decode(answer[1])


@dataclass(frozen=True, slots=True)
class _Command:
    entry: str
    id: str
    name: str
    args: Mapping[str, Any]
    until: int


def _reply(command: str) -> str:
    return f"{PREFIX}reply:{command}"


def _command(entry: str, fields: Mapping[str, str] | None) -> _Command | None:
    """Return the command of a stream entry; None for one that is gone or that no client of ours wrote."""
    try:
        text = (fields or {})["args"]
        args = json.loads(text) if len(text) <= MAX_ARGS else None
        until = int((fields or {}).get("until", "0"))
        known, name = (fields or {})["id"], (fields or {})["name"]
    except (KeyError, ValueError, RecursionError):
        return None
    if not isinstance(args, dict) or not 0 < len(known) <= MAX_ID:
        return None
    return _Command(entry, known, name, args, until)


class Commands:
    """The engine's side: takes commands and does them, those of one agent one after the other."""

    def __init__(
        self,
        redis: Redis[str],
        hall: Hall,
        engine_id: str,
        *,
        clock: Callable[[], int] = now_us,
    ) -> None:
        self._redis: Any = redis
        self._hall = hall
        self._engine_id = engine_id
        self._clock = clock
        self._tasks = Tasks()
        self._lanes = Lanes(self._tasks)

    async def start(self) -> None:
        """Begin to take commands; returns at once."""
        self._tasks.keep(self._run, "hall-commands")

    async def stop(self) -> None:
        """Take no more; what is begun another engine finishes."""
        await self._tasks.stop()

    async def _run(self) -> None:
        while True:
            try:
                await self._redis.xgroup_create(COMMANDS, GROUP, "0", mkstream=True)
            except ResponseError as error:
                if "BUSYGROUP" not in str(error):
                    raise
            except (RedisError, OSError):
                await asyncio.sleep(_AWAY_SECONDS)
                continue
            try:
                await forget_consumers(self._redis, COMMANDS, GROUP, GONE_MS)
                await self._take()
            except (RedisError, OSError) as error:
                log.warning("commands_away", reason=str(error))
                await asyncio.sleep(_AWAY_SECONDS)

    async def _take(self) -> None:
        """Take commands until Redis fails."""
        clock = asyncio.get_running_loop().time
        looked = clock()
        while True:
            answer = await self._redis.xreadgroup(
                GROUP, self._engine_id, {COMMANDS: ">"}, count=50, block=TAKE_OVER_MS
            )
            for _, entries in answer or ():
                await self._begin(entries)
            if clock() - looked >= TAKE_OVER_MS / 1000:
                looked = clock()
                left = await self._redis.xautoclaim(
                    COMMANDS, GROUP, self._engine_id, min_idle_time=TAKE_OVER_MS, count=50
                )
                await self._begin(left[1])

    async def _begin(self, entries: list[tuple[str, Mapping[str, str] | None]]) -> None:
        for entry, fields in entries:
            command = _command(entry, fields)
            if command is None:
                self._hall.counts["commands_refused"] += 1
                await self._redis.xack(COMMANDS, GROUP, entry)
                continue
            self._lanes.put(str(command.args.get("agent", "")), partial(self._do, command))

    async def _do(self, command: _Command) -> None:
        try:
            told = await self._redis.get(_done(command.id))
            if told is None:
                if command.until and command.until < self._clock():
                    self._hall.counts["commands_too_late"] += 1
                    await self._redis.xack(COMMANDS, GROUP, command.entry)
                    return
                told = (await self._perform(command)).encode()
            await self._tell(command, told)
        except (RedisError, OSError, StoreError) as error:
            # Not acknowledged: it is taken again when Redis is back, if the client still waits.
            log.warning("command_failed", command=command.name, reason=str(error))

    async def _perform(self, command: _Command) -> Reply:
        self._hall.counts["commands"] += 1
        try:
            step, agent = await perform(self._hall, command.name, command.args)
        except Refusal as refusal:
            return Reply(False, str(refusal), refusal.code)
        data = {
            "agent": agent.id,
            "seat": agent.seat,
            "state": agent.state,
            "reason": agent.reason,
            "queues": list(agent.queues),
        }
        return Reply(step.ok, step.sentence, step.code, data)

    async def _tell(self, command: _Command, told: str) -> None:
        pipeline = self._redis.pipeline(transaction=True)
        pipeline.set(_done(command.id), told, ex=REPLY_SECONDS)
        pipeline.rpush(_reply(command.id), told)
        pipeline.expire(_reply(command.id), REPLY_SECONDS)
        pipeline.xack(COMMANDS, GROUP, command.entry)
        pipeline.xdel(COMMANDS, command.entry)
        await pipeline.execute()


def _done(command: str) -> str:
    return f"{PREFIX}done:{command}"
