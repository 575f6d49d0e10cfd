"""Runs Lua scripts on Redis: whatever is asked for while an answer is on its way goes out together, in order.

One write and one read for many steps: a hall that starts with hundreds of calls needs no hundreds of
connections, and two steps asked one after the other reach Redis in that order.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from redis.exceptions import NoScriptError, RedisError, ResponseError

if TYPE_CHECKING:
    from redis.asyncio import Redis

_FOLDER: Final = Path(__file__).with_name("lua")
MAX_BATCH: Final = 128
"""Most scripts of one write: Redis serves others in between."""


class StoreError(Exception):
    """Redis did not carry a step out, or did and could not say so; asking again is safe."""


@dataclass(frozen=True, slots=True)
class _Script:
    text: str
    sha: str


@dataclass(frozen=True, slots=True)
class _Asked:
    name: str
    arguments: Sequence[str | int]
    answer: asyncio.Future[Any]


def _load() -> dict[str, _Script]:
    common = (_FOLDER / "common.lua").read_text(encoding="utf-8")
    found = {}
    for path in sorted(_FOLDER.glob("*.lua")):
        if path.stem != "common":
            text = f"{common}\n{path.read_text(encoding='utf-8')}"
            # Redis names a script by this hash; nothing is secured by it.
            sha = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
            found[path.stem] = _Script(text, sha)
    return found


class Scripts:
    """The scripts of acd/lua, each with common.lua before it. `key` is the KEYS[1] that all of them take."""

    def __init__(self, redis: Redis[str], key: str) -> None:
        self._redis: Any = redis
        self._key = key
        self._scripts = _load()
        self._asked: deque[_Asked] = deque()
        self._runner: asyncio.Task[None] | None = None

    async def run(self, name: str, *arguments: str | int) -> Any:
        """Run one script and return its answer. Raises StoreError; the script may have run then."""
        asked = _Asked(name, arguments, asyncio.get_running_loop().create_future())
        self._asked.append(asked)
        if self._runner is None:
            self._runner = asyncio.create_task(self._run(), name="redis-scripts")
        return await asked.answer

    async def _run(self) -> None:
        batch: list[_Asked] = []
        try:
            while self._asked:
                batch = [self._asked.popleft() for _ in range(min(MAX_BATCH, len(self._asked)))]
                await self._send(batch)
        finally:
            self._runner = None
            for asked in (*batch, *self._asked):
                if not asked.answer.done():
                    asked.answer.cancel()
            self._asked.clear()

    async def _send(self, batch: list[_Asked]) -> None:
        try:
            answers = await self._evaluate(batch)
            unknown = [asked for asked, answer in zip(batch, answers, strict=True) if _unknown(answer)]
            if unknown:
                # A Redis that is new knows no scripts; those that had to wait for it keep their order.
                for name in {asked.name for asked in unknown}:
                    await self._redis.script_load(self._scripts[name].text)
                again = iter(await self._evaluate(unknown))
                answers = [next(again) if _unknown(answer) else answer for answer in answers]
        except (RedisError, OSError) as error:
            answers = [error] * len(batch)
        for asked, answer in zip(batch, answers, strict=True):
            if asked.answer.done():
                continue
            if isinstance(answer, Exception):
                asked.answer.set_exception(StoreError(f"{asked.name}: {answer}"))
            else:
                asked.answer.set_result(answer)

    async def _evaluate(self, batch: Sequence[_Asked]) -> list[Any]:
        if len(batch) == 1:  # most of the time; a pipeline of one costs half as much again
            [asked] = batch
            try:
                return [
                    await self._redis.evalsha(self._scripts[asked.name].sha, 1, self._key, *asked.arguments)
                ]
            except ResponseError as error:
                return [error]
        pipeline = self._redis.pipeline(transaction=False)
        for asked in batch:
            pipeline.evalsha(self._scripts[asked.name].sha, 1, self._key, *asked.arguments)
        answers: list[Any] = await pipeline.execute(raise_on_error=False)
        return answers


def _unknown(answer: object) -> bool:
    return isinstance(answer, NoScriptError)
