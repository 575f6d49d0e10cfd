"""The SQL tables of cases: the case, its append-only history, and the counter its numbers come from.

Times are microseconds since the epoch, UTC. `call_id` is no foreign key: a callback request taken while no
engine answered may be a case before the ledger has written the row of its call.
"""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from cti import widths
from cti.facts import Value
from cti.sql import Base


class CaseRow(Base):
    """One request of one citizen. One contact has at most one."""

    __tablename__ = "case"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    number: Mapped[str] = mapped_column(String(16), unique=True)
    """What people say and write: the day in the city's time and a place in it, digits only (YYYYMMDDNNNNNN)."""
    check_code: Mapped[str] = mapped_column(String(6))
    """With it and the number a citizen sees the progress. Six random digits; never in a log."""
    call_id: Mapped[str] = mapped_column(String(widths.CALL_ID), unique=True)
    channel: Mapped[str] = mapped_column(String(16))
    """How the request came in: phone, callback."""
    state: Mapped[str] = mapped_column(String(24))
    """`caselink.loop.State`; the last event of the history says the same."""
    hotline: Mapped[str] = mapped_column(String(widths.NAME), default="")
    """Of the dialed number; "" while it is not known."""
    dialed_number: Mapped[str] = mapped_column(String(widths.NUMBER), default="")
    caller_number: Mapped[str] = mapped_column(String(widths.NUMBER), default="")
    contact_number: Mapped[str] = mapped_column(String(widths.NUMBER), default="")
    """Where the citizen wants to be called back; "" where nobody asked."""
    agent: Mapped[str] = mapped_column(String(widths.NAME), default="")
    """Who received it: the first agent who answered; "" for a callback request and in the static queue."""
    backend: Mapped[str] = mapped_column(String(16), default="platform")
    """Who dispatches and follows up: platform, external, tenant (`config.schema.hotline.CaseRoute`)."""
    unit: Mapped[str | None] = mapped_column(String(40))
    """The unit that leads by default; null lets the centre choose."""
    request_type: Mapped[str | None] = mapped_column(String(24))
    """inquiry, help, complaint, report, suggestion, praise; null until an agent says so."""
    opened_at: Mapped[int] = mapped_column(BigInteger)

    events: Mapped[list[CaseEventRow]] = relationship(
        back_populates="case", order_by="(CaseEventRow.at, CaseEventRow.id)", lazy="raise"
    )

    __table_args__ = (Index("ix_case_opened_at", "opened_at"), Index("ix_case_hotline", "hotline"))


class CaseEventRow(Base):
    """One step of a case's history. Appended, never changed."""

    __tablename__ = "case_event"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    event_id: Mapped[str] = mapped_column(String(widths.FACT_ID), unique=True)
    """Made from what happened (a fact's id), so that telling it twice is telling it once."""
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id"), index=True)
    at: Mapped[int] = mapped_column(BigInteger)
    action: Mapped[str] = mapped_column(String(24))
    """`caselink.loop.Action`."""
    state: Mapped[str] = mapped_column(String(24))
    """The state after it."""
    actor: Mapped[str] = mapped_column(String(widths.NAME), default="")
    """The agent or unit that acted; "" where nobody did."""
    data: Mapped[dict[str, Value]] = mapped_column(JSON, default=dict)

    case: Mapped[CaseRow] = relationship(back_populates="events", lazy="raise")


class CaseDayRow(Base):
    """How many numbers a day has given out."""

    __tablename__ = "case_day"

    day: Mapped[str] = mapped_column(String(8), primary_key=True)
    """YYYYMMDD in the city's time."""
    last: Mapped[int] = mapped_column(Integer)
