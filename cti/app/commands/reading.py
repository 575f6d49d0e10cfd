"""What the commands that show things share: SQL and Redis opened for reading, and a page on the terminal."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Annotated, Any, Final

import asyncpg  # type: ignore[import-untyped]
import typer
from redis.asyncio import Redis
from redis.exceptions import RedisError
from rich.console import Console, RenderableType
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from config import City
from config.paths import Paths
from cti import live
from cti.app.commands.common import fail
from cti.app.views.words import since
from cti.clock import now_us as now_us
from cti.sql import database_url, open_database, sessions

FullOption = Annotated[
    bool, typer.Option("--full", help="Show citizens' numbers whole; without it their middle is masked.")
]
LimitOption = Annotated[
    int, typer.Option("--limit", "-n", min=1, max=100_000, metavar="N", help="Show at most N, the newest.")
]
SinceOption = Annotated[
    str,
    typer.Option(
        "--since",
        metavar="WHEN",
        help="Only from then on: 30m, 2h, 3d, today, 08:00, 2026-11-24, 2026-11-24T08:00.",
    ),
]
HotlineOption = Annotated[str, typer.Option("--hotline", metavar="ID", help="Only those of this hotline.")]


ANSWER_SECONDS: Final = 3.0
"""A Redis that takes a connection and says nothing for this long hangs."""


@asynccontextmanager
async def reading(city: City, paths: Paths) -> AsyncIterator[AsyncSession]:
    """Open the database for reading; one that is not there or away ends the command with a line that says so."""
    if city.platform.database.url is None and not paths.database.is_file():
        fail(f"there is no database at {paths.database} yet; start the platform once: yht up")
    engine = open_database(database_url(paths.database, city.platform.database.url))
    try:
        async with sessions(engine)() as session:
            yield session
    except (DBAPIError, OSError, asyncpg.PostgresError) as error:
        inner = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
        reason = (str(inner).splitlines() or [type(inner).__name__])[0]
        if "no such table" in reason or "does not exist" in reason:
            fail(f"the database is not set up yet ({reason}); start the platform once: yht up")
        fail(f"the database can not be read: {reason}")
    finally:
        await engine.dispose()


@asynccontextmanager
async def living(city: City, paths: Paths) -> AsyncIterator[Redis[str]]:
    """Open Redis; one that is not there ends the command with a line that says so."""
    redis: Any = live.connect(city, paths)  # Any: the types of redis are older than its aclose
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            await redis.ping()
        yield redis
    except (RedisError, OSError):
        fail("Redis does not answer, so nothing live can be told; does the platform run? yht status")
    finally:
        await redis.aclose()


def moment(text: str, city: City) -> int:
    """Return the moment that `--since` names, 0 for none; one that can not be read ends the command."""
    if not text:
        return 0
    try:
        return since(text, now_us(), city.platform.timezone)
    except (ValueError, OverflowError) as error:
        raise typer.BadParameter(str(error), param_hint="--since") from None


def known(what: str, name: str, names: Iterable[str]) -> str:
    """Return a name that a filter uses if it is "" or among `names`, else end the command and say which there are."""
    listed = sorted(names)
    if name and name not in listed:
        shown = ", ".join(listed[:20]) + (", …" if len(listed) > 20 else "")
        fail(f"there is no {what} {name!r}; there are: {shown or 'none'}")
    return name


def show_page(page: RenderableType) -> None:
    """Print a page; long lines are left whole, so that what is copied from them is whole too."""
    console = Console(width=None if sys.stdout.isatty() else 200, highlight=False)
    console.print(page, soft_wrap=True, markup=False)
