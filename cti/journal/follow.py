"""Follows Asterisk's journal and appends what it tells to the stream of facts, each fact once.

The facts of a piece and the position behind it go to Redis in one step, and only if Redis still holds the
position that the piece was read from. So a follower that is killed at any point leaves neither a gap nor a
repetition, two followers of one journal do no harm, and a Redis that lost its data is filled again from the
journal's beginning.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from cti.facts import encode_checked
from cti.journal.files import Position, Reader, after, begin, files, newer_than, resume
from cti.journal.inotify import FolderWatch
from cti.journal.lines import JournalError, cut
from cti.journal.translate import translate
from cti.live import FACTS, PREFIX

PIECE_BYTES: Final = 256 * 1024
"""Read at once; several times the longest record."""
MAX_WAITING: Final = 200_000
"""Facts in the stream beyond which the follower waits for the ledger: the journal keeps them at no cost."""
GATHER_SECONDS: Final = 0.4
"""Between two readings of a journal that is being written to: under load many events share one step, and one that
comes after a silence waits for none."""
LOOK_SECONDS: Final = 2.0
"""How often to look without being woken; inotify tells of no change on some network file systems."""
TELL_SECONDS: Final = 60.0
"""Rubbish in the journal is logged at most this often."""
_AWAY_SECONDS: Final = (0.1, 0.5, 2.0)

# The facts are lines of one argument: a client is much longer at packing many.
_APPEND: Final = r"""
local at = redis.call('HMGET', KEYS[2], 'inode', 'offset')
if (at[1] or '') ~= ARGV[1] or (at[2] or '') ~= ARGV[2] then return -1 end
for fact in string.gmatch(ARGV[6], '[^\n]+') do redis.call('XADD', KEYS[1], '*', 'f', fact) end
redis.call('HSET', KEYS[2], 'inode', ARGV[3], 'offset', ARGV[4], 'head', ARGV[5])
return redis.call('XLEN', KEYS[1])
"""

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Counts:
    """What a follower has done since it started."""

    records: int = 0
    appended: int = 0
    """Facts."""
    broken: int = 0
    """Pieces of the journal that were no record of it."""
    started_over: int = 0
    """How often the journal was read from a beginning: a Redis without a position, or a file cut off."""


def key(node: str) -> str:
    """Return the Redis hash that holds the position in a node's journal."""
    return f"{PREFIX}journal:{node}"


class Follower:
    """Follows one node's journal. `redis` decodes its replies."""

    def __init__(
        self, journal: Path, node: str, redis: Redis[str], *, max_waiting: int = MAX_WAITING
    ) -> None:
        self._journal = journal
        self._key = key(node)
        self._redis: Any = redis
        self._max_waiting = max_waiting
        self._reader: Reader | None = None
        self._saved: Position | None = None
        self._told_at = -TELL_SECONDS
        self._failures = 0
        self.counts = Counts()

    async def run(self, stop: asyncio.Event) -> None:
        """Follow until `stop` is set, then read what is there. A Redis that is away is waited for.

        Raises OSError from the file system.
        """
        self._journal.parent.mkdir(parents=True, exist_ok=True)
        with FolderWatch(self._journal.parent) as watch:
            try:
                while not stop.is_set():
                    try:
                        await self._follow(watch, stop)
                    except RedisError as error:
                        if not self._failures:
                            _log.warning("redis_away", error=str(error))
                        wait = _AWAY_SECONDS[min(self._failures, len(_AWAY_SECONDS) - 1)]
                        self._failures += 1
                        await _unless(stop, wait)
            finally:
                self._forget()

    def lag(self) -> int:
        """Return how many bytes of the journal have not been read."""
        found = files(self._journal)
        if self._reader is None:
            return sum(entry.size for entry in found)
        at = self._reader.position
        return sum(entry.size for entry in found[after(found, at.inode) :]) + self._reader.left()

    async def _follow(self, watch: FolderWatch, stop: asyncio.Event) -> None:
        await self._find_position()
        self._failures = 0
        while True:
            watch.clear()
            if await self._step(stop):
                continue
            if stop.is_set():
                return
            changed = await watch.wait(stop, LOOK_SECONDS)
            if not changed and await self._load() != self._saved:
                await self._find_position()

    async def _load(self) -> Position | None:
        values = await self._redis.hgetall(self._key)
        with contextlib.suppress(KeyError, ValueError):
            return Position(int(values["inode"]), int(values["offset"]), values.get("head", ""))
        return None

    async def _find_position(self) -> None:
        """Go to where Redis says that reading has got to."""
        self._forget()
        self._saved = await self._load()
        self._reader, lost = resume(files(self._journal), self._saved)
        if lost:
            self.counts.started_over += 1
            _log.warning("journal_position_lost", starting_over=True)

    def _forget(self) -> None:
        if self._reader is not None:
            self._reader.close()
        self._reader = self._saved = None

    async def _step(self, stop: asyncio.Event) -> bool:
        """Read and append one piece, or go to the next file; False if there is nothing to do now."""
        if self._reader is None:
            await self._find_position()
            return self._reader is not None
        # Asked before the end of the file is: whoever writes to a newer file has finished this one.
        newer = newer_than(self._journal, self._reader.position.inode)
        piece = self._reader.read(PIECE_BYTES)
        found = cut(piece)
        if found.used:
            await self._append(found.records, found.broken, found.used, stop)
            if len(piece) < PIECE_BYTES:
                await _unless(stop, GATHER_SECONDS)
            return True
        if self._reader.is_cut_off():
            self.counts.started_over += 1
            _log.warning("journal_cut_off", starting_over=True)
            self._reader.position = Position(self._reader.position.inode)
            return True
        if newer is not None and (fresh := begin(newer)) is not None:
            self._broken(1 if piece else 0)
            self._reader.close()
            self._reader = fresh
            return True
        return False

    async def _append(self, records: tuple[bytes, ...], broken: int, used: int, stop: asyncio.Event) -> None:
        reader = self._reader
        if reader is None:
            return
        facts: list[str] = []
        for record in records:
            try:
                facts += map(encode_checked, translate(record))
            except JournalError as error:
                self._broken(1, str(error))
        position = reader.further(used)
        saved = (str(self._saved.inode), str(self._saved.offset)) if self._saved else ("", "")
        read = (position.inode, position.offset, position.head)
        waiting = await self._redis.eval(_APPEND, 2, FACTS, self._key, *saved, *read, "\n".join(facts))
        if waiting < 0:  # Redis lost its data, or somebody else follows this journal too
            await self._find_position()
            return
        reader.position = self._saved = position
        self.counts.records += len(records)
        self.counts.appended += len(facts)
        self._broken(broken)
        while waiting > self._max_waiting and not await _unless(stop, 0.5):
            waiting = await self._redis.xlen(FACTS)

    def _broken(self, count: int, why: str = "pieces that begin or end as no record does") -> None:
        """Count what was skipped; its content may be a citizen's and is not told."""
        if not count:
            return
        self.counts.broken += count
        now = asyncio.get_running_loop().time()
        if now - self._told_at >= TELL_SECONDS:
            self._told_at = now
            _log.warning("journal_lines_skipped", why=why, so_far=self.counts.broken)


async def _unless(stop: asyncio.Event, seconds: float) -> bool:
    """Wait, but not once `stop` is set; True if it is."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
    return stop.is_set()
