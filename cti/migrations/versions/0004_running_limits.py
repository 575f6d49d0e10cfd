"""Find the limits that run without reading those that are over.

Revision 0004, after 0003.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_RUNNING = sa.text("ended_at IS NULL")


def upgrade() -> None:
    """Go forward."""
    op.drop_index("ix_case_limit_unit_due_at", table_name="case_limit")
    for name, columns in (
        ("ix_case_limit_running", ["due_at"]),
        ("ix_case_limit_unit_running", ["unit", "due_at"]),
    ):
        op.create_index(
            name, "case_limit", columns, sqlite_where=_RUNNING, postgresql_where=_RUNNING, unique=False
        )


def downgrade() -> None:
    """Go back."""
    op.drop_index("ix_case_limit_unit_running", table_name="case_limit")
    op.drop_index("ix_case_limit_running", table_name="case_limit")
    op.create_index("ix_case_limit_unit_due_at", "case_limit", ["unit", "due_at"], unique=False)
