"""Everything that can be wrong with a city is told at once, with its file, its line and what would be right.

`wrong_config/` holds the cases: each changes the right city in `wrong_config/city` and lists every problem that
must be told of it, by place and by words.
"""

import contextlib
import os
import random
import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from config import ConfigError, load
from config.source import MAX_BYTES, Unreadable, parse

pytestmark = pytest.mark.unit

HERE = Path(__file__).parent / "wrong_config"
CASES = sorted(HERE.glob("*.yaml"))


@pytest.fixture
def city(tmp_path: Path) -> Path:
    folder = tmp_path / "city"
    shutil.copytree(HERE / "city", folder)
    return folder


def problems(folder: Path) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(folder)
    return [str(problem) for problem in caught.value.problems]


def test_the_city_that_the_cases_change_is_right(city: Path) -> None:
    load(city)


def test_there_are_cases() -> None:
    assert len(CASES) >= 40


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_a_wrong_city_is_refused_with_every_problem_and_its_place(case: Path, city: Path) -> None:
    told = YAML(typ="safe").load(case)
    for change in told["change"]:
        file = city / change["file"]
        if change.get("remove"):
            file.unlink()
        elif "find" in change:
            before = file.read_text(encoding="utf-8")
            assert change["find"] in before, f"{case.name} changes what is not in {file.name}"
            file.write_text(before.replace(change["find"], change["put"], 1), encoding="utf-8")
        else:
            file.parent.mkdir(exist_ok=True)
            file.write_text(change["text"], encoding="utf-8")
    found = problems(city)
    expected = list(told["expect"])
    left = list(found)
    for one in expected:
        matching = [
            line
            for line in left
            if line.startswith(f"{one['at']}: ") and all(words in line for words in one["says"])
        ]
        assert matching, f"{one} was not told; told was:\n" + "\n".join(found)
        left.remove(matching[0])
    assert not left, "told beyond what was expected:\n" + "\n".join(left)
    for line in found:
        assert "\n" not in line
        assert " — " in line, f"{line!r} says no remedy"
        for jargon in ("pydantic", "Input should", "type=", "str_", "validation", "Traceback"):
            assert jargon not in line


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert "there is no such folder" in problems(tmp_path / "nowhere")[0]


def test_a_file_that_is_not_utf_8_is_told_with_the_line(city: Path) -> None:
    (city / "units.yaml").write_bytes(b"units:\n  - {id: centre, name: " + "热线".encode("gb18030") + b"}\n")
    assert [line for line in problems(city) if "UTF-8" in line and line.startswith("units.yaml:2")]


def test_a_byte_order_mark_does_no_harm(city: Path) -> None:
    file = city / "units.yaml"
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    load(city)


def test_a_file_of_data_instead_of_configuration_is_refused_by_its_size(city: Path) -> None:
    (city / "prompts.yaml").write_text("#" * (MAX_BYTES + 1))
    assert problems(city) == ["prompts.yaml: is larger than 1 MB — keep configuration, not data, in it"]


def test_a_link_out_of_the_folder_is_not_followed(city: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.yaml"
    (city / "units.yaml").rename(outside)
    (city / "units.yaml").symlink_to(outside)
    assert [line.partition(" of ")[0] for line in problems(city)] == ["units.yaml: is a link to outside"]


def test_a_link_inside_the_folder_is_followed(city: Path) -> None:
    (city / "..data").mkdir()
    (city / "units.yaml").rename(city / "..data" / "units.yaml")
    (city / "units.yaml").symlink_to(city / "..data" / "units.yaml")
    load(city)


def test_a_link_to_itself_is_told(city: Path) -> None:
    (city / "units.yaml").unlink()
    (city / "units.yaml").symlink_to("units.yaml")
    assert problems(city)[0].startswith("units.yaml: ")


def test_a_pipe_and_a_folder_do_not_hold_the_platform(city: Path) -> None:
    (city / "units.yaml").unlink()
    os.mkfifo(city / "units.yaml")
    (city / "queues.yaml").unlink()
    (city / "queues.yaml").mkdir()
    assert sorted(line.partition(":")[0] for line in problems(city)) == ["queues.yaml", "units.yaml"]


def test_too_many_hotlines_are_refused_before_they_are_read(city: Path) -> None:
    for number in range(2001):
        (city / "hotlines" / f"n{number}.yaml").touch()
    assert problems(city) == ["hotlines: holds 2003 files — a city has at most 2000 hotlines"]


def test_a_value_that_may_hold_a_password_is_not_repeated(city: Path) -> None:
    with (city / "platform.yaml").open("a") as file:
        file.write(
            "redis: {url: " + "redis://:s3cret@10.0.0.1/" + "x" * 500 + "}\ndatabase: {url: 12345678}\n"
        )
    told = "\n".join(problems(city))
    assert "platform.yaml:10" in told
    assert "platform.yaml:11" in told
    assert "s3cret" not in told
    assert "12345678" not in told


def test_a_long_value_is_cut_in_the_message(city: Path) -> None:
    file = city / "hotlines" / "12345.yaml"
    file.write_text(file.read_text().replace("queue: general", "queue: " + "Q" * 50_000))
    assert all(len(line) < 500 for line in problems(city))


@given(st.binary(max_size=400))
@settings(max_examples=300, deadline=None)
def test_random_bytes_are_told_as_problems_and_never_as_a_traceback(data: bytes) -> None:
    with contextlib.suppress(Unreadable):
        parse("file.yaml", data.decode("utf-8", errors="replace"))


@given(st.text(alphabet="ab1:-[]{}&*!|>'\"%@`#,? \n\t\\x0U<=.~", max_size=200))
@settings(max_examples=500, deadline=None)
def test_random_yaml_is_told_as_problems_and_never_as_a_traceback(text: str) -> None:
    with contextlib.suppress(Unreadable):
        parse("file.yaml", text)


@pytest.mark.parametrize("seed", range(60))
def test_a_city_damaged_anywhere_loads_or_is_refused(seed: int, city: Path) -> None:
    dice = random.Random(seed)
    file = dice.choice(sorted(path for path in city.rglob("*.yaml")))
    data = bytearray(file.read_bytes())
    for _ in range(dice.randrange(1, 6)):
        at = dice.randrange(len(data))
        data[at : at + dice.randrange(4)] = bytes(dice.randrange(256) for _ in range(dice.randrange(4)))
    file.write_bytes(data)
    with contextlib.suppress(ConfigError):
        load(city)
