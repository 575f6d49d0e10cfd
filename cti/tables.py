"""The SQL tables of calls: what happened (`fact`), and what it comes to (`call`, `leg`).

`fact` is the truth; the other two are recomputed from the facts of a call whenever one of them is new
(cti.ledger.project), so they can be dropped and built again. Times are microseconds since the epoch, UTC;
lengths are milliseconds.
"""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from cti import widths
from cti.facts import Value
from cti.sql import Base


class FactRow(Base):
    """One `cti.facts.Fact`, as it was told. `id` is the order of storing, not of happening."""

    __tablename__ = "fact"

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    fact_id: Mapped[str] = mapped_column(String(widths.FACT_ID), unique=True)
    kind: Mapped[str] = mapped_column(String(widths.KIND))
    at: Mapped[int] = mapped_column(BigInteger)
    call_id: Mapped[str] = mapped_column(String(widths.CALL_ID), default="")
    leg: Mapped[str] = mapped_column(String(widths.CALL_ID), default="")
    node: Mapped[str] = mapped_column(String(widths.NODE), default="")
    data: Mapped[dict[str, Value]] = mapped_column(JSON, default=dict)

    __table_args__ = (Index("ix_fact_call_id", "call_id"), Index("ix_fact_kind_at", "kind", "at"))


class CallRow(Base):
    """One contact of a citizen, from the first ring to the last hangup."""

    __tablename__ = "call"

    call_id: Mapped[str] = mapped_column(String(widths.CALL_ID), primary_key=True)
    node: Mapped[str] = mapped_column(String(widths.NODE))
    dialed_number: Mapped[str] = mapped_column(String(widths.NUMBER))
    caller_number: Mapped[str] = mapped_column(String(widths.NUMBER))
    hotline: Mapped[str] = mapped_column(String(widths.NAME))
    queue: Mapped[str] = mapped_column(String(widths.NAME))
    """The queue waited in last; "" if none was."""
    arrived_at: Mapped[int] = mapped_column(BigInteger)
    queued_at: Mapped[int | None] = mapped_column(BigInteger)
    """The moment of the first entry, which is the place; null if the call never waited."""
    answered_at: Mapped[int | None] = mapped_column(BigInteger)
    """When the first agent answered whose talk was not too short to count."""
    ended_at: Mapped[int | None] = mapped_column(BigInteger)
    agent: Mapped[str] = mapped_column(String(widths.NAME))
    """Who answered at `answered_at`; "" in the static queue, which knows seats only."""
    seat: Mapped[str] = mapped_column(String(widths.NAME))
    outcome: Mapped[str] = mapped_column(String(16))
    """`cti.ledger.project.Outcome`; "" while the call goes on."""
    wait_ms: Mapped[int | None] = mapped_column(BigInteger)
    """From `queued_at` to the answer, else to the end; null while waiting and where nothing was waited for."""
    talk_ms: Mapped[int] = mapped_column(BigInteger)
    folder: Mapped[str] = mapped_column(String(widths.FOLDER))
    """The recording's, relative to the folder of recordings; "" if none was started."""

    __table_args__ = (
        Index("ix_call_arrived_at", "arrived_at"),
        Index("ix_call_hotline_arrived_at", "hotline", "arrived_at"),
        Index("ix_call_ended_at", "ended_at"),
    )


class LegRow(Base):
    """One channel of a call: the citizen's own or a seat's."""

    __tablename__ = "leg"

    leg: Mapped[str] = mapped_column(String(widths.CALL_ID), primary_key=True)
    """The channel's UNIQUEID."""
    call_id: Mapped[str] = mapped_column(String(widths.CALL_ID), index=True)
    channel: Mapped[str] = mapped_column(String(widths.NAME))
    seat: Mapped[str] = mapped_column(String(widths.NAME))
    """Empty if the channel is no seat's."""
    started_at: Mapped[int | None] = mapped_column(BigInteger)
    answered_at: Mapped[int | None] = mapped_column(BigInteger)
    ended_at: Mapped[int | None] = mapped_column(BigInteger)
    cause: Mapped[int | None] = mapped_column(Integer)
    """Q.850 cause of the hangup; 0 where the far side told none."""
