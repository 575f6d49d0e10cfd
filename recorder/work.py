"""The transcriber's work: take a job, seal the recording, take it into keeping, transcribe it, tell the facts, next.

Each step can be done twice with the result of once: sealing is checked, rows are replaced, facts have ids
made from the call. A transcriber that is killed at any point leaves a job that another one finishes.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog
from redis.exceptions import RedisError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from cti.clock import now_us
from cti.facts import Fact
from recorder import seal, store
from recorder.jobs import HEARTBEAT_SECONDS, Job, Jobs
from recorder.keeping import NOT_NOW, Keeper
from recorder.recording import SPEAKERS, Recording, Speaker
from recorder.speech.base import Segment, Span, SpeechError
from recorder.speech.choice import EngineChoice, NoEngineError
from recorder.speech.process import EngineProcess
from recorder.transcript import Transcript, merge, spans

SETTLE_SECONDS: Final = 5.0
"""A side that is not closed and was not written to for this long has lost its writer."""
_LOOK_SECONDS: Final = 0.1
_BLOCK_MS: Final = 2000
_AWAY_SECONDS: Final = 2.0

_log = structlog.get_logger(__name__)


class DeletedError(Exception):
    """There is nothing to transcribe any more."""


@dataclass(frozen=True, slots=True)
class Ports:
    """What the work needs of the rest of the house.

    `facts_of` returns the facts of a call, `append` appends one to the stream, `choose` returns the engine to
    use now (a model may have been installed since) or raises NoEngineError.
    """

    keeper: Keeper
    sessions: async_sessionmaker[AsyncSession]
    facts_of: Callable[[str], Awaitable[tuple[Fact, ...]]]
    append: Callable[[Fact], Awaitable[None]]
    choose: Callable[[], EngineChoice]
    language: str


class Transcriber:
    """One worker; it does one job after another until it is stopped."""

    def __init__(self, jobs: Jobs, ports: Ports) -> None:
        self._jobs = jobs
        self._ports = ports
        self._engine: EngineProcess | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set; a job that is being worked on then is left for the next transcriber."""
        try:
            while not stop.is_set():
                working = asyncio.create_task(self._one())
                stopping = asyncio.create_task(stop.wait())
                await asyncio.wait((working, stopping), return_when=asyncio.FIRST_COMPLETED)
                for task in (working, stopping):
                    if not task.done():
                        task.cancel()
                        with contextlib.suppress(asyncio.CancelledError):
                            await task
                if working.done() and not working.cancelled():
                    working.result()
        finally:
            if self._engine is not None:
                await self._engine.close()

    async def _one(self) -> None:
        try:
            job = await self._jobs.take(_BLOCK_MS, now_us() // 1000)
            if job is not None:
                await self._do(job)
        except RedisError as error:
            _log.warning("redis_away", error=str(error))
            await asyncio.sleep(_AWAY_SECONDS)

    async def _do(self, job: Job) -> None:
        """Do one job, with its heartbeat beside it, and say what became of it."""
        log = _log.bind(call_id=job.call_id, attempt=job.attempt)
        work = asyncio.create_task(self._transcribe(job))
        beat = asyncio.create_task(self._beat(job))
        try:
            await asyncio.wait((work, beat), return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                log.warning("job_taken_over")
                return
            await work
            await self._jobs.done(job)
        except (SpeechError, DBAPIError, *NOT_NOW) as error:
            if isinstance(error, SpeechError) and not error.retryable:
                await self._give_up(job, str(error))
                log.warning("job_dead", error=str(error))
            else:
                seconds = await self._jobs.retry(job, str(error), now_us() // 1000)
                log.warning("job_failed", error=str(error), again_in_seconds=seconds)
        except (NoEngineError, seal.AlteredError, DeletedError) as error:
            await self._give_up(job, str(error))
            log.warning("job_dead", error=str(error))
        finally:
            for task in (work, beat):
                task.cancel()
            await asyncio.gather(work, beat, return_exceptions=True)

    async def _beat(self, job: Job) -> None:
        """Returns when the job is another's."""
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            if not await self._jobs.keep(job):
                return

    async def _transcribe(self, job: Job) -> None:
        async with self._ports.sessions() as session:
            row = await store.recording(session, job.call_id)
        if row is not None and row.deleted_at is not None:
            raise DeletedError("the recording was deleted")
        recording = await self._seal(job)
        async with self._ports.sessions() as session:
            known = await store.transcript(session, job.call_id)
        if known is None or known.state != "done":
            known = await self._listen(recording)
            async with self._ports.sessions.begin() as session:
                await store.save_transcript(session, known)
        await self._ports.append(_transcribed(known))
        _log.info("transcribed", call_id=job.call_id, engine=known.engine, segments=len(known.lines))

    async def _seal(self, job: Job) -> Recording:
        vault = self._ports.keeper.vault
        folder = vault.root / job.folder
        while await asyncio.to_thread(_unfinished, folder):  # noqa: ASYNC110 - Asterisk closes files silently
            await asyncio.sleep(_LOOK_SECONDS)
        facts = await self._ports.facts_of(job.call_id)
        now = now_us()
        recording = await asyncio.to_thread(seal.seal, vault.root, job.folder, job.call_id, facts, now)
        async with self._ports.sessions.begin() as session:
            await store.save_recording(session, recording)
        await self._ports.append(_sealed(recording))
        _log.info(
            "recording_sealed",
            call_id=job.call_id,
            state=recording.state,
            duration_ms=recording.duration_ms,
            note=recording.note,
        )
        await self._ports.keeper.keep(recording, fresh=recording.sealed_at == now)
        return recording

    async def _listen(self, recording: Recording) -> Transcript:
        wanted = {speaker: spans(recording, speaker) for speaker in SPEAKERS}
        begun = time.monotonic()
        choice = self._ports.choose()
        engine = await self._engine_for(choice)
        said: dict[Speaker, tuple[Segment, ...]] = {}
        for speaker, stretches in wanted.items():
            if stretches:
                said[speaker] = await self._heard(engine, recording, speaker, stretches)
        return Transcript(
            call_id=recording.call_id,
            state="done",
            language=choice.language,
            engine=choice.engine,
            model=choice.model.name,
            why=choice.why,
            note=recording.note,
            created_at=now_us(),
            audio_ms=sum(span.ms for stretches in wanted.values() for span in stretches),
            took_ms=int((time.monotonic() - begun) * 1000),
            lines=merge(said, choice.language),
        )

    async def _heard(
        self, engine: EngineProcess, recording: Recording, speaker: Speaker, stretches: tuple[Span, ...]
    ) -> tuple[Segment, ...]:
        """Have the engine hear one side; of what was put away it hears a copy in memory."""
        with contextlib.ExitStack() as stack:
            sound = self._ports.keeper.vault.opened(recording.folder, speaker)
            file = await asyncio.to_thread(stack.enter_context, sound)
            try:
                return await engine.transcribe(file, stretches)
            except SpeechError as error:
                name = recording.side(speaker).file
                raise SpeechError(f"{name}: {error}", retryable=error.retryable) from error

    async def _engine_for(self, choice: EngineChoice) -> EngineProcess:
        if self._engine is not None and self._engine.choice != choice:
            await self._engine.close()
            self._engine = None
        if self._engine is None:
            self._engine = EngineProcess(choice)
        return self._engine

    async def _give_up(self, job: Job, reason: str) -> None:
        """Leave word where the transcript would be, then move the job to the dead letters."""
        failed = Transcript(
            call_id=job.call_id,
            state="failed",
            language=self._ports.language,
            engine="",
            model="",
            why="",
            note=reason,
            created_at=now_us(),
            audio_ms=0,
            took_ms=0,
        )
        try:
            async with self._ports.sessions.begin() as session:
                await store.save_transcript(session, failed)
        except DBAPIError as error:
            _log.warning("failure_not_noted", call_id=job.call_id, error=str(error.orig))
        await self._jobs.bury(job, reason, now_us() // 1000)


def _unfinished(folder: Path) -> bool:
    return seal.is_open(folder) and time.time() - seal.newest_write(folder) < SETTLE_SECONDS


def _node(call_id: str) -> str:
    return call_id.partition("-")[0]


def _sealed(recording: Recording) -> Fact:
    call_id = recording.call_id
    return Fact(
        fact_id=f"recording_sealed:{call_id}",
        kind="recording_sealed",
        at=recording.sealed_at,
        call_id=call_id,
        node=_node(call_id),
        data={
            "folder": recording.folder,
            "sha256_citizen": recording.side("citizen").sha256,
            "sha256_agent": recording.side("agent").sha256,
            "duration_ms": recording.duration_ms,
            "state": recording.state,
        },
    )


def _transcribed(transcript: Transcript) -> Fact:
    return Fact(
        fact_id=f"transcribed:{transcript.call_id}",
        kind="transcribed",
        at=transcript.created_at,
        call_id=transcript.call_id,
        node=_node(transcript.call_id),
        data={
            "engine": transcript.engine,
            "model": transcript.model,
            "segments": len(transcript.lines),
        },
    )
