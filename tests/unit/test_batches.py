"""Batches: what each changes for a caller, when it takes effect, and that what is refused leaves the file alone."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from config import City, load
from config.schema.batch import Batch
from cti.app.cli import app
from ivr.batches import rows, state
from ivr.directory import Directory

pytestmark = pytest.mark.unit

HERE = Path(__file__).parent / "wrong_config" / "city"
SHANGHAI = ZoneInfo("Asia/Shanghai")
CITY = load(HERE)
DAY = datetime(2027, 3, 1)
FIRST = Batch(id="first", name="第一批", date=DAY, numbers=("0750-12319",), applied=True)


def having(batch: Batch) -> City:
    return replace(CITY, batches=(batch,))


def applied(yes: bool) -> City:
    return having(FIRST.model_copy(update={"applied": yes}))


@given(st.datetimes(datetime(2026, 1, 1), datetime(2028, 1, 1)))
def test_a_number_is_in_force_from_the_later_of_its_own_day_and_its_batches(now: datetime) -> None:
    assert (Directory(applied(True)).resolve("12319", "", now).outcome == "queue") is (now >= DAY)
    assert Directory(applied(False)).resolve("12319", "", now).reason == "not_yet_valid"
    early = having(FIRST.model_copy(update={"date": datetime(2026, 1, 1)}))
    assert (Directory(early).resolve("12319", "", now).outcome == "queue") is (now >= datetime(2026, 12, 1))
    assert Directory(applied(False)).resolve("12345", "", now).outcome == "queue", "others are as ever"


def test_before_it_the_old_telephone_rings_if_the_line_names_one() -> None:
    from config.schema.hotline import Destination

    old = CITY.hotline["12319"].model_copy(
        update={"before": Destination(sip="sip:old@10.0.0.5", on_fail_queue="general")}
    )
    city = replace(applied(False), hotlines=(old, CITY.hotline["12345"]))
    plan = Directory(city).resolve("12319", "", DAY)
    assert (plan.outcome, plan.reason) == ("forward", "not_yet_valid")


def test_a_plan_shows_each_number_now_then_and_undone() -> None:
    now = datetime(2026, 12, 24, tzinfo=SHANGHAI)
    (row,) = rows(FIRST, applied(False), now)
    assert (row.number, row.hotline) == ("0750-12319", "12319")
    assert [plan.outcome for plan in (row.now, row.then, row.undone)] == ["prompt", "queue", "prompt"]


def test_a_batch_waits_for_its_day() -> None:
    before, after = datetime(2027, 2, 28, tzinfo=SHANGHAI), datetime(2027, 3, 1, tzinfo=SHANGHAI)
    assert state(FIRST, CITY, before) == "waits for its day"
    assert state(FIRST, CITY, after) == "in force"
    assert state(FIRST.model_copy(update={"applied": False}), CITY, after) == "not applied"


@pytest.fixture
def city(tmp_path: Path) -> Path:
    folder = tmp_path / "city"
    shutil.copytree(HERE, folder)
    (folder / "batches").mkdir()
    (folder / "batches" / "first.yaml").write_text(
        '# The easy ones.\nid: first\nname: 第一批\ndate: 2027-03-01\nnumbers: ["12319"]\n', encoding="utf-8"
    )
    return folder


def yht(city: Path, *arguments: str, code: int = 0) -> Result:
    options = ["--home", str(city.parent / "home"), "--config", str(city)]
    result = CliRunner().invoke(app, [*options, *arguments])
    assert result.exit_code == code, result.output
    return result


def test_batches_are_listed_and_planned(city: Path) -> None:
    assert "not applied" in yht(city, "batch", "list").stdout
    (planned,) = json.loads(yht(city, "batch", "plan", "first", "--json").stdout)
    assert planned["on_its_day"]["outcome"] == "queue"
    assert planned["rolled_back"]["place"] == "batches/first.yaml:1"
    assert "then queue general" in yht(city, "batch", "plan", "first").stdout


def test_an_unknown_batch_is_wrong_use(city: Path) -> None:
    assert "there are: first" in yht(city, "batch", "plan", "frist", code=2).stderr


def test_without_a_platform_nothing_is_applied_and_the_file_stays(city: Path) -> None:
    file = city / "batches" / "first.yaml"
    before = file.read_text(encoding="utf-8")
    assert "no platform was ever started" in yht(city, "batch", "apply", "first", code=1).stderr
    assert file.read_text(encoding="utf-8") == before
    assert [entry.name for entry in file.parent.iterdir()] == ["first.yaml"]
