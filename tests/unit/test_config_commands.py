"""`yht config`, `yht line` and `yht prompts` as a person uses them: what is printed, where, and the exit code."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cti.app.cli import app

pytestmark = pytest.mark.unit

CITY = Path(__file__).parent / "wrong_config" / "city"


@pytest.fixture
def city(tmp_path: Path) -> Path:
    folder = tmp_path / "city"
    shutil.copytree(CITY, folder)
    return folder


def yht(city: Path, *arguments: str, code: int = 0) -> Result:
    result = CliRunner().invoke(app, ["--config", str(city), *arguments])
    assert result.exit_code == code, result.output
    if result.exception is not None:
        assert isinstance(result.exception, SystemExit)
    return result


def broken(city: Path) -> None:
    file = city / "hotlines" / "12345.yaml"
    file.write_text(file.read_text().replace("queue: general", "queue: genral\nrecord: maybe"))
    (city / "units.yaml").write_text("units: []\n")


def test_a_right_city_is_said_to_be_right_with_what_it_has(city: Path) -> None:
    said = yht(city, "config", "check").stdout
    assert said == (
        f"{city} is right: 2 hotlines, 3 numbers, 2 queues, 2 agents, 2 seats, 2 trunks, 2 units, 3 prompts\n"
    )


def test_a_folder_can_be_named_instead_of_the_platforms(city: Path, tmp_path: Path) -> None:
    assert "is right" in yht(tmp_path, "config", "check", str(city)).stdout
    assert json.loads(yht(city, "config", "check", "--json").stdout) == {"right": True, "problems": []}


def test_a_wrong_city_is_told_on_stderr_a_line_for_each_problem(city: Path) -> None:
    broken(city)
    result = yht(city, "config", "check", code=1)
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert lines[0].startswith("hotlines/12319.yaml:4: owner_unit: there is no unit")
    assert any(line.startswith("hotlines/12345.yaml:7: record: ") for line in lines)
    told = json.loads(yht(city, "config", "check", "--json", code=1).stdout)
    assert told["right"] is False
    assert {"file", "line", "path", "what", "remedy"} == set(told["problems"][0])
    assert len(told["problems"]) == len(lines)


def test_a_prompt_that_no_voice_can_say_is_wrong_too(city: Path) -> None:
    file = city / "prompts.yaml"
    file.write_text(file.read_text().replace("您好，欢迎拨打12345热线。", "请登录APP办理。"))
    assert yht(city, "config", "check", code=1).stderr.startswith("prompts.yaml:3: prompts.greeting.zh: 'AP'")


def test_a_folder_that_is_not_there_is_wrong_use(city: Path) -> None:
    result = yht(city, "config", "check", str(city / "nowhere"), code=2)
    assert result.stderr.count("\n") == 1
    assert "there is no folder" in result.stderr


def test_every_hotline_is_listed(city: Path) -> None:
    table = yht(city, "line", "list").stdout
    assert all(words in table for words in ("12345", "0750-8577100", "城市管理热线", "dual_number", "tenant"))
    rows = json.loads(yht(city, "line", "list", "--json").stdout)
    assert [row["id"] for row in rows] == ["12319", "12345"]
    assert rows[0]["agents"] == ["1001", "1002"]
    assert rows[0]["place"] == "hotlines/12319.yaml:1"
    assert rows[0]["valid_from"] == "2026-12-01T00:00:00"


def test_a_line_is_explained_with_the_lines_of_the_files_that_say_so(city: Path) -> None:
    said = yht(city, "line", "explain", "0750-12319", "--at", "2026-12-01T09:00").stdout
    for words in (
        "2026-12-01 09:00: 城市管理热线 [queue, area_code]",
        "您好，欢迎拨打12345热线。",
        "1001 林晓梅, 1002 周建国",
        "hotlines/12319.yaml:2",
        "hotlines/12319.yaml:7 prompts.yaml:3",
        "agents.yaml:2,3",
        "urban (城管局) leads",
        "hotlines/12319.yaml:11,12 units.yaml:3",
    ):
        assert words in said, said


def test_an_explanation_for_scripts(city: Path) -> None:
    arguments = (
        "line",
        "explain",
        "+8675012319",
        "--at",
        "2027-01-01",
        "--caller",
        "+8613800138000",
        "--json",
    )
    told = json.loads(yht(city, *arguments).stdout)
    assert told["at"] == "2027-01-01T00:00+08:00"
    assert (told["outcome"], told["reason"], told["hotline"]) == ("queue", "country_code", "12319")
    assert (told["dialed_number"], told["caller_number"]) == ("12319", "13800138000")
    assert told["case"] == {"backend": "tenant", "unit": "urban"}
    places = {step["topic"]: step["places"] for step in told["steps"]}
    assert places["recorded"] == ["default"]
    assert places["announced"] == ["default"]
    assert places["answers"] == ["agents.yaml:2", "agents.yaml:3"]


def test_before_its_day_a_line_is_explained_as_not_open(city: Path) -> None:
    told = json.loads(yht(city, "line", "explain", "12319", "--at", "2026-11-30T23:59", "--json").stdout)
    assert (told["outcome"], told["reason"]) == ("prompt", "not_yet_valid")
    assert told["steps"][0]["places"] == ["hotlines/12319.yaml:6"]


@pytest.mark.parametrize("number", ["12399", "anonymous", "9" * 10_000], ids=["number", "words", "long"])
def test_an_unknown_number_is_explained_by_the_polite_prompt(number: str, city: Path) -> None:
    said = yht(city, "line", "explain", number).stdout
    assert "[prompt, unknown_number]" in said
    assert "您拨打的号码不存在，可拨打12345。" in said
    assert len(said) < 2000


@pytest.mark.parametrize("at", ["tomorrow", "2026-02-30", "9" * 500, ""])
def test_a_time_that_is_none_is_wrong_use(at: str, city: Path) -> None:
    result = yht(city, "line", "explain", "12319", "--at", at, code=2)
    assert result.stderr.count("\n") == 1
    assert "2026-10-01T09:00" in result.stderr


@pytest.mark.parametrize("command", [("line", "list"), ("line", "explain", "12319"), ("prompts", "list")])
def test_no_command_goes_on_with_a_wrong_city(command: tuple[str, ...], city: Path) -> None:
    broken(city)
    result = yht(city, *command, code=1)
    assert result.stdout == ""
    assert "hotlines/12345.yaml:7: record: " in result.stderr
