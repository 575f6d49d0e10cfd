"""`yht call`, `case`, `recording`, `transcript` against a database as a call leaves it, and as it is on the way."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text, update
from typer.testing import CliRunner, Result

import recorder.seal
from caselink import CaseRow, Opening
from config import load
from config.paths import Paths
from cti.app import cli
from cti.facts import Fact
from cti.ledger import store as ledger
from cti.sql import Base, database_url, open_database, sessions
from recorder import store
from recorder.speech.base import Segment
from recorder.transcript import Line, Transcript
from tests.contract.call_of_12319 import CALL, FOLDER, START, fact, whole_call

pytestmark = pytest.mark.contract

Work = Callable[[Any], Any]


class Home:
    """A home with a database, the sample city, and `yht` on it."""

    def __init__(self, folder: Path) -> None:
        self.paths = Paths.find(folder, environment={})
        self.city = load(self.paths.config_dir)
        self.paths.database.parent.mkdir(parents=True)

    def sql(self, work: Callable[[Any], Any] | None = None) -> None:
        """Do some work in one transaction, tables made first."""

        async def do() -> None:
            engine = open_database(database_url(self.paths.database, None))
            async with engine.begin() as connection:
                await connection.run_sync(Base.metadata.create_all)
            if work is not None:
                async with sessions(engine).begin() as session:
                    await work(session)
            await engine.dispose()

        asyncio.run(do())

    def tell(self, facts: Sequence[Fact]) -> None:
        """Have the ledger store facts, as its process does."""

        async def work(session: Any) -> None:
            new = await ledger.insert_new(session, facts)
            known = await ledger.project_calls(session, new)
            await ledger.insert_new(session, await Opening(lambda: self.city).project(session, new, known))

        self.sql(work)

    def yht(self, *arguments: str, code: int = 0) -> Result:
        """Run a command; its exit code must be as expected."""
        result = CliRunner().invoke(cli.app, ["--home", str(self.paths.home), *arguments])
        assert result.exit_code == code, result.output
        return result

    def json(self, *arguments: str) -> Any:
        """Run a command with --json; return what it says."""
        return json.loads(self.yht(*arguments, "--json").stdout)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "home")
    made.sql()
    return made


def _record(home: Home) -> None:
    """Two sides on disk, sealed, and a transcript of them."""
    folder = home.paths.recordings / FOLDER
    folder.mkdir(parents=True)
    for side, sample in (("citizen", b"\x00\x10"), ("agent", b"\x00\x20")):
        data = (8000).to_bytes(4, "little") + (16000).to_bytes(4, "little") + b"\2\0\20\0"
        samples = sample * 16_000
        header = b"WAVEfmt " + (16).to_bytes(4, "little") + b"\1\0\1\0" + data
        body = header + b"data" + len(samples).to_bytes(4, "little") + samples
        (folder / f"{side}.wav").write_bytes(b"RIFF" + len(body).to_bytes(4, "little") + body)
    sealed = recorder.seal.seal(home.paths.recordings, FOLDER, CALL, whole_call(), START + 55_100_000)

    async def work(session: Any) -> None:
        await store.save_recording(session, sealed)
        await store.save_transcript(session, _transcript())

    home.sql(work)


def _transcript(**changes: Any) -> Transcript:
    lines = (
        Line("agent", Segment(17_200, 19_000, "您好，城市管理热线", 0.9, ())),
        Line("citizen", Segment(19_400, 22_000, "建设路的路灯坏了", 0.8, ())),
    )
    values: dict[str, Any] = {
        "call_id": CALL,
        "state": "done",
        "language": "zh",
        "engine": "faster-whisper",
        "model": "whisper-base",
        "why": "no Chinese Vosk model is installed",
        "note": "",
        "created_at": START + 59_000_000,
        "audio_ms": 64_800,
        "took_ms": 3900,
        "lines": lines,
    }
    return Transcript(**{**values, **changes})


@pytest.fixture
def full_home(home: Home) -> Home:
    home.tell([told for told in whole_call() if told.kind != "case_opened"])
    _record(home)
    return home


def _without_styles(output: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", output)


def test_a_call_is_told_whole(full_home: Home) -> None:
    hashed = hashlib.sha256((full_home.paths.recordings / FOLDER / "agent.wav").read_bytes()).hexdigest()
    page = _without_styles(full_home.yht("call", "show", CALL).stdout)
    for line in (
        f"Call {CALL}",
        "  caller      138****0001",
        "  arrived     2026-11-25 12:00:00 (Asia/Shanghai)",
        "  state       answered by agent 1002 周建国 (seat 1002)",
        "  waited      17.1 s",
        "  talked      32.4 s",
        "  12:00:19  00:19.2  agent 1001 林晓梅 (seat 1001) does not answer, rang 15.0 s",
        "  12:00:21  00:21.3  agent 1002 周建国 (seat 1002) answers, rang 2.0 s",
        "  citizen    12:00:00 to 12:00:55, answered 12:00:00, cause 16  PJSIP/trunk-a-00000001",
        "  sealed, 2.0 s, 8000 Hz",
        f"  {FOLDER}/agent.wav  sha256 {hashed}",
        "  by faster-whisper (whisper-base), 1 min 5 s of speech in 3.9 s",
        "  00:17.2  agent    您好，城市管理热线",
        "  00:19.4  citizen  建设路的路灯坏了",
        "  number      20261125000001",
    ):
        assert f"{line}\n" in page
    assert "13800000001" not in page
    assert "Why these agents" not in page


def test_the_page_on_request_tells_numbers_and_why(full_home: Home) -> None:
    page = _without_styles(full_home.yht("call", "show", CALL, "--full", "--why").stdout)
    assert "  caller      13800000001\n" in page
    assert "    the agent had been idle for 1 min 1 s\n" in page


def test_a_call_as_json_has_every_part(full_home: Home) -> None:
    call = full_home.json("call", "show", CALL)
    assert (call["call_id"], call["state"], call["caller_number"]) == (CALL, "answered", "138****0001")
    assert call["arrived_at"] == "2026-11-25T12:00:00.000+08:00"
    assert (call["case"], call["folder"]) == ("20261125000001", FOLDER)
    assert call["timeline"][0]["data"]["caller_number"] == "138****0001"
    assert [offer["agent"] for offer in call["offers"]] == ["1001", "1002"]
    assert [leg["seat"] for leg in call["legs"]] == ["", "1002"]
    assert call["recording"]["state"] == "sealed"
    assert [line["speaker"] for line in call["transcript"]["lines"]] == ["agent", "citizen"]
    assert full_home.json("call", "show", CALL, "--full")["caller_number"] == "13800000001"


@pytest.mark.parametrize("text", ["last", "42", ".42", "n1-17955", CALL])
def test_a_call_is_found_by_what_fits_it_alone(full_home: Home, text: str) -> None:
    assert full_home.json("call", "show", text)["call_id"] == CALL


def test_an_unknown_call_is_one_line_that_names_the_newest(full_home: Home) -> None:
    result = full_home.yht("call", "show", "n9-1.1", code=1)
    assert result.stdout == ""
    assert result.stderr == f"yht: there is no call 'n9-1.1'; did you mean the newest, {CALL}?\n"


def test_what_fits_more_than_one_call_is_said(full_home: Home) -> None:
    full_home.tell(
        [fact(9, "call_arrived", "n1-1795579209.43", dialed_number="1", caller_number="", channel="c")]
    )
    result = full_home.yht("call", "show", "n1-", code=1)
    assert result.stderr == f"yht: 'n1-' fits more than one call: n1-1795579209.43, {CALL}\n"


@pytest.mark.parametrize("text", ["%", "_", "", "';--", "\x1b[31m"])
def test_signs_that_mean_something_to_sql_or_a_terminal_find_nothing(full_home: Home, text: str) -> None:
    result = full_home.yht("call", "show", "--", text, code=1)
    assert "there is no call" in result.stderr
    assert "\x1b" not in result.stderr


def test_a_call_on_the_way_says_so(home: Home) -> None:
    facts = [told for told in whole_call() if told.at <= START + 21_400_000 and told.kind != "case_opened"]
    home.tell(facts)
    page = _without_styles(home.yht("call", "show").stdout)
    assert "  state       talking with agent 1002 周建国 (seat 1002), the call goes on\n" in page
    assert f"  {FOLDER}: being written\n" in page
    assert "  written after the call\n" in page
    assert home.json("call", "list")[0]["state"] == "talking"


def test_a_call_that_nobody_answered_says_what_is_missing_and_why(home: Home) -> None:
    home.tell([whole_call()[0], whole_call()[2], whole_call()[5], fact(30_000, "call_ended")])
    page = _without_styles(home.yht("call", "show").stdout)
    for line in (
        "  state       gave up waiting",
        "  waited      25.8 s",
        "  none was made",
        "  none: nobody has answered",
    ):
        assert f"{line}\n" in page


def test_a_failed_transcript_says_why_and_what_to_do(full_home: Home) -> None:
    async def fails(session: Any) -> None:
        failed = _transcript(
            state="failed", note="no speech model is installed", lines=(), engine="", model=""
        )
        await store.save_transcript(session, failed)

    full_home.sql(fails)
    page = _without_styles(full_home.yht("transcript", "show").stdout)
    assert "  failed: no speech model is installed\n" in page
    assert f"  try again with: yht transcript redo {CALL}\n" in page


def test_calls_are_listed_newest_first_and_filtered(full_home: Home) -> None:
    later = "n1-1795579300.50"
    full_home.tell(
        [
            fact(100_000, "call_arrived", later, dialed_number="12345", caller_number="", channel="c"),
            fact(
                100_001, "hotline_resolved", later, hotline="12345", queue="general", plan="queue", reason=""
            ),
        ]
    )
    assert [call["call_id"] for call in full_home.json("call", "list")] == [later, CALL]
    assert [call["call_id"] for call in full_home.json("call", "list", "-n", "1")] == [later]
    assert [call["call_id"] for call in full_home.json("call", "list", "--hotline", "12319")] == [CALL]
    assert [call["call_id"] for call in full_home.json("call", "list", "--agent", "1002")] == [CALL]
    assert [call["call_id"] for call in full_home.json("call", "list", "--since", "2026-11-25T12:01")] == [
        later
    ]
    table = full_home.yht("call", "list").stdout
    assert "138****0001" in table
    assert "13800000001" not in table
    assert "13800000001" in full_home.yht("call", "list", "--full").stdout


def test_a_filter_that_can_not_be_meant_is_refused(full_home: Home) -> None:
    assert (
        "there is no hotline '999'; there are: 12319, 12345"
        in full_home.yht("call", "list", "--hotline", "999", code=1).stderr
    )
    assert "write 30m, 2h, 3d" in full_home.yht("call", "list", "--since", "soon", code=2).stderr


def test_a_case_is_shown_whole(full_home: Home) -> None:
    page = _without_styles(full_home.yht("case", "show").stdout)
    for line in (
        "Case 20261125000001",
        "  state       received",
        "  opened      2026-11-25 12:00:21 by phone",
        "  citizen     138****0001",
        "  agent       1002 周建国",
        f"  call        {CALL}",
        "  check code  shown with --full",
        "  2026-11-25 12:00:21  received   opened by a telephone call",
        "  2026-11-25 12:00:21  received   agent 1002 周建国 takes the call at seat 1002",
        "  00:19.4  citizen  建设路的路灯坏了",
    ):
        assert f"{line}\n" in page
    case = full_home.json("case", "show", "20261125000001")
    assert (case["check_code"], case["call_id"]) == (None, CALL)
    assert [event["action"] for event in case["history"]] == ["open", "answer"]
    assert case["recording"]["state"] == "sealed"
    assert re.fullmatch(r"\d{6}", full_home.json("case", "show", "--full")["check_code"])


@pytest.mark.parametrize("text", ["20261125000001", "20261125", "000001", CALL, "last"])
def test_a_case_is_found_by_its_number_or_its_call(full_home: Home, text: str) -> None:
    assert full_home.json("case", "show", text)["number"] == "20261125000001"


def test_cases_are_listed_and_filtered(full_home: Home) -> None:
    (case,) = full_home.json("case", "list", "--hotline", "12319", "--state", "received")
    assert (case["number"], case["caller_number"]) == ("20261125000001", "138****0001")
    assert full_home.json("case", "list", "--state", "closed") == []
    assert full_home.yht("case", "list", "--state", "closed").stdout == "No cases fit.\n"
    assert "20261125000001" in full_home.yht("case", "list").stdout
    assert "did you mean the newest, 20261125000001?" in full_home.yht("case", "show", "7777", code=1).stderr


def test_recordings_are_verified_against_index_and_database(full_home: Home) -> None:
    assert full_home.yht("recording", "verify").stdout == "1 recording checked, all as sealed\n"
    assert full_home.json("recording", "verify", CALL) == [{"call_id": CALL, "folder": FOLDER, "faults": []}]
    assert "2.0 s" in full_home.yht("recording", "list").stdout
    assert f"{FOLDER}/citizen.wav" in full_home.yht("recording", "show").stdout

    folder = full_home.paths.recordings / FOLDER
    side, index = folder / "agent.wav", folder / "index.json"
    whole = side.read_bytes()
    side.chmod(0o600)
    side.write_bytes(whole[:-2] + b"\x7f\x7f")
    result = full_home.yht("recording", "verify", code=1)
    assert "agent.wav has changed" in result.stdout
    assert "1 of 1 recording changed since sealed" in result.stdout

    old, new = (hashlib.sha256(data).hexdigest() for data in (whole, side.read_bytes()))
    index.chmod(0o600)
    index.write_text(index.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    assert "agent.wav and its index have changed" in full_home.yht("recording", "verify", code=1).stdout


def test_a_call_without_a_recording_says_so(home: Home) -> None:
    home.tell([whole_call()[0]])
    assert "has no sealed recording" in home.yht("recording", "show", "last", code=1).stderr
    assert "has no transcript" in home.yht("transcript", "show", code=1).stderr


def test_nothing_yet_is_said_for_a_person_and_is_an_empty_list_for_a_program(home: Home) -> None:
    assert home.yht("call", "list").stdout == "No calls yet. Play one with: yht demo\n"
    assert home.yht("case", "list").stdout.startswith("No cases yet.")
    assert home.yht("recording", "list").stdout.startswith("No recordings yet.")
    assert home.yht("recording", "verify").stdout.startswith("No recordings fit")
    for group in ("call", "case", "recording"):
        assert home.json(group, "list") == []
    assert home.yht("call", "show", code=1).stderr == "yht: there is no call yet\n"
    assert home.yht("case", "show", "1", code=1).stderr == "yht: there is no case '1'; there is no case yet\n"


def test_a_home_that_was_never_started_says_how_to_start_it(tmp_path: Path) -> None:
    made = Home(tmp_path / "home")
    assert "start the platform once: yht up" in made.yht("call", "list", code=1).stderr
    made.paths.database.touch()
    result = made.yht("call", "list", code=1)
    assert "the database is not set up yet" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_database_that_is_none_is_one_line(tmp_path: Path) -> None:
    made = Home(tmp_path / "home")
    made.paths.database.write_bytes(b"not a database at all" * 100)
    result = made.yht("call", "list", code=1)
    assert "the database can not be read" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_live_state_without_redis_says_what_to_look_at(home: Home) -> None:
    for group in ("agent", "queue"):
        assert "does the platform run? yht status" in home.yht(group, "list", code=1).stderr


def test_a_case_of_an_unknown_state_is_shown_all_the_same(full_home: Home) -> None:
    async def newer(session: Any) -> None:
        await session.execute(update(CaseRow).values(state="dispatched"))
        assert await session.scalar(text('SELECT count(*) FROM "case"')) == 1

    full_home.sql(newer)
    assert "  state       dispatched\n" in _without_styles(full_home.yht("case", "show").stdout)
