"""Where recordings are kept, what holds them, and who did what with them.

Revision 0002, after 0001.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# Written out, not taken from the models: a migration does for ever what it did when it was new.
_REFUSED = "recording_access is append-only"
_SQLITE = tuple(
    f"CREATE TRIGGER recording_access_no_{what.lower()} BEFORE {what} ON recording_access "
    f"BEGIN SELECT RAISE(ABORT, '{_REFUSED}'); END"
    for what in ("UPDATE", "DELETE")
)
_POSTGRESQL = (
    "CREATE OR REPLACE FUNCTION recording_access_refuse() RETURNS trigger LANGUAGE plpgsql AS "
    f"$$ BEGIN RAISE EXCEPTION '{_REFUSED}'; END $$",
    "CREATE TRIGGER recording_access_append_only BEFORE UPDATE OR DELETE OR TRUNCATE "
    "ON recording_access FOR EACH STATEMENT EXECUTE FUNCTION recording_access_refuse()",
)


def upgrade() -> None:
    """Go forward."""
    with op.batch_alter_table("recording", schema=None) as batch_op:
        batch_op.add_column(sa.Column("chain_hash", sa.String(length=64), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("store", sa.String(length=200), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("hold", sa.Text(), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("deleted_at", sa.BigInteger(), nullable=True))
    op.create_table(
        "recording_access",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("who", sa.String(length=80), nullable=False),
        sa.Column("action", sa.String(length=24), nullable=False),
        sa.Column("call_id", sa.String(length=64), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_recording_access_call_id", "recording_access", ["call_id"])
    op.create_index("ix_recording_access_at", "recording_access", ["at"])
    for statement in _SQLITE if op.get_bind().dialect.name == "sqlite" else _POSTGRESQL:
        op.execute(statement)


def downgrade() -> None:
    """Go back."""
    op.drop_table("recording_access")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION recording_access_refuse()")
    with op.batch_alter_table("recording", schema=None) as batch_op:
        for column in ("deleted_at", "hold", "store", "chain_hash"):
            batch_op.drop_column(column)
