"""`yht case` at work, `yht unit`: a case from its registration to its publication, typed by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.contract.call_of_12319 import whole_call
from tests.contract.test_reading_commands import Home

pytestmark = pytest.mark.contract

CASE = "20261125000001"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "home")
    made.sql()
    made.tell([told for told in whole_call() if told.kind != "case_opened"])
    return made


def register(home: Home) -> None:
    home.yht(
        *("case", "register", "last", "--as", "agent:1002", "request_type=complaint", "urgency=urgent"),
        *("text=建设路的路灯坏了", "--data", "address=建设路18号"),
    )


def dispatch(home: Home) -> None:
    register(home)
    home.yht(
        "case", "dispatch", CASE, "unit=street_lighting", "co_units=urban_management", "--as", "centre:1002"
    )


def test_a_case_goes_its_whole_way_by_hand(home: Home) -> None:
    register(home)
    said = home.yht("case", "dispatch", CASE, "unit=street_lighting", "--as", "centre:1002").stdout
    assert said.startswith(
        f"{CASE} dispatched with street_lighting 云江市路灯管理处, version 2; acknowledge until "
    )
    unit = ("--as", "unit:street_lighting")
    home.yht("case", "acknowledge", CASE, *unit)
    home.yht("case", "contact", CASE, "text=已联系", *unit)
    home.yht("case", "reply", CASE, "result=已修复", "evidence=照片", *unit)
    home.yht("case", "review", CASE, "--as", "centre:1002")
    asked = ("reached=yes", "contacted=yes", "solved=yes", "satisfied=no")
    home.yht("case", "follow-up", CASE, *asked, "--as", "agent:1001")
    home.yht("case", "close", CASE, "rule=followed_up", "--as", "centre:1002")
    done = home.json("case", "publish", CASE, "text=路灯已修复，已告知张先生", "--as", "centre:1002")
    assert (done["state"], done["version"], done["limits"]) == ("published", 9, {})
    shown = home.json("case", "show", CASE)
    assert (shown["text"], shown["address"], shown["urgency"]) == ("建设路的路灯坏了", "建设路18号", "urgent")
    assert [limit["stage"] for limit in shown["limits"]] == [
        "dispatch",
        "acknowledge",
        "reply",
        "review",
        "follow_up",
    ]
    assert {limit["ended"] for limit in shown["limits"]} == {"done"}
    (published,) = [event for event in shown["history"] if event["action"] == "publish"]
    assert published["data"] == {"text": "路灯已修复，已告知某先生"}
    assert {notice["state"] for notice in shown["notices"]} == {"inbox", "waiting"}
    page = home.yht("case", "show", CASE).stdout
    for line in (
        "dispatch by centre 1002: unit street_lighting 云江市路灯管理处",
        "follow up by agent 1001 林晓梅: reached yes, contacted yes, solved yes, satisfied no",
        "phone to person in charge of street_lighting 云江市路灯管理处 (何站长 0750-8570111), waits for a channel",
    ):
        assert line in page


MOVED = "moved on from version 1 to 2 (2: dispatch by centre 1002)"


def test_what_can_not_be_done_is_said_in_one_line_with_what_can(home: Home) -> None:
    dispatch(home)
    for words, arguments, code in (
        ("can not take the action 'review'; possible: ", ("review", CASE, "--as", "centre:1"), 1),
        ("request_return needs 'reason'", ("return", CASE, "--as", "unit:street_lighting"), 1),
        ("the lead unit is street_lighting", ("acknowledge", CASE, "--as", "unit:urban_management"), 1),
        (
            "there is no unit 'nobody'",
            ("step", CASE, "reassign", "unit=nobody", "reason=x", "--as", "centre:1"),
            1,
        ),
        ("say who acts", ("acknowledge", CASE), 2),
        ("names no role", ("acknowledge", CASE, "--as", "boss:1"), 2),
        ("there is no agent '9999'", ("follow-up", CASE, "--as", "agent:9999"), 1),
        ('did you mean "acknowledge"', ("step", CASE, "acknowlege", "--as", "unit:a"), 2),
        (
            "'reached' is 'perhaps'; write yes or no",
            ("follow-up", CASE, "reached=perhaps", "--as", "agent:1001"),
            2,
        ),
        ("'until' is 'soon'; write a moment", ("extend", CASE, "until=soon", "--as", "unit:a"), 2),
        ("is no KEY=VALUE", ("remind", CASE, "please", "--as", "citizen"), 2),
        (
            MOVED,
            ("remind", CASE, "--as", "citizen", "--version", "1"),
            1,
        ),
        ("there is no case '777'", ("remind", "777", "--as", "citizen"), 1),
    ):
        told = home.yht("case", *arguments, code=code).stderr
        assert words in told
        assert told.startswith("yht: ")
        assert told.count("\n") == 1
    assert home.json("case", "show", CASE)["version"] == 2


def test_what_is_due_is_listed_and_lies_in_the_unit_s_inbox(home: Home) -> None:
    dispatch(home)
    rows = home.json("case", "due")
    assert [(row["case"], row["stage"], row["unit"]) for row in rows] == [
        (CASE, "acknowledge", "street_lighting"),
        (CASE, "reply", "street_lighting"),
    ]
    assert home.json("case", "due", "--unit", "centre") == []
    assert len(home.json("case", "due", "--hours", "3")) == 1
    assert "there is no unit 'x'" in home.yht("case", "due", "--unit", "x", code=1).stderr
    shown = home.json("unit", "show", "street_lighting")
    assert [(row["case"], row["stage"]) for row in shown["inbox"]] == [(CASE, "acknowledge"), (CASE, "reply")]
    assert shown["on_duty"]["unit"] == "urban_management"
    assert "Inbox" in home.yht("unit", "show", "street_lighting").stdout
    assert [row["number"] for row in home.json("case", "list", "--unit", "street_lighting")] == [CASE]
    assert home.json("case", "list", "--unit", "city_office") == []
    listed = {row["id"]: row for row in home.json("unit", "list")}
    assert listed["street_lighting"]["open_cases"] == 1
    assert listed["riverside_lighting"]["level"] == 3
    assert "    riverside_lighting" in home.yht("unit", "list").stdout


def test_a_unit_that_is_dissolved_with_open_cases_is_said_to_be(home: Home, tmp_path: Path) -> None:
    import shutil

    dispatch(home)
    city = tmp_path / "city"
    shutil.copytree(home.paths.config_dir, city)
    units = city / "units.yaml"
    text = units.read_text(encoding="utf-8").replace("id: street_lighting", "id: lighting")
    units.write_text(text.replace("parent: street_lighting", "parent: lighting"), encoding="utf-8")
    assert "is no unit any more: reassign it" in home.yht("--config", str(city), "case", "due").stdout
    moved = ("case", "step", CASE, "reassign", "unit=lighting", "reason=机构改革", "--as", "centre:1002")
    assert "dispatched with lighting" in home.yht("--config", str(city), *moved).stdout


def test_a_report_opens_its_cases(home: Home) -> None:
    dispatch(home)
    far = ("--from", "2026-11-01", "--to", "2030-01-01")
    figures = {one["figure"]: one for one in home.json("report", "cases", *far)}
    assert (figures["completion"]["good"], figures["completion"]["among"]) == (0, 1)
    assert figures["acknowledged_in_time"]["percent"] is None
    by_unit = home.json("report", "cases", *far, "--by", "unit")
    assert "street_lighting" in {one["group"] for one in by_unit}
    (line,) = home.json("report", "cases", *far, "--list", "办结率")
    assert (line["case"], line["counts"]) == (CASE, False)
    assert CASE in home.yht("report", "cases", *far, "--list", "completion").stdout
    assert "按时签收率" in home.yht("report", "cases", *far, "--by", "hotline").stdout
    assert "there are: acknowledged_in_time" in home.yht("report", "cases", "--list", "x", code=2).stderr
    assert "write unit or hotline" in home.yht("report", "cases", "--by", "agent", code=2).stderr
    assert (
        "not before"
        in home.yht("report", "cases", "--from", "2026-11-02", "--to", "2026-11-01", code=2).stderr
    )
