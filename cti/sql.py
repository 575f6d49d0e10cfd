"""The SQL side of the house: one base for all tables, one way to open a database."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import asyncpg  # type: ignore[import-untyped]
from sqlalchemy import event
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase

from cti import sqlite

Sessions = async_sessionmaker[AsyncSession]

AWAY: Final = (SQLAlchemyError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError)
"""What is raised where a database is not in reach or refuses; not every layer wraps what asyncpg says."""


class Base(DeclarativeBase):
    """Every table of the platform."""


def database_url(database: Path, configured: str | None) -> str:
    """Return the URL of the city's own database, else of the private SQLite file."""
    if configured:
        return configured.replace("postgresql://", "postgresql+asyncpg://", 1)
    return f"sqlite+aiosqlite:///{database}"


def open_database(url: str) -> AsyncEngine:
    """Open a database. SQLite is set up so that readers never wait for the writer.

    What a statement carries (numbers of citizens, check codes) stays out of the messages of its errors.
    """
    if not url.startswith("sqlite"):
        return create_async_engine(url, pool_pre_ping=True, hide_parameters=True)
    options = {"timeout": 30, "async_creator_fn": sqlite.connect}
    engine = create_async_engine(url, connect_args=options, hide_parameters=True)

    @event.listens_for(engine.sync_engine, "connect")
    def _set_up(connection: Any, _record: Any) -> None:
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "busy_timeout=30000"):
            connection.execute(f"PRAGMA {pragma}")

    return engine


def sessions(engine: AsyncEngine) -> Sessions:
    """Return the maker of sessions; what they loaded stays readable after a commit."""
    return async_sessionmaker(engine, expire_on_commit=False)
