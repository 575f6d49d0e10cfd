"""What the commands that change cases share: SQL opened for work, and who acts."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import cast, get_args

import asyncpg  # type: ignore[import-untyped]
from sqlalchemy.exc import DBAPIError

from caselink.loop import Role
from caselink.rulebook import Rulebook
from caselink.steps import StepError, read
from caselink.work import Casework
from config import City
from config.paths import Paths
from config.sentences import did_you_mean, one_of
from cti.app.commands.common import WRONG_USE, fail
from cti.facts import Value
from cti.sql import Sessions, database_url, open_database, sessions
from ivr.calendar import Calendar

_WHO = re.compile(r"[\w.-]{1,80}")


@asynccontextmanager
async def working(city: City, paths: Paths) -> AsyncIterator[tuple[Sessions, Rulebook]]:
    """Open the database for work; one that is not there or away ends the command with a line that says so."""
    if city.platform.database.url is None and not paths.database.is_file():
        fail(f"there is no database at {paths.database} yet; start the platform once: yht up")
    engine = open_database(database_url(paths.database, city.platform.database.url))
    try:
        yield sessions(engine), rulebook(city)
    except (DBAPIError, OSError, asyncpg.PostgresError) as error:
        inner = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
        reason = (str(inner).splitlines() or [type(inner).__name__])[0]
        if any(words in reason for words in ("no such table", "no such column", "does not exist")):
            fail(f"the database is not of this version ({reason}); start the platform once: yht up")
        fail(f"the database can not be worked on: {reason}")
    finally:
        await engine.dispose()


def rulebook(city: City) -> Rulebook:
    """Return what a city says about working on cases."""
    return Rulebook.of(city, Calendar(city.platform.days_off, city.platform.workdays))


def casework(made: Sessions, book: Rulebook) -> Casework:
    """Return the front door of cases for one command."""
    return Casework(made, lambda: book)


def actor(text: str, city: City) -> tuple[Role, str]:
    """Return who `--as ROLE:WHO` names; what is wrong with it ends the command."""
    name, _, who = text.partition(":")
    people = [role for role in get_args(Role) if role != "system"]
    if name not in people:
        fail(
            f"--as {text!r} names no role; {did_you_mean(name, people)}write ROLE:WHO with one of {one_of(people)}",
            WRONG_USE,
        )
    role = cast(Role, name)
    if role == "citizen":
        return role, ""
    if role == "agent":
        _known(who, "agent", city.agent)
    # A unit that is no more may still be a case's; the case itself says whether it is.
    if not _WHO.fullmatch(who):
        like = f"{name}:ID, yht unit list shows them" if "unit" in name else f"{name}:1001"
        fail(f"--as {text!r} says not who; write such as {like}", WRONG_USE)
    return role, who


def _known(who: str, what: str, ids: Iterable[str]) -> None:
    if who not in ids:
        fail(f"there is no {what} {who!r}; there are: {one_of(sorted(ids))}")


def data(pairs: Iterable[str], timezone: str) -> dict[str, Value]:
    """Return what KEY=VALUE texts say; what is wrong with one ends the command."""
    found: dict[str, Value] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            fail(f"{pair[:40]!r} is no KEY=VALUE", WRONG_USE)
        if name in found:
            fail(f"{name!r} is given twice", WRONG_USE)
        try:
            found[name] = read(name, value, timezone)
        except StepError as error:
            fail(str(error), WRONG_USE)
    return found
