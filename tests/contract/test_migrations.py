"""The migrations come to exactly the models, on both databases, whole or not at all, however many do it at once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DBAPIError

from caselink.work import Casework
from cti.migrate import MigrationError, metadata, upgrade
from cti.sql import database_url, open_database, sessions
from tests.contract.cases_at_work import rulebook

pytestmark = pytest.mark.contract

CHECKOUT = Path(__file__).parents[2]


async def differences(url: str) -> list[object]:
    def compare(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, metadata()))

    engine = open_database(url)
    async with engine.connect() as connection:
        found = await connection.run_sync(compare)
    await engine.dispose()
    return found


async def tables(url: str) -> set[str]:
    engine = open_database(url)
    async with engine.connect() as connection:
        names = await connection.run_sync(lambda inner: set(inspect(inner).get_table_names()))
    await engine.dispose()
    return names


def in_a_process(url: str, before: str = "") -> subprocess.Popen[bytes]:
    script = f"import sys\n{before}\nfrom cti.migrate import upgrade\nupgrade(sys.argv[1])\n"
    return subprocess.Popen([sys.executable, "-c", script, url], cwd=CHECKOUT, stderr=subprocess.PIPE)


def run(url: str) -> None:
    """In a process of its own: `upgrade` runs a loop, as this test does."""
    process = in_a_process(url)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 0, said.decode()


async def test_a_fresh_database_gets_exactly_the_tables_of_the_models(sql_url: str) -> None:
    run(sql_url)
    assert await differences(sql_url) == []
    assert await tables(sql_url) == {*metadata().tables, "alembic_version"}


async def test_once_more_changes_nothing(sql_url: str) -> None:
    run(sql_url)
    run(sql_url)
    assert await differences(sql_url) == []


async def test_three_at_once_wait_for_each_other(sql_url: str) -> None:
    processes = [in_a_process(sql_url) for _ in range(3)]
    for process in processes:
        _, said = process.communicate(timeout=60)
        assert process.returncode == 0, said.decode()
    assert await differences(sql_url) == []


async def test_one_that_is_killed_in_the_middle_leaves_nothing_half_done(sql_url: str) -> None:
    killer = (
        "import os, signal\n"
        "from alembic import op\n"
        "made = []\n"
        "create = op.create_table\n"
        "def create_table(*arguments, **options):\n"
        "    create(*arguments, **options)\n"
        "    made.append(1)\n"
        "    if len(made) == 4: os.kill(os.getpid(), signal.SIGKILL)\n"
        "op.create_table = create_table\n"
    )
    process = in_a_process(sql_url, killer)
    process.communicate(timeout=60)
    assert process.returncode == -9
    assert await tables(sql_url) <= {"alembic_version"}
    run(sql_url)
    assert await differences(sql_url) == []


async def test_a_database_of_a_newer_platform_is_left_alone_and_said_so(sql_url: str) -> None:
    run(sql_url)
    engine = open_database(sql_url)
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    await engine.dispose()
    process = in_a_process(sql_url)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert b"another version of the platform" in said


def test_a_database_out_of_reach_is_said_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises((OSError, MigrationError)):
        upgrade(database_url(tmp_path, f"postgresql://yht@/none?host={tmp_path}"))


def test_a_file_that_is_no_database_is_left_as_it_is(tmp_path: Path) -> None:
    from sqlalchemy.exc import SQLAlchemyError

    file = tmp_path / "db" / "yihaotong.sqlite3"
    file.parent.mkdir()
    file.write_text("not a database, but somebody's letter\n" * 50)
    with pytest.raises(SQLAlchemyError):
        upgrade(database_url(file, None))
    assert file.read_text().startswith("not a database")


BEFORE_THE_LOOP = """
import asyncio, sys
from alembic import command
from sqlalchemy import text
from cti.migrate import _run
from cti.sql import open_database

async def fill(url):
    engine = open_database(url)
    async with engine.begin() as connection:
        await connection.execute(text(
            "INSERT INTO \\"case\\" (id, number, check_code, call_id, channel, state, hotline, dialed_number,"
            " caller_number, contact_number, agent, backend, unit, request_type, opened_at) VALUES (1,"
            " '20261125000001', '123456', 'n1-1.1', 'phone', 'received', '12345', '12345', '13800000001', '',"
            " '1001', 'platform', NULL, NULL, 1795572000000000)"
        ))
        await connection.execute(text(
            "INSERT INTO case_event (id, event_id, case_id, at, action, state, actor, data) VALUES"
            " (1, 'case_opened:n1-1.1', 1, 1795572000000000, 'open', 'received', '1001', '{}'),"
            " (2, 'answered:n1-1.1', 1, 1795572000000000, 'answer', 'received', '1001', '{}')"
        ))
        if not url.startswith("sqlite"):
            await connection.execute(text("SELECT setval('case_event_id_seq', 2), setval('case_id_seq', 1)"))
    await engine.dispose()

url = sys.argv[1]
asyncio.run(_run(url, lambda config: command.upgrade(config, "0002")))
asyncio.run(fill(url))
"""


def fill(url: str) -> None:
    """Make a database of the version before, with a case in it."""
    arguments = [sys.executable, "-c", BEFORE_THE_LOOP, url]
    made = subprocess.run(arguments, cwd=CHECKOUT, capture_output=True, timeout=60, check=False)
    assert made.returncode == 0, made.stderr.decode()


async def test_a_case_from_before_the_loop_goes_on_in_it(sql_url: str) -> None:
    fill(sql_url)
    run(sql_url)
    assert await differences(sql_url) == []
    engine = open_database(sql_url)
    book = rulebook()
    data = {"request_type": "help", "urgency": "normal", "text": "路灯坏了"}
    done = await Casework(sessions(engine), lambda: book).step(
        "20261125000001", "register", "agent", "1001", data, 1_795_572_060_000_000
    )
    assert (done.case.state, done.case.version) == ("registered", 1)
    async with engine.connect() as connection:
        with pytest.raises(DBAPIError, match="append-only"):
            await connection.execute(text("DELETE FROM case_event"))
    await engine.dispose()
