"""The transcriber: seals recordings and turns them into text, apart from everything that carries calls."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Mapping
from pathlib import Path

import structlog
from redis.exceptions import RedisError

from config import City
from config.paths import Paths
from cti import live, sql
from cti.app.commands.common import Where
from cti.app.process import Ready
from cti.app.upkeep import upkeep, vault_of
from cti.facts import Fact, encode
from cti.ledger.store import facts_of
from recorder.jobs import Jobs
from recorder.keeping import Keeper
from recorder.speech.choice import EngineChoice, NoEngineError, choose_engine
from recorder.speech.models import installed
from recorder.work import Ports, Transcriber

REDIS_AGAIN_SECONDS = 1.0

_log = structlog.get_logger(__name__)


class Speech:
    """Chooses the engine for each recording, and remembers what it chose for `yht status`."""

    def __init__(self, city: City, paths: Paths) -> None:
        self._settings = city.platform.speech
        self._paths = paths
        self._city = paths.config_dir
        self._last: EngineChoice | NoEngineError | None = None

    def choose(self) -> EngineChoice:
        """Return the engine to use now; a change is told in the log. Raises NoEngineError."""
        models = self._settings.models
        found = installed(
            self._paths.models,
            self._settings.language,
            self._folder(models.vosk),
            self._folder(models.faster_whisper),
            self._folder(models.sherpa_onnx),
        )
        try:
            choice = choose_engine(self._settings.engines, self._settings.language, found)
        except NoEngineError as error:
            if str(error) != str(self._last):
                _log.error("no_speech_engine", why=str(error))
            self._last = error
            raise
        if choice != self._last:
            _log.info("speech_engine", engine=choice.engine, model=choice.model.name, why=choice.why)
        self._last = choice
        return choice

    def health(self) -> Mapping[str, str]:
        """Which engine is used and why none before it."""
        if isinstance(self._last, EngineChoice):
            return {
                "speech_engine": self._last.engine,
                "speech_model": self._last.model.name,
                "speech_why": self._last.why,
            }
        return {"speech_engine": "", "trouble": str(self._last or "")}

    def _folder(self, named: str | None) -> Path | None:
        """Return the folder that the city names, from the city's own folder on."""
        return None if named is None else (self._city / named).resolve()


async def main(where: Where, ready: Ready, stop: asyncio.Event) -> None:
    """Transcribe until `stop` is set."""
    city, paths = where.city(), where.paths
    speech = Speech(city, paths)
    with contextlib.suppress(NoEngineError):  # told in the log and the status; a model may be brought later
        speech.choose()
    engine = sql.open_database(sql.database_url(paths.database, city.platform.database.url))
    sessions = sql.sessions(engine)
    async with live.connect(city, paths) as redis:

        async def facts_of_call(call_id: str) -> tuple[Fact, ...]:
            async with sessions() as session:
                return await facts_of(session, [call_id])

        async def append(fact: Fact) -> None:
            await redis.xadd(live.FACTS, {"f": encode(fact)})

        jobs = Jobs(redis, f"{city.platform.node}-{os.getpid()}")
        ports = Ports(
            keeper=Keeper(vault_of(city, paths), sessions),
            sessions=sessions,
            facts_of=facts_of_call,
            append=append,
            choose=speech.choose,
            language=city.platform.speech.language,
        )
        try:
            if await _queue_ready(jobs, stop):
                ready(lambda: {**speech.health(), **_trouble(ports.keeper)})
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(upkeep(ports.keeper, paths, stop))
                    tasks.create_task(Transcriber(jobs, ports).run(stop))
        finally:
            await engine.dispose()


def _trouble(keeper: Keeper) -> Mapping[str, str]:
    return {"trouble": f"recordings are not put away: {keeper.trouble}"} if keeper.trouble else {}


async def _queue_ready(jobs: Jobs, stop: asyncio.Event) -> bool:
    """Have the queue of jobs there, however long Redis is away; False when `stop` came first."""
    told = False
    while not stop.is_set():
        try:
            await jobs.ensure()
            return True
        except (RedisError, OSError) as error:
            if not told:
                _log.warning("redis_away", error=str(error))
            told = True
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), REDIS_AGAIN_SECONDS)
    return False
