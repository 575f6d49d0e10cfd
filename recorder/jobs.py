"""The queue of recordings to transcribe: a Redis stream that any number of transcribers share.

A job is taken by one consumer, kept by its heartbeat, and taken over by another when the heartbeat stops. One
that fails comes back later, more and more so; one that can not succeed goes to the dead letters, where a
person sees it (`yht transcript dead`) and can send it back. Nothing is lost between two of these steps: each
is one transaction.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from cti.live import forget_consumers

STREAM: Final = "{yht}:jobs:transcribe"
DEAD: Final = f"{STREAM}:dead"
LATER: Final = f"{STREAM}:later"
GROUP: Final = "transcribers"

MAX_ATTEMPTS: Final = 5
MAX_DEAD: Final = 10_000
"""Dead letters kept; the oldest go first."""
LEASE_MS: Final = 60_000
"""A job whose transcriber has not been heard of for this long is another's to take."""
HEARTBEAT_SECONDS: Final = 15.0
_CALL_ID: Final = re.compile(r"[A-Za-z0-9]{1,20}-[0-9]{1,20}\.[0-9]{1,12}")
_FOLDER: Final = re.compile(r"[0-9]{4}/[0-9]{2}/[0-9]{2}/([A-Za-z0-9.-]{1,64})")


class JobError(ValueError):
    """What the stream holds is no job; the message says what is wrong."""


@dataclass(frozen=True, slots=True)
class Job:
    """One recording to transcribe; `attempt` counts from 1."""

    call_id: str
    folder: str
    attempt: int = 1
    entry_id: str = ""


@dataclass(frozen=True, slots=True)
class DeadJob:
    """A job that was given up; `at` in milliseconds since the epoch."""

    entry_id: str
    call_id: str
    folder: str
    attempts: int
    error: str
    at: int


def parse(entry_id: str, fields: Mapping[str, str]) -> Job:
    """Return the job of one stream entry. Raises JobError: what a stream holds is never trusted as a path."""
    call_id, folder = fields.get("call_id", ""), fields.get("folder", "")
    if not _CALL_ID.fullmatch(call_id):
        raise JobError(f"call_id {call_id[:80]!r} is no id of a call")
    match = _FOLDER.fullmatch(folder)
    if not match or match[1] != call_id:
        raise JobError(f"folder {folder[:80]!r} is not YYYY/MM/DD/{call_id}")
    attempt = fields.get("attempt", "1")
    if not (attempt.isascii() and attempt.isdigit() and 1 <= int(attempt) <= MAX_ATTEMPTS):
        raise JobError(f"attempt {attempt[:20]!r} is no number from 1 to {MAX_ATTEMPTS}")
    return Job(call_id, folder, int(attempt), entry_id)


def delay_seconds(attempt: int) -> int:
    """How long to wait after the given failed attempt: 5, 20, 80, 320 s."""
    seconds: int = 5 * 4 ** (attempt - 1)
    return seconds


class Jobs:
    """One consumer of the queue. `redis` decodes its replies. Raises redis' errors when Redis is away."""

    def __init__(self, redis: Redis[str], consumer: str, lease_ms: int = LEASE_MS) -> None:
        self._redis: Any = redis
        self._consumer = consumer
        self._lease_ms = lease_ms

    async def ensure(self) -> None:
        """Have the stream and the group there, and forget consumers that hold nothing and are long gone."""
        try:
            await self._redis.xgroup_create(STREAM, GROUP, id="0", mkstream=True)
        except ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise
        await forget_consumers(self._redis, STREAM, GROUP, 60 * self._lease_ms)

    async def take(self, block_ms: int, now_ms: int) -> Job | None:
        """Return the next job: one whose transcriber is gone, else a new one; None if none came in time."""
        await self._bring_back(now_ms)
        found = await self._redis.xautoclaim(STREAM, GROUP, self._consumer, self._lease_ms, count=1)
        entries = found[1]
        if not entries:
            reply = await self._redis.xreadgroup(GROUP, self._consumer, {STREAM: ">"}, 1, block_ms)
            entries = _entries(reply)
        for entry_id, fields in entries:
            if fields is None:
                await self._redis.xack(STREAM, GROUP, entry_id)
                continue
            try:
                job = parse(entry_id, fields)
            except JobError as error:
                raw = Job(fields.get("call_id", "")[:100], fields.get("folder", "")[:200], 1, entry_id)
                await self.bury(raw, str(error), now_ms)
                continue
            if await self._deliveries(entry_id) > MAX_ATTEMPTS:
                await self.bury(job, f"ended its transcriber {MAX_ATTEMPTS} times", now_ms)
                continue
            return job
        return None

    async def keep(self, job: Job) -> bool:
        """Say that the job is still being worked on; False when another transcriber has taken it over."""
        pending = await self._redis.xpending_range(STREAM, GROUP, job.entry_id, job.entry_id, 1)
        if not pending or pending[0]["consumer"] != self._consumer:
            return False
        await self._redis.xclaim(STREAM, GROUP, self._consumer, 0, [job.entry_id], justid=True)
        return True

    async def done(self, job: Job) -> None:
        """Take a finished job off the queue."""
        async with self._redis.pipeline(transaction=True) as step:
            self._remove(step, job)
            await step.execute()

    async def retry(self, job: Job, error: str, now_ms: int) -> int:
        """Put a failed job off, or bury it after MAX_ATTEMPTS. Returns the delay in seconds, 0 if buried."""
        if job.attempt >= MAX_ATTEMPTS:
            await self.bury(job, error, now_ms)
            return 0
        seconds = delay_seconds(job.attempt)
        again = {"call_id": job.call_id, "folder": job.folder, "attempt": job.attempt + 1}
        async with self._redis.pipeline(transaction=True) as step:
            step.zadd(LATER, {json.dumps(again, sort_keys=True): now_ms + seconds * 1000})
            self._remove(step, job)
            await step.execute()
        return seconds

    async def bury(self, job: Job, error: str, now_ms: int) -> None:
        """Move a job to the dead letters."""
        dead = DeadJob("", job.call_id, job.folder, job.attempt, error[:500], now_ms)
        fields = {name: str(value) for name, value in asdict(dead).items() if name != "entry_id"}
        async with self._redis.pipeline(transaction=True) as step:
            step.xadd(DEAD, fields, maxlen=MAX_DEAD)
            self._remove(step, job)
            await step.execute()

    async def dead(self, most: int = 100) -> tuple[DeadJob, ...]:
        """Return the newest dead letters, newest first."""
        return tuple(
            DeadJob(
                entry_id,
                fields.get("call_id", ""),
                fields.get("folder", ""),
                int(fields.get("attempts", 0)),
                fields.get("error", ""),
                int(fields.get("at", 0)),
            )
            for entry_id, fields in await self._redis.xrevrange(DEAD, count=most)
        )

    async def revive(self, dead: DeadJob) -> None:
        """Send a dead letter back to the queue as a first attempt."""
        async with self._redis.pipeline(transaction=True) as step:
            step.xadd(STREAM, {"call_id": dead.call_id, "folder": dead.folder})
            step.xdel(DEAD, dead.entry_id)
            await step.execute()

    def _remove(self, step: Any, job: Job) -> None:
        step.xack(STREAM, GROUP, job.entry_id)
        step.xdel(STREAM, job.entry_id)

    async def _bring_back(self, now_ms: int) -> None:
        for member in await self._redis.zrangebyscore(LATER, 0, now_ms, start=0, num=100):
            await self._redis.eval(_BRING_BACK, 2, LATER, STREAM, member, *_flat(json.loads(member)))

    async def _deliveries(self, entry_id: str) -> int:
        pending = await self._redis.xpending_range(STREAM, GROUP, entry_id, entry_id, 1)
        return int(pending[0]["times_delivered"]) if pending else 0


# Whoever removes the member adds the job: two transcribers that see it due bring it back once.
_BRING_BACK: Final = """
if redis.call('ZREM', KEYS[1], ARGV[1]) == 1 then
  redis.call('XADD', KEYS[2], '*', unpack(ARGV, 2))
end
"""


def _flat(fields: Mapping[str, object]) -> list[str]:
    return [str(part) for pair in fields.items() for part in pair]


def _entries(reply: Any) -> list[tuple[str, dict[str, str]]]:
    """XREADGROUP's reply for one stream, in either protocol version."""
    if not reply:
        return []
    if isinstance(reply, dict):
        [streams] = reply.values()
        entries: list[tuple[str, dict[str, str]]] = [tuple(entry) for block in streams for entry in block]
        return entries
    return [tuple(entry) for entry in reply[0][1]]
