"""A callback request on disk becomes one case: after a kill between any two steps, and among broken files."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from sqlalchemy import select

from caselink import CaseEventRow, CaseRow, take_up
from cti.facts import Fact
from cti.sql import Sessions
from tests.contract.cities import small_city

pytestmark = pytest.mark.contract

CALL = "n1-1795536000.42"
TAKEN_AT = 1_795_536_000_000_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "callbacks"
    found.mkdir()
    return found


class Stream:
    def __init__(self) -> None:
        self.facts: list[Fact] = []
        self.is_away = False

    async def append(self, fact: Fact) -> None:
        if self.is_away:
            raise ConnectionError("Redis is away")
        self.facts.append(fact)


def _put(folder: Path, name: str = CALL, **changes: object) -> Path:
    request = {
        "call_id": CALL,
        "caller_number": "13800000001",
        "number": "13900000002",
        "dialed_number": "12319",
        "hotline": "12319",
        "queue": "hall",
        "taken_at": TAKEN_AT,
    }
    file = folder / f"{name}.json"
    file.write_text(json.dumps({**request, **changes}), encoding="utf-8")
    return file


async def _cases(sql: Sessions) -> list[CaseRow]:
    async with sql() as session:
        return list(await session.scalars(select(CaseRow).order_by(CaseRow.id)))


async def test_a_request_becomes_a_case_with_the_number_to_call(sql: Sessions, folder: Path) -> None:
    file = _put(folder)
    stream = Stream()
    assert await take_up(folder, sql, small_city(), stream.append) == 1
    (case,) = await _cases(sql)
    assert (case.channel, case.call_id, case.agent) == ("callback", CALL, "")
    assert (case.contact_number, case.caller_number) == ("13900000002", "13800000001")
    assert (case.hotline, case.unit, case.opened_at) == ("12319", "urban", TAKEN_AT)
    assert [fact.fact_id for fact in stream.facts] == [f"case_opened:{CALL}"]
    assert not file.exists()
    assert (folder / "done" / file.name).is_file()


async def test_a_stream_that_is_away_delays_and_doubles_nothing(sql: Sessions, folder: Path) -> None:
    file = _put(folder)
    stream = Stream()
    stream.is_away = True
    with pytest.raises(ConnectionError):
        await take_up(folder, sql, small_city(), stream.append)
    assert file.exists()
    stream.is_away = False
    assert await take_up(folder, sql, small_city(), stream.append) == 1
    assert await take_up(folder, sql, small_city(), stream.append) == 0
    (case,) = await _cases(sql)
    async with sql() as session:
        actions = list(await session.scalars(select(CaseEventRow.action).order_by(CaseEventRow.id)))
    assert actions == ["open", "request_callback"]
    assert [fact.data["case"] for fact in stream.facts] == [case.number]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not JSON"),
        ("[1]", "not an object"),
        ('{"number": "s", "taken_at": 1}', "'number' is no telephone number"),
        ('{"number": 13800000001, "taken_at": 1}', "'number' is not a text"),
        ('{"number": "13800000001", "taken_at": 1.5}', "'taken_at' is not in microseconds"),
        ('{"number": "13800000001"}', "'taken_at' is not in microseconds"),
        ("x" * 70_000, "longer than 65536 bytes"),
    ],
)
async def test_a_broken_file_is_set_aside_and_the_next_one_is_taken(
    sql: Sessions, folder: Path, text: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "a.json").write_text(text, encoding="utf-8")
    _put(folder)
    assert await take_up(folder, sql, small_city(), Stream().append) == 1
    assert (folder / "broken" / "a.json").is_file()
    logged = capsys.readouterr().out
    assert says in logged
    assert "1380000" not in logged
    assert "1390000" not in logged


async def test_a_citizen_whose_call_has_no_id_is_called_back_all_the_same(
    sql: Sessions, folder: Path
) -> None:
    _put(folder, "unnamed-1795536000", call_id="../../etc/passwd")
    assert await take_up(folder, sql, small_city(), Stream().append) == 1
    (case,) = await _cases(sql)
    assert case.call_id == "unnamed-1795536000"


async def test_a_file_that_is_still_written_and_a_folder_that_is_not_there_are_no_requests(
    sql: Sessions, folder: Path
) -> None:
    (folder / ".77.new").write_text("{", encoding="utf-8")
    (folder / ".half.json").write_text("{", encoding="utf-8")
    assert await take_up(folder, sql, small_city(), Stream().append) == 0
    assert await take_up(folder / "no", sql, small_city(), Stream().append) == 0
    assert sorted(os.listdir(folder)) == [".77.new", ".half.json"]
