"""The SQL tables of cases: the case, its append-only history, its limits, its notices, and the counter of numbers.

The history is the truth. What `case` and `case_limit` hold beside the contact is what the history comes to
(`caselink.projection`), for questions that SQL answers.

Times are microseconds since the epoch, UTC. `call_id` is no foreign key: a callback request taken while no
engine answered may be a case before the ledger has written the row of its call.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import DDL, JSON, BigInteger, ForeignKey, Index, Integer, String, Text, event, false, text
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
    """The unit that leads: by default at first, then who it was dispatched to; null lets the centre choose."""
    request_type: Mapped[str | None] = mapped_column(String(24))
    """inquiry, help, complaint, report, suggestion, praise; null until an agent says so."""
    opened_at: Mapped[int] = mapped_column(BigInteger)

    version: Mapped[int] = mapped_column(Integer, server_default="0")
    """How many steps of the loop there were; who acts on an older one is told what happened meanwhile."""
    urgency: Mapped[str] = mapped_column(String(16), server_default="")
    topic: Mapped[str] = mapped_column(Text, server_default="")
    text: Mapped[str] = mapped_column(Text, server_default="")
    """What the citizen asks for, as it was registered."""
    address: Mapped[str] = mapped_column(Text, server_default="")
    grid: Mapped[str] = mapped_column(String(widths.NAME), server_default="")
    is_confidential: Mapped[bool] = mapped_column(server_default=false())
    co_units: Mapped[str] = mapped_column(String(400), server_default="")
    """Ids with commas between them."""
    parent: Mapped[str] = mapped_column(String(16), server_default="")
    """The number of the case that it repeats."""
    repeat: Mapped[int] = mapped_column(Integer, server_default="0")
    repeats: Mapped[int] = mapped_column(Integer, server_default="0")
    returns: Mapped[int] = mapped_column(Integer, server_default="0")
    reworks: Mapped[int] = mapped_column(Integer, server_default="0")
    card: Mapped[str] = mapped_column(String(16), server_default="")
    """The worst that its limits came to: warned, yellow_card, red_card."""
    is_supervised: Mapped[bool] = mapped_column(server_default=false())
    rule: Mapped[str] = mapped_column(String(24), server_default="")
    """Why it could be closed, `caselink.steps.Rule`."""
    contacted: Mapped[bool | None] = mapped_column()
    """What the citizen says in the follow-up or the rating: was the unit in contact, is it solved, satisfied."""
    solved: Mapped[bool | None] = mapped_column()
    satisfied: Mapped[bool | None] = mapped_column()
    registered_at: Mapped[int | None] = mapped_column(BigInteger)
    dispatched_at: Mapped[int | None] = mapped_column(BigInteger)
    acknowledged_at: Mapped[int | None] = mapped_column(BigInteger)
    replied_at: Mapped[int | None] = mapped_column(BigInteger)
    reviewed_at: Mapped[int | None] = mapped_column(BigInteger)
    followed_up_at: Mapped[int | None] = mapped_column(BigInteger)
    """When a follow-up reached the citizen."""
    rated_at: Mapped[int | None] = mapped_column(BigInteger)
    closed_at: Mapped[int | None] = mapped_column(BigInteger)
    wake_at: Mapped[int | None] = mapped_column(BigInteger)
    """When the clock looks at it again; null when it need not."""

    events: Mapped[list[CaseEventRow]] = relationship(
        back_populates="case", order_by="(CaseEventRow.at, CaseEventRow.id)", lazy="raise"
    )

    __table_args__ = (
        Index("ix_case_opened_at", "opened_at"),
        Index("ix_case_hotline", "hotline"),
        Index("ix_case_state", "state"),
        Index("ix_case_unit_state", "unit", "state"),
        Index("ix_case_caller_number_opened_at", "caller_number", "opened_at"),
        Index("ix_case_contact_number", "contact_number"),
        Index("ix_case_wake_at", "wake_at"),
    )


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
    role: Mapped[str] = mapped_column(String(16), server_default="")
    """As what, `caselink.loop.Role`; "" for what a call told."""
    version: Mapped[int | None] = mapped_column(Integer)
    """Its place among the steps of the loop; null for what a call told, which may become known late."""
    data: Mapped[dict[str, Value]] = mapped_column(JSON, default=dict)

    case: Mapped[CaseRow] = relationship(back_populates="events", lazy="raise")

    __table_args__ = (Index("ux_case_event_version", "case_id", "version", unique=True),)


_RUNNING: Final = text("ended_at IS NULL")


class CaseLimitRow(Base):
    """One stage's time of a case, `caselink.casefile.Limit`."""

    __tablename__ = "case_limit"

    case_id: Mapped[int] = mapped_column(ForeignKey("case.id"), primary_key=True)
    place: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    """Counted from 0 in the order in which they began."""
    stage: Mapped[str] = mapped_column(String(16))
    unit: Mapped[str] = mapped_column(String(40))
    """Whose; "" for the centre."""
    started_at: Mapped[int] = mapped_column(BigInteger)
    due_at: Mapped[int] = mapped_column(BigInteger)
    is_extended: Mapped[bool] = mapped_column()
    ended_at: Mapped[int | None] = mapped_column(BigInteger)
    ended: Mapped[str] = mapped_column(String(8))
    """done, moved (the case was taken from who had it), "" while it runs."""

    __table_args__ = (
        Index("ix_case_limit_stage_due_at", "stage", "due_at"),
        # Few run at a time, whatever the years have brought: inboxes and lists of what is due read these alone.
        Index("ix_case_limit_running", "due_at", sqlite_where=_RUNNING, postgresql_where=_RUNNING),
        Index(
            "ix_case_limit_unit_running", "unit", "due_at", sqlite_where=_RUNNING, postgresql_where=_RUNNING
        ),
    )


class CaseNoticeRow(Base):
    """One message that is due (`caselink.notices`): made once, in the transaction of the step that it tells of."""

    __tablename__ = "case_notice"

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    notice_id: Mapped[str] = mapped_column(String(300), unique=True)
    """Made from the step, the means and who is told."""
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id"), index=True)
    event_id: Mapped[str] = mapped_column(String(widths.FACT_ID))
    at: Mapped[int] = mapped_column(BigInteger)
    why: Mapped[str] = mapped_column(String(24))
    """The action that it tells of."""
    means: Mapped[str] = mapped_column(String(12))
    unit: Mapped[str] = mapped_column(String(40))
    """Who is told; "" for the centre."""
    level: Mapped[str] = mapped_column(String(24))
    state: Mapped[str] = mapped_column(String(16))
    """inbox: it stands in the unit's inbox. waiting: for a channel that carries it."""

    __table_args__ = (Index("ix_case_notice_state", "state", "id"),)


class CaseDayRow(Base):
    """How many numbers a day has given out."""

    __tablename__ = "case_day"

    day: Mapped[str] = mapped_column(String(8), primary_key=True)
    """YYYYMMDD in the city's time."""
    last: Mapped[int] = mapped_column(Integer)


_REFUSED: Final = "case_event is append-only"
APPEND_ONLY: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "sqlite": tuple(
            f"CREATE TRIGGER case_event_no_{what.lower()} BEFORE {what} ON case_event "
            f"BEGIN SELECT RAISE(ABORT, '{_REFUSED}'); END"
            for what in ("UPDATE", "DELETE")
        ),
        "postgresql": (
            "CREATE OR REPLACE FUNCTION case_event_refuse() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{_REFUSED}'; END $$",
            "CREATE TRIGGER case_event_append_only BEFORE UPDATE OR DELETE OR TRUNCATE "
            "ON case_event FOR EACH STATEMENT EXECUTE FUNCTION case_event_refuse()",
        ),
    }
)
"""Statements by which each kind of database keeps the history append-only."""
_ddl: Final[Any] = DDL  # its types are missing
for _dialect, _statements in APPEND_ONLY.items():
    for _statement in _statements:
        event.listen(CaseEventRow.__table__, "after_create", _ddl(_statement).execute_if(dialect=_dialect))
