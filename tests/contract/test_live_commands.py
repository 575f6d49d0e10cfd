"""`yht agent`, `queue`, `transcript` on a real Redis and, for what changes agents, a real hall."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import redis.asyncio
import structlog.testing
from typer.testing import CliRunner, Result

from acd.commands import Commands
from acd.hall import Hall
from acd.policy import Policy
from acd.resync import Sight
from acd.store import Store
from caselink import Opening
from config import load
from config.paths import Paths
from cti import inforce
from cti.app import cli
from cti.ledger import store as ledger
from cti.sql import Base, database_url, open_database, sessions
from recorder import store
from recorder.jobs import DEAD, STREAM, Jobs
from recorder.transcript import Transcript
from tests.contract.call_of_12319 import CALL, FOLDER, START, whole_call

pytestmark = pytest.mark.contract

FIRST = "n1-1795579100.1"
SECOND = "n1-1795579101.2"


def _now() -> int:
    return time.time_ns() // 1000


class Live:
    """A home whose Redis runs, and `yht` on it."""

    def __init__(self, home: Path, redis: Any) -> None:
        self.paths = Paths.find(home, environment={})
        self.city = load(self.paths.config_dir)
        self.redis = redis

    async def yht(self, *arguments: str, code: int = 0) -> Result:
        """Run a command beside the loop; its exit code must be as expected."""
        given = ["--home", str(self.paths.home), *arguments]
        result = await asyncio.to_thread(CliRunner().invoke, cli.app, given)
        assert result.exit_code == code, result.output
        return result

    async def json(self, *arguments: str) -> Any:
        """Run a command with --json; return what it says."""
        return json.loads((await self.yht(*arguments, "--json")).stdout)


@pytest.fixture
async def live(tmp_path: Path, redis_socket: Path) -> AsyncIterator[Live]:
    home = tmp_path / "home"
    (home / "run").mkdir(parents=True)
    (home / "run" / "redis.sock").symlink_to(redis_socket)
    client: Any = redis.asyncio.Redis(unix_socket_path=str(redis_socket), decode_responses=True)
    yield Live(home, client)
    await client.aclose()


class NoAsterisk:
    """Steers nothing: these agents get no calls."""

    async def offer(self, node: str, channel: str, seat: str, offer: str, agent: str) -> None:
        raise AssertionError("nobody is to be offered a call here")

    async def look(self, node: str) -> Sight:
        raise AssertionError("no node is looked at here")


@pytest.fixture
async def engine(live: Live) -> AsyncIterator[None]:
    """A hall that takes commands; its log lines are kept out of what the commands print."""
    hall = Hall(Store(live.redis, "e1", _now), NoAsterisk(), Policy.of(live.city), _now)
    commands = Commands(live.redis, hall, "e1")
    with structlog.testing.capture_logs():
        await hall.start()
        await commands.start()
        yield
        await commands.stop()
        await hall.stop()


@pytest.mark.usefixtures("engine")
async def test_an_agent_signs_in_takes_a_break_and_signs_out(live: Live) -> None:
    said = await live.yht("agent", "sign-in", "1001")
    assert said.stdout == "agent 1001 林晓梅 is not ready (signed in) at seat 1001\n"
    assert (await live.yht("agent", "ready", "1001")).stdout == "agent 1001 林晓梅 is ready at seat 1001\n"
    assert (await live.json("agent", "not-ready", "1001", "--reason", "lunch"))["reason"] == "lunch"
    first = (await live.json("agent", "list"))[0]
    assert (first["id"], first["state"], first["reason"], first["seat"]) == (
        "1001",
        "not_ready",
        "lunch",
        "1001",
    )
    assert (first["name"], first["queues"], first["known"]) == ("林晓梅", ["general"], True)
    assert 0 <= first["for_ms"] < 60_000
    assert "not ready (lunch)" in (await live.yht("agent", "list", "--signed-in")).stdout
    assert (await live.yht("agent", "sign-out", "1001")).stdout == "agent 1001 林晓梅 is signed out\n"
    assert "Nobody is signed in." in (await live.yht("agent", "list", "--signed-in")).stdout


@pytest.mark.usefixtures("engine")
async def test_an_agent_is_ready_at_another_seat_in_one_command(live: Live) -> None:
    told = await live.json("agent", "sign-in", "1001", "--seat", "1002", "--ready")
    assert (told["state"], told["seat"]) == ("ready", "1002")
    refused = await live.yht("agent", "sign-in", "1002", code=1)
    assert refused.stderr == "yht: seat 1002 is taken by agent 1001; sign that agent out first\n"


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("sign-in", "4711"), "agent 4711 is not in the city's agents.yaml"),
        (("sign-in", "1001", "--seat", "99"), "seat 99 is not among the seats"),
        (("ready", "1001"), "agent 1001 is not signed in"),
        (("not-ready", "1001", "--reason", "x" * 50), "reason is a text of at most 40 letters"),
    ],
)
async def test_what_can_not_be_done_is_one_line(live: Live, arguments: tuple[str, ...], says: str) -> None:
    result = await live.yht("agent", *arguments, code=1)
    assert says in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.usefixtures("engine")
async def test_who_is_ready_without_a_phone_is_told_what_is_missing(live: Live) -> None:
    await live.yht("agent", "sign-in", "1001")
    await Store(live.redis, "e2", _now).seat_state("1001", reachable=False)
    said = await live.yht("agent", "ready", "1001")
    assert said.stdout == "agent 1001 林晓梅 is ready as soon as the phone of seat 1001 can be reached\n"


async def test_what_runs_is_told_by_the_city_in_force_while_another_is_half_written(
    live: Live, tmp_path: Path
) -> None:
    city = tmp_path / "city"
    shutil.copytree(live.paths.config_dir, city)
    paths = Paths.find(live.paths.home, city, environment={})
    inforce.put(paths, load(city))
    (city / "queues.yaml").write_text("queues: [")
    assert len(await live.json("--config", str(city), "agent", "list")) == len(live.city.agents)
    wrong = await live.yht("--config", str(city), "line", "list", code=1)
    assert "queues.yaml" in wrong.stderr


async def test_a_redis_that_hangs_is_told_within_seconds(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "run").mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as deaf:
        deaf.bind(str(home / "run" / "redis.sock"))
        deaf.listen()
        result = await Live(home, None).yht("agent", "list", code=1)
        again = await Live(home, None).yht("run", "redis", code=1)
    assert result.stderr.startswith("yht: Redis does not answer")
    assert again.stderr == f"yht: redis runs in {home} already; see: yht status\n"


async def test_without_an_engine_the_command_says_what_to_look_at(live: Live) -> None:
    result = await live.yht("agent", "ready", "1001", code=1)
    assert result.stderr == "yht: no engine answers within 3 s; is the platform up? yht status\n"


async def test_queues_count_who_waits_and_who_could_answer(live: Live) -> None:
    now = _now()
    store = Store(live.redis, "e1", _now)
    for agent, ready in (("1001", True), ("1002", True), ("1003", False)):
        await store.sign_in(agent, agent, ("general",))
        if ready:
            await store.ready(agent)
    for call, state, seconds in ((FIRST, "offered", 60), (SECOND, "waiting", 20)):
        row = {"state": state, "queue": "general", "queued_at": str(now - seconds * 1_000_000)}
        await live.redis.hset(f"{{yht}}:call:{call}", mapping=row)
        await live.redis.zadd("{yht}:queue:general", {call: seconds})
    await live.redis.hset("{yht}:agent:1001", "state", "talking")
    general = next(queue for queue in await live.json("queue", "list") if queue["id"] == "general")
    assert (general["waiting"], general["offered"]) == (1, 1)
    assert (general["ready"], general["talking"], general["not_ready"]) == (1, 1, 1)
    assert 60_000 <= general["longest_wait_ms"] < 90_000
    assert "1 min" in (await live.yht("queue", "list")).stdout


async def test_a_queue_nobody_configured_is_not_hidden(live: Live) -> None:
    await live.redis.zadd("{yht}:queue:closed", {FIRST: 1})
    closed = next(queue for queue in await live.json("queue", "list") if queue["id"] == "closed")
    assert (closed["known"], closed["waiting"], closed["longest_wait_ms"]) == (False, 0, 0)
    assert "not in the configuration" in (await live.yht("queue", "list")).stdout


async def test_agents_are_listed_before_anybody_ever_signed_in(live: Live) -> None:
    people = await live.json("agent", "list")
    assert {agent["state"] for agent in people} == {"signed_out"}
    assert {agent["since"] for agent in people} == {None}
    assert {"1001", "1002"} <= {agent["id"] for agent in people}


# Transcripts that did not come to be


async def _call(live: Live, transcript: Transcript | None = None) -> None:
    live.paths.database.parent.mkdir(parents=True, exist_ok=True)
    sql = open_database(database_url(live.paths.database, None))
    async with sql.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    async with sessions(sql).begin() as session:
        new = await ledger.insert_new(session, [fact for fact in whole_call() if fact.kind != "case_opened"])
        known = await ledger.project_calls(session, new)
        await Opening(lambda: live.city).project(session, new, known)
        if transcript is not None:
            await store.save_transcript(session, transcript)
    await sql.dispose()


async def _bury(live: Live, count: int, error: str) -> Jobs:
    jobs = Jobs(live.redis, "t1")
    await jobs.ensure()
    for _ in range(count):
        await live.redis.xadd(STREAM, {"call_id": CALL, "folder": FOLDER})
        job = await jobs.take(1, START // 1000)
        assert job is not None
        await jobs.bury(job, error, START // 1000)
    return jobs


def _done(state: str = "done") -> Transcript:
    return Transcript(CALL, state, "zh", "vosk", "small", "", "", START, 1, 1)  # type: ignore[arg-type]


async def test_what_is_dead_is_listed_with_its_reason_and_sent_back(live: Live) -> None:
    assert "Nothing is dead" in (await live.yht("transcript", "dead")).stdout
    await _call(live, _done("failed"))
    jobs = await _bury(live, 1, "no speech model is installed")
    (dead,) = await live.json("transcript", "dead")
    assert (dead["call_id"], dead["error"]) == (CALL, "no speech model is installed")
    assert dead["at"] == "2026-11-25T12:00:00.000+08:00"
    assert CALL in (await live.yht("transcript", "redo", CALL)).stdout
    assert await live.redis.xlen(DEAD) == 0
    job = await jobs.take(1, _now() // 1000)
    assert job is not None
    assert (job.call_id, job.folder, job.attempt) == (CALL, FOLDER, 1)


async def test_everything_dead_is_sent_back_at_once(live: Live) -> None:
    jobs = await _bury(live, 3, "no")
    assert (
        await live.yht("transcript", "redo", "--all-dead")
    ).stdout == "3 recordings sent back to be transcribed.\n"
    assert await live.redis.xlen(STREAM) == 3
    assert await jobs.dead() == ()


async def test_a_transcript_that_is_done_is_made_anew_only_on_request(live: Live) -> None:
    await _call(live, _done())
    refused = await live.yht("transcript", "redo", CALL, code=1)
    assert refused.stderr == f"yht: call {CALL} has a transcript by vosk (small); --anew makes another one\n"
    assert await live.redis.xlen(STREAM) == 0
    await live.yht("transcript", "redo", CALL, "--anew")
    assert (await live.json("transcript", "show", CALL))["state"] == "failed"
    ((_, fields),) = await live.redis.xrange(STREAM)
    assert fields == {"call_id": CALL, "folder": FOLDER}


async def test_redo_wants_to_know_what(live: Live) -> None:
    assert "name one call" in (await live.yht("transcript", "redo", code=2)).stderr
    assert "name one call" in (await live.yht("transcript", "redo", CALL, "--all-dead", code=2)).stderr
