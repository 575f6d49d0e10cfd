"""A ledger that is killed at any moment, again and again: in the end every fact is in SQL once."""

from __future__ import annotations

import json
import random
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import redis

from cti.facts import Fact
from cti.ledger import DEAD, project
from cti.migrate import upgrade
from cti.sql import database_url
from tests.contract.journal_writer import append, facts_in, many, rotate
from tests.contract.ledger_process import paths_of
from tests.waiting import eventually

pytestmark = pytest.mark.contract

CHECKOUT = Path(__file__).parents[2]
KILLS = 4


def start(home: Path, socket: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.contract.ledger_process", str(home), f"unix://{socket}"]
    return subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def query(home: Path, statement: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(paths_of(home).database, timeout=30)) as connection:
        return connection.execute(statement).fetchall()


class Asterisk(threading.Thread):
    """Writes calls into a journal at a steady pace, and has it rotated now and then."""

    def __init__(self, journal: Path, lines: list[bytes], chance: random.Random) -> None:
        super().__init__(name="asterisk")
        self._journal = journal
        self._lines = lines
        self._chance = chance

    def run(self) -> None:
        rotated = 0
        for line in self._lines:
            if self._journal.exists() and self._chance.random() < 0.005:
                rotated += 1
                rotate(self._journal, f"calls.json.{rotated}")
            half = self._chance.randrange(len(line)) if self._chance.random() < 0.05 else len(line)
            append(self._journal, line[:half])
            if half < len(line):
                time.sleep(0.002)
                append(self._journal, line[half:])
            time.sleep(0.002)


@pytest.mark.parametrize("is_redis_emptied", [False, True], ids=["redis_stays", "redis_is_emptied"])
@pytest.mark.timeout(180)
def test_every_fact_is_stored_once_whenever_the_ledger_is_killed(
    tmp_path: Path, redis_socket: Path, is_redis_emptied: bool
) -> None:
    seed = random.randrange(10**6)
    chance = random.Random(seed)
    home = tmp_path / "home"
    paths = paths_of(home)
    paths.journal.parent.mkdir(parents=True)
    upgrade(database_url(paths.database, None))
    lines = list(many(200))
    expected = facts_in(lines)
    asterisk = Asterisk(paths.journal, lines, chance)
    asterisk.start()
    client = redis.Redis(unix_socket_path=str(redis_socket))
    ledger = start(home, redis_socket)
    try:
        for _ in range(KILLS):
            before = query(home, "SELECT count(*) FROM fact")[0][0]
            eventually(
                lambda before=before: (
                    query(home, "SELECT count(*) FROM fact")[0][0] > before or not asterisk.is_alive()
                ),
                "the ledger stores something",
                30,
            )
            time.sleep(chance.random() * 0.3)
            ledger.kill()
            ledger.wait(10)
            if is_redis_emptied and chance.random() < 0.5:
                client.flushall()
            ledger = start(home, redis_socket)
        asterisk.join(60)
        eventually(
            lambda: (
                query(home, "SELECT count(*) FROM fact WHERE kind <> 'case_opened'")[0][0] >= len(expected)
            ),
            f"every fact is stored (seed {seed})",
            30,
        )
        ledger.terminate()
        assert ledger.wait(15) == 0
    finally:
        if ledger.poll() is None:
            ledger.kill()
            ledger.wait(10)
    told = f"seed {seed}"
    stored = query(home, "SELECT fact_id FROM fact WHERE kind <> 'case_opened'")
    assert sorted(fact_id for (fact_id,) in stored) == sorted(expected), told
    assert client.xlen("{yht}:facts") == 0, told
    assert client.xlen(DEAD) == 0, told
    by_call: dict[str, list[Fact]] = {}
    for fact in expected.values():
        by_call.setdefault(fact.call_id, []).append(fact)
    rows = dict(query(home, "SELECT call_id, outcome || ' ' || talk_ms FROM call"))
    calls = {call_id: project.call(facts) for call_id, facts in by_call.items()}
    assert rows == {call_id: f"{call.outcome} {call.talk_ms}" for call_id, call in calls.items() if call}, (
        told
    )
    answered = {call_id for call_id, facts in by_call.items() if any(f.kind == "answered" for f in facts)}
    cases = query(home, 'SELECT call_id FROM "case"')
    assert answered <= {call_id for (call_id,) in cases}, told
    assert len(cases) == len(set(cases)) == len(query(home, "SELECT 1 FROM fact WHERE kind = 'case_opened'"))
    recorded = {call_id for call_id, call in calls.items() if call and call.folder}
    jobs = [fields[b"call_id"].decode() for _, fields in client.xrange("{yht}:jobs:transcribe")]
    if not is_redis_emptied:
        assert sorted(jobs) == sorted(recorded), told
    assert set(jobs) <= recorded, told
    client.close()


def test_a_ledger_told_to_stop_stores_first_what_the_journal_holds(
    tmp_path: Path, redis_socket: Path
) -> None:
    home = tmp_path / "home"
    paths = paths_of(home)
    paths.journal.parent.mkdir(parents=True)
    upgrade(database_url(paths.database, None))
    lines = list(many(20))
    ledger = start(home, redis_socket)
    try:
        append(paths.journal, lines[0])
        eventually(lambda: bool(query(home, "SELECT 1 FROM fact")), "the ledger works", 30)
        append(paths.journal, *lines[1:])
        ledger.terminate()
        assert ledger.wait(15) == 0
    finally:
        if ledger.poll() is None:
            ledger.kill()
            ledger.wait(10)
    stored = query(home, "SELECT count(*) FROM fact WHERE kind <> 'case_opened'")
    assert stored == [(len(facts_in(lines)),)]
    client = redis.Redis(unix_socket_path=str(redis_socket))
    position = client.hgetall("{yht}:journal:n1")
    assert json.loads(position[b"offset"]) == paths.journal.stat().st_size
    client.close()
