"""The SQL tables of recordings and transcripts.

Times are microseconds since the epoch, UTC; lengths are milliseconds. `call_id` is no foreign key: a
recording is sealed whether or not the ledger has written the row of the call itself yet.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import DDL, JSON, BigInteger, Float, ForeignKey, Index, Integer, String, Text, event
from sqlalchemy.orm import Mapped, mapped_column, relationship

from cti.sql import Base


class RecordingRow(Base):
    """One recording of one contact: a folder with one file a side, closed and hashed.

    The hashes are of the WAV files as they were sealed; what was put away comes back as exactly these.
    """

    __tablename__ = "recording"

    call_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    folder: Mapped[str] = mapped_column(String(200))
    """Relative to the folder of recordings: YYYY/MM/DD/<call_id>."""
    state: Mapped[str] = mapped_column(String(16))
    """`recorder.recording.State`: sealed, repaired, empty, missing, damaged."""
    note: Mapped[str] = mapped_column(Text, default="")
    """What was found or mended, for a person to read."""
    started_at: Mapped[int] = mapped_column(BigInteger)
    sealed_at: Mapped[int] = mapped_column(BigInteger)
    duration_ms: Mapped[int] = mapped_column(Integer)
    sample_rate: Mapped[int] = mapped_column(Integer)
    sha256_citizen: Mapped[str] = mapped_column(String(64), default="")
    sha256_agent: Mapped[str] = mapped_column(String(64), default="")
    chain_hash: Mapped[str] = mapped_column(String(64), default="")
    """Of its entry in the day's manifest (recorder.vault.chain); "" before it has one."""
    store: Mapped[str] = mapped_column(String(200), default="")
    """Where it was put away: "home", or the URL of a store; "" while it is its WAV files."""
    hold: Mapped[str] = mapped_column(Text, default="")
    """Why it must not be deleted (legal hold); "" if it may."""
    deleted_at: Mapped[int | None] = mapped_column(BigInteger)

    __table_args__ = (Index("ix_recording_started_at", "started_at"),)


class AccessRow(Base):
    """Who did what with a recording, and when. Rows are added only: the database itself refuses anything else."""

    __tablename__ = "recording_access"

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    at: Mapped[int] = mapped_column(BigInteger)
    who: Mapped[str] = mapped_column(String(80))
    action: Mapped[str] = mapped_column(String(24))
    """`recorder.access.Action`."""
    call_id: Mapped[str] = mapped_column(String(64))
    """"" for what concerns many."""
    detail: Mapped[str] = mapped_column(Text, default="")

    __table_args__ = (
        Index("ix_recording_access_call_id", "call_id"),
        Index("ix_recording_access_at", "at"),
    )


_REFUSED: Final = "recording_access is append-only"
APPEND_ONLY: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "sqlite": tuple(
            f"CREATE TRIGGER recording_access_no_{what.lower()} BEFORE {what} ON recording_access "
            f"BEGIN SELECT RAISE(ABORT, '{_REFUSED}'); END"
            for what in ("UPDATE", "DELETE")
        ),
        "postgresql": (
            "CREATE OR REPLACE FUNCTION recording_access_refuse() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{_REFUSED}'; END $$",
            "CREATE TRIGGER recording_access_append_only BEFORE UPDATE OR DELETE OR TRUNCATE "
            "ON recording_access FOR EACH STATEMENT EXECUTE FUNCTION recording_access_refuse()",
        ),
    }
)
"""Statements by which each kind of database keeps AccessRow append-only."""
_ddl: Final[Any] = DDL  # its types are missing
for _dialect, _statements in APPEND_ONLY.items():
    for _statement in _statements:
        event.listen(AccessRow.__table__, "after_create", _ddl(_statement).execute_if(dialect=_dialect))


class TranscriptRow(Base):
    """The newest transcript of one contact."""

    __tablename__ = "transcript"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    call_id: Mapped[str] = mapped_column(String(64), unique=True)
    state: Mapped[str] = mapped_column(String(16))
    """`done`, or `failed` with the reason in `note`."""
    language: Mapped[str] = mapped_column(String(8))
    engine: Mapped[str] = mapped_column(String(32))
    model: Mapped[str] = mapped_column(String(200))
    why: Mapped[str] = mapped_column(Text, default="")
    """Why this engine was used and not one before it in the city's order."""
    note: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[int] = mapped_column(BigInteger)
    audio_ms: Mapped[int] = mapped_column(Integer)
    """How much speech time was given to the engine, both sides together."""
    took_ms: Mapped[int] = mapped_column(Integer)

    segments: Mapped[list[SegmentRow]] = relationship(
        back_populates="transcript",
        cascade="all, delete-orphan",
        order_by="SegmentRow.position",
        lazy="selectin",
    )


class SegmentRow(Base):
    """One stretch of speech by one speaker; times count from the start of the recording."""

    __tablename__ = "segment"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    transcript_id: Mapped[int] = mapped_column(ForeignKey("transcript.id", ondelete="CASCADE"), index=True)
    position: Mapped[int] = mapped_column(Integer)
    speaker: Mapped[str] = mapped_column(String(8))
    """`citizen` or `agent`."""
    start_ms: Mapped[int] = mapped_column(Integer)
    end_ms: Mapped[int] = mapped_column(Integer)
    text: Mapped[str] = mapped_column(Text)
    confidence: Mapped[float] = mapped_column(Float)
    """0 to 1, the engine's own; engines are not comparable."""
    words: Mapped[list[tuple[int, int, str, float]]] = mapped_column(JSON, default=list)
    """[start_ms, end_ms, word, confidence] each; empty where the engine tells no words."""

    transcript: Mapped[TranscriptRow] = relationship(back_populates="segments")
