"""Alembic's entry: runs on the connection that `cti.migrate` hands over; there is no alembic.ini."""

from __future__ import annotations

from alembic import context

from cti.migrate import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata(),
    compare_type=True,
    # SQLite changes a column by copying its table.
    render_as_batch=True,
)
context.run_migrations()
