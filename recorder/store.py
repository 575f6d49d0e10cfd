"""Writes recordings and transcripts into SQL and reads them back; writing twice is writing once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sqlalchemy import and_, delete, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from cti.tables import CallRow
from recorder.recording import Recording
from recorder.speech.base import Segment, Word
from recorder.tables import RecordingRow, SegmentRow, TranscriptRow
from recorder.transcript import Line, Transcript

DAY_US: Final = 24 * 3600 * 1_000_000


async def save_recording(session: AsyncSession, recording: Recording) -> None:
    """Write a sealed recording; the caller commits."""
    await session.merge(
        RecordingRow(
            call_id=recording.call_id,
            folder=recording.folder,
            state=recording.state,
            note=recording.note,
            started_at=recording.started_at,
            sealed_at=recording.sealed_at,
            duration_ms=recording.duration_ms,
            sample_rate=recording.sample_rate,
            sha256_citizen=recording.side("citizen").sha256,
            sha256_agent=recording.side("agent").sha256,
        )
    )


async def recordings(session: AsyncSession, most: int = 50) -> tuple[RecordingRow, ...]:
    """Return the newest recordings, newest first."""
    newest = select(RecordingRow).order_by(RecordingRow.started_at.desc()).limit(most)
    return tuple((await session.scalars(newest)).all())


async def recording(session: AsyncSession, call_id: str) -> RecordingRow | None:
    """Return the recording of a call."""
    return await session.get(RecordingRow, call_id)


async def to_keep(
    session: AsyncSession, after: tuple[int, str] = (0, ""), most: int = 50
) -> tuple[RecordingRow, ...]:
    """Return recordings that were sealed and not put away yet, in the order of `sealed_at` and `call_id`.

    `after` is the last one of the page before.
    """
    waiting = select(RecordingRow).where(RecordingRow.deleted_at.is_(None))
    waiting = waiting.where(or_(RecordingRow.store == "", RecordingRow.chain_hash == ""))
    place = tuple_(RecordingRow.sealed_at, RecordingRow.call_id)
    ordered = waiting.where(place > after).order_by(RecordingRow.sealed_at, RecordingRow.call_id)
    return tuple(await session.scalars(ordered.limit(most)))


async def expired(
    session: AsyncSession, days: Mapping[str, int], now: int, most: int = 100
) -> tuple[RecordingRow, ...]:
    """Return recordings whose time is over, the oldest first; `days` are those of each hotline that names some.

    What is held is not among them, nor what was deleted.
    """
    over = [
        and_(CallRow.hotline == hotline, RecordingRow.started_at < now - count * DAY_US)
        for hotline, count in days.items()
    ]
    if not over:
        return ()
    rows = select(RecordingRow).join(CallRow, CallRow.call_id == RecordingRow.call_id)
    rows = rows.where(or_(*over), RecordingRow.hold == "", RecordingRow.deleted_at.is_(None))
    return tuple(await session.scalars(rows.order_by(RecordingRow.started_at).limit(most)))


async def save_transcript(session: AsyncSession, transcript: Transcript) -> None:
    """Write a transcript in place of an older one of the same call; the caller commits."""
    old = select(TranscriptRow.id).where(TranscriptRow.call_id == transcript.call_id)
    await session.execute(delete(SegmentRow).where(SegmentRow.transcript_id.in_(old)))
    await session.execute(delete(TranscriptRow).where(TranscriptRow.call_id == transcript.call_id))
    session.add(
        TranscriptRow(
            call_id=transcript.call_id,
            state=transcript.state,
            language=transcript.language,
            engine=transcript.engine,
            model=transcript.model,
            why=transcript.why,
            note=transcript.note,
            created_at=transcript.created_at,
            audio_ms=transcript.audio_ms,
            took_ms=transcript.took_ms,
            segments=[_row(position, line) for position, line in enumerate(transcript.lines)],
        )
    )


def _row(position: int, line: Line) -> SegmentRow:
    segment = line.segment
    return SegmentRow(
        position=position,
        speaker=line.speaker,
        start_ms=segment.start_ms,
        end_ms=segment.end_ms,
        text=segment.text,
        confidence=segment.confidence,
        words=[(word.start_ms, word.end_ms, word.text, word.confidence) for word in segment.words],
    )


async def transcript(session: AsyncSession, call_id: str) -> Transcript | None:
    """Return the transcript of a call."""
    row = await session.scalar(select(TranscriptRow).where(TranscriptRow.call_id == call_id))
    if row is None:
        return None
    return Transcript(
        call_id=row.call_id,
        state="done" if row.state == "done" else "failed",
        language=row.language,
        engine=row.engine,
        model=row.model,
        why=row.why,
        note=row.note,
        created_at=row.created_at,
        audio_ms=row.audio_ms,
        took_ms=row.took_ms,
        lines=tuple(_line(segment) for segment in row.segments),
    )


def _line(row: SegmentRow) -> Line:
    words = tuple(
        Word(int(start), int(end), str(text), float(confidence)) for start, end, text, confidence in row.words
    )
    segment = Segment(row.start_ms, row.end_ms, row.text, row.confidence, words)
    return Line("citizen" if row.speaker == "citizen" else "agent", segment)
