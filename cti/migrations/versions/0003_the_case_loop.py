"""The case loop: what a case comes to, its limits, its notices; its history can only be added to.

Revision 0003, after 0002.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# Written out, not taken from the models: a migration does for ever what it did when it was new.
_REFUSED = "case_event is append-only"
_SQLITE = tuple(
    f"CREATE TRIGGER case_event_no_{what.lower()} BEFORE {what} ON case_event "
    f"BEGIN SELECT RAISE(ABORT, '{_REFUSED}'); END"
    for what in ("UPDATE", "DELETE")
)
_POSTGRESQL = (
    "CREATE OR REPLACE FUNCTION case_event_refuse() RETURNS trigger LANGUAGE plpgsql AS "
    f"$$ BEGIN RAISE EXCEPTION '{_REFUSED}'; END $$",
    "CREATE TRIGGER case_event_append_only BEFORE UPDATE OR DELETE OR TRUNCATE "
    "ON case_event FOR EACH STATEMENT EXECUTE FUNCTION case_event_refuse()",
)


def upgrade() -> None:
    """Go forward."""
    # Defaults are plain constants: for anything else SQLite's table is made anew, and cases point at it.
    op.create_table(
        "case_limit",
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("place", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("stage", sa.String(length=16), nullable=False),
        sa.Column("unit", sa.String(length=40), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("is_extended", sa.Boolean(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("ended", sa.String(length=8), nullable=False),
        sa.ForeignKeyConstraint(
            ["case_id"],
            ["case.id"],
        ),
        sa.PrimaryKeyConstraint("case_id", "place"),
    )
    with op.batch_alter_table("case_limit", schema=None) as batch_op:
        batch_op.create_index("ix_case_limit_stage_due_at", ["stage", "due_at"], unique=False)
        batch_op.create_index("ix_case_limit_unit_due_at", ["unit", "due_at"], unique=False)

    op.create_table(
        "case_notice",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("notice_id", sa.String(length=300), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("event_id", sa.String(length=200), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("why", sa.String(length=24), nullable=False),
        sa.Column("means", sa.String(length=12), nullable=False),
        sa.Column("unit", sa.String(length=40), nullable=False),
        sa.Column("level", sa.String(length=24), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.ForeignKeyConstraint(
            ["case_id"],
            ["case.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("notice_id"),
    )
    with op.batch_alter_table("case_notice", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_case_notice_case_id"), ["case_id"], unique=False)
        batch_op.create_index("ix_case_notice_state", ["state", "id"], unique=False)

    with op.batch_alter_table("case", schema=None) as batch_op:
        batch_op.add_column(sa.Column("version", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("urgency", sa.String(length=16), server_default="", nullable=False))
        batch_op.add_column(sa.Column("topic", sa.Text(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("text", sa.Text(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("address", sa.Text(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("grid", sa.String(length=80), server_default="", nullable=False))
        batch_op.add_column(sa.Column("is_confidential", sa.Boolean(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("co_units", sa.String(length=400), server_default="", nullable=False))
        batch_op.add_column(sa.Column("parent", sa.String(length=16), server_default="", nullable=False))
        batch_op.add_column(sa.Column("repeat", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("repeats", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("returns", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("reworks", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("card", sa.String(length=16), server_default="", nullable=False))
        batch_op.add_column(sa.Column("is_supervised", sa.Boolean(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("rule", sa.String(length=24), server_default="", nullable=False))
        batch_op.add_column(sa.Column("contacted", sa.Boolean(), nullable=True))
        batch_op.add_column(sa.Column("solved", sa.Boolean(), nullable=True))
        batch_op.add_column(sa.Column("satisfied", sa.Boolean(), nullable=True))
        batch_op.add_column(sa.Column("registered_at", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("dispatched_at", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("acknowledged_at", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("replied_at", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("reviewed_at", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("followed_up_at", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("rated_at", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("closed_at", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("wake_at", sa.BigInteger(), nullable=True))
        batch_op.create_index("ix_case_caller_number_opened_at", ["caller_number", "opened_at"], unique=False)
        batch_op.create_index("ix_case_contact_number", ["contact_number"], unique=False)
        batch_op.create_index("ix_case_state", ["state"], unique=False)
        batch_op.create_index("ix_case_unit_state", ["unit", "state"], unique=False)
        batch_op.create_index("ix_case_wake_at", ["wake_at"], unique=False)

    with op.batch_alter_table("case_event", schema=None) as batch_op:
        batch_op.add_column(sa.Column("role", sa.String(length=16), server_default="", nullable=False))
        batch_op.add_column(sa.Column("version", sa.Integer(), nullable=True))
        batch_op.create_index("ux_case_event_version", ["case_id", "version"], unique=True)

    for statement in _SQLITE if op.get_bind().dialect.name == "sqlite" else _POSTGRESQL:
        op.execute(statement)


def downgrade() -> None:
    """Go back."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER case_event_no_update")
        op.execute("DROP TRIGGER case_event_no_delete")
    else:
        op.execute("DROP TRIGGER case_event_append_only ON case_event")
        op.execute("DROP FUNCTION case_event_refuse")

    with op.batch_alter_table("case_event", schema=None) as batch_op:
        batch_op.drop_index("ux_case_event_version")
        batch_op.drop_column("version")
        batch_op.drop_column("role")

    with op.batch_alter_table("case", schema=None) as batch_op:
        batch_op.drop_index("ix_case_wake_at")
        batch_op.drop_index("ix_case_unit_state")
        batch_op.drop_index("ix_case_state")
        batch_op.drop_index("ix_case_contact_number")
        batch_op.drop_index("ix_case_caller_number_opened_at")
        batch_op.drop_column("wake_at")
        batch_op.drop_column("closed_at")
        batch_op.drop_column("rated_at")
        batch_op.drop_column("followed_up_at")
        batch_op.drop_column("reviewed_at")
        batch_op.drop_column("replied_at")
        batch_op.drop_column("acknowledged_at")
        batch_op.drop_column("dispatched_at")
        batch_op.drop_column("registered_at")
        batch_op.drop_column("satisfied")
        batch_op.drop_column("solved")
        batch_op.drop_column("contacted")
        batch_op.drop_column("rule")
        batch_op.drop_column("is_supervised")
        batch_op.drop_column("card")
        batch_op.drop_column("reworks")
        batch_op.drop_column("returns")
        batch_op.drop_column("repeats")
        batch_op.drop_column("repeat")
        batch_op.drop_column("parent")
        batch_op.drop_column("co_units")
        batch_op.drop_column("is_confidential")
        batch_op.drop_column("grid")
        batch_op.drop_column("address")
        batch_op.drop_column("text")
        batch_op.drop_column("topic")
        batch_op.drop_column("urgency")
        batch_op.drop_column("version")

    with op.batch_alter_table("case_notice", schema=None) as batch_op:
        batch_op.drop_index("ix_case_notice_state")
        batch_op.drop_index(batch_op.f("ix_case_notice_case_id"))

    op.drop_table("case_notice")
    with op.batch_alter_table("case_limit", schema=None) as batch_op:
        batch_op.drop_index("ix_case_limit_unit_due_at")
        batch_op.drop_index("ix_case_limit_stage_due_at")

    op.drop_table("case_limit")
