"""The first tables: facts, calls and legs, recordings and transcripts, cases.

Revision 0001, the first.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.create_table(
        "call",
        sa.Column("call_id", sa.String(length=64), nullable=False),
        sa.Column("node", sa.String(length=20), nullable=False),
        sa.Column("dialed_number", sa.String(length=80), nullable=False),
        sa.Column("caller_number", sa.String(length=80), nullable=False),
        sa.Column("hotline", sa.String(length=80), nullable=False),
        sa.Column("queue", sa.String(length=80), nullable=False),
        sa.Column("arrived_at", sa.BigInteger(), nullable=False),
        sa.Column("queued_at", sa.BigInteger(), nullable=True),
        sa.Column("answered_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("agent", sa.String(length=80), nullable=False),
        sa.Column("seat", sa.String(length=80), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("wait_ms", sa.BigInteger(), nullable=True),
        sa.Column("talk_ms", sa.BigInteger(), nullable=False),
        sa.Column("folder", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("call_id"),
    )
    with op.batch_alter_table("call", schema=None) as batch_op:
        batch_op.create_index("ix_call_arrived_at", ["arrived_at"], unique=False)
        batch_op.create_index("ix_call_ended_at", ["ended_at"], unique=False)
        batch_op.create_index("ix_call_hotline_arrived_at", ["hotline", "arrived_at"], unique=False)

    op.create_table(
        "case",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=16), nullable=False),
        sa.Column("check_code", sa.String(length=6), nullable=False),
        sa.Column("call_id", sa.String(length=64), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("hotline", sa.String(length=80), nullable=False),
        sa.Column("dialed_number", sa.String(length=80), nullable=False),
        sa.Column("caller_number", sa.String(length=80), nullable=False),
        sa.Column("contact_number", sa.String(length=80), nullable=False),
        sa.Column("agent", sa.String(length=80), nullable=False),
        sa.Column("backend", sa.String(length=16), nullable=False),
        sa.Column("unit", sa.String(length=40), nullable=True),
        sa.Column("request_type", sa.String(length=24), nullable=True),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("call_id"),
        sa.UniqueConstraint("number"),
    )
    with op.batch_alter_table("case", schema=None) as batch_op:
        batch_op.create_index("ix_case_hotline", ["hotline"], unique=False)
        batch_op.create_index("ix_case_opened_at", ["opened_at"], unique=False)

    op.create_table(
        "case_day",
        sa.Column("day", sa.String(length=8), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day"),
    )
    op.create_table(
        "fact",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("fact_id", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("call_id", sa.String(length=64), nullable=False),
        sa.Column("leg", sa.String(length=64), nullable=False),
        sa.Column("node", sa.String(length=20), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("fact_id"),
    )
    with op.batch_alter_table("fact", schema=None) as batch_op:
        batch_op.create_index("ix_fact_call_id", ["call_id"], unique=False)
        batch_op.create_index("ix_fact_kind_at", ["kind", "at"], unique=False)

    op.create_table(
        "leg",
        sa.Column("leg", sa.String(length=64), nullable=False),
        sa.Column("call_id", sa.String(length=64), nullable=False),
        sa.Column("channel", sa.String(length=80), nullable=False),
        sa.Column("seat", sa.String(length=80), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=True),
        sa.Column("answered_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("cause", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("leg"),
    )
    with op.batch_alter_table("leg", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_leg_call_id"), ["call_id"], unique=False)

    op.create_table(
        "recording",
        sa.Column("call_id", sa.String(length=64), nullable=False),
        sa.Column("folder", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("sealed_at", sa.BigInteger(), nullable=False),
        sa.Column("duration_ms", sa.Integer(), nullable=False),
        sa.Column("sample_rate", sa.Integer(), nullable=False),
        sa.Column("sha256_citizen", sa.String(length=64), nullable=False),
        sa.Column("sha256_agent", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("call_id"),
    )
    with op.batch_alter_table("recording", schema=None) as batch_op:
        batch_op.create_index("ix_recording_started_at", ["started_at"], unique=False)

    op.create_table(
        "transcript",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("call_id", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("engine", sa.String(length=32), nullable=False),
        sa.Column("model", sa.String(length=200), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("audio_ms", sa.Integer(), nullable=False),
        sa.Column("took_ms", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("call_id"),
    )
    op.create_table(
        "case_event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("event_id", sa.String(length=200), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("action", sa.String(length=24), nullable=False),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["case_id"],
            ["case.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("event_id"),
    )
    with op.batch_alter_table("case_event", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_case_event_case_id"), ["case_id"], unique=False)

    op.create_table(
        "segment",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("transcript_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("speaker", sa.String(length=8), nullable=False),
        sa.Column("start_ms", sa.Integer(), nullable=False),
        sa.Column("end_ms", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("confidence", sa.Float(), nullable=False),
        sa.Column("words", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["transcript_id"], ["transcript.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("segment", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_segment_transcript_id"), ["transcript_id"], unique=False)


def downgrade() -> None:
    """Go back."""
    with op.batch_alter_table("segment", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_segment_transcript_id"))

    op.drop_table("segment")
    with op.batch_alter_table("case_event", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_case_event_case_id"))

    op.drop_table("case_event")
    op.drop_table("transcript")
    with op.batch_alter_table("recording", schema=None) as batch_op:
        batch_op.drop_index("ix_recording_started_at")

    op.drop_table("recording")
    with op.batch_alter_table("leg", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_leg_call_id"))

    op.drop_table("leg")
    with op.batch_alter_table("fact", schema=None) as batch_op:
        batch_op.drop_index("ix_fact_kind_at")
        batch_op.drop_index("ix_fact_call_id")

    op.drop_table("fact")
    op.drop_table("case_day")
    with op.batch_alter_table("case", schema=None) as batch_op:
        batch_op.drop_index("ix_case_opened_at")
        batch_op.drop_index("ix_case_hotline")

    op.drop_table("case")
    with op.batch_alter_table("call", schema=None) as batch_op:
        batch_op.drop_index("ix_call_hotline_arrived_at")
        batch_op.drop_index("ix_call_ended_at")
        batch_op.drop_index("ix_call_arrived_at")

    op.drop_table("call")
