"""A clock of cases in a process of its own, so that a test can kill it: clock_process DATABASE_URL NOW_US."""

from __future__ import annotations

import asyncio
import sys

from caselink.clock import Clock
from cti.sql import open_database, sessions
from tests.contract.cases_at_work import rulebook


async def main(url: str, now: int) -> None:
    engine = open_database(url)
    book = rulebook()
    await Clock(sessions(engine), lambda: book, lambda: now).turn()
    await engine.dispose()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
