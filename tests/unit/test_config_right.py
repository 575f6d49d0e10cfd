"""A city that is right: what is in it, where each thing stands, and that loading is quick and touches nothing."""

import shutil
import time
from datetime import datetime
from pathlib import Path

import pytest

from config import City, load
from config.paths import Paths

pytestmark = pytest.mark.unit

CITY = Path(__file__).parent / "wrong_config" / "city"
SAMPLE = Paths.find(environment={}).config_dir


@pytest.fixture(scope="module")
def sample() -> City:
    return load(SAMPLE)


def test_three_legacy_hotlines_share_the_pool_of_12345(sample: City) -> None:
    legacy = [sample.hotline[name] for name in ("12319", "12358", "12350")]
    assert {line.merge_mode for line in legacy} == {"dual_number"}
    assert sample.hotline["12345"].merge_mode == "full_merge"
    assert {line.queue for line in legacy} == {sample.hotline["12345"].queue} == {"general"}
    pool = [agent.id for agent in sample.agents if "general" in agent.queues]
    assert pool == [str(number) for number in range(1001, 1009)]
    assert {seat.ext for seat in sample.seats} >= set(pool)


def test_each_keeps_its_greeting_its_goodbye_and_its_case_destination(sample: City) -> None:
    lines = [sample.hotline[name] for name in ("12345", "12319", "12358", "12350")]
    assert len({line.greeting for line in lines}) == 4
    assert len({line.goodbye for line in lines}) == 4
    assert len({(line.case.backend, line.case.unit) for line in lines}) == 4
    assert {line.case.backend for line in lines} == {"platform", "external", "tenant"}


def test_everything_has_its_place(sample: City) -> None:
    for name in (
        "hotline.12319",
        "hotline.12319.greeting",
        "queue.general",
        "agent.1001.queues",
        "seat.1001",
    ):
        file, _, line = sample.places[name].rpartition(":")
        text = (SAMPLE / file).read_text(encoding="utf-8").splitlines()[int(line) - 1]
        assert name.rpartition(".")[2] in text or name == "hotline.12319"
    for prompt in sample.prompts:
        assert f"prompt.{prompt}.zh" in sample.places
    for kind, ids in (
        ("trunk", [trunk.id for trunk in sample.trunks]),
        ("unit", [unit.id for unit in sample.units]),
        ("demo", [line.id for line in sample.demo]),
    ):
        assert ids
        assert all(f"{kind}.{name}" in sample.places for name in ids)


def test_what_a_file_does_not_say_has_no_place() -> None:
    city = load(CITY)
    assert city.platform.agi.port == 4573
    assert "platform.agi.port" not in city.places
    assert city.places["platform.ami.port"] == "platform.yaml:7"


def test_a_day_is_read_as_its_first_moment_without_an_offset() -> None:
    assert load(CITY).hotline["12319"].valid_from == datetime(2026, 12, 1)


def test_one_number_may_stand_alone_instead_of_in_a_list(tmp_path: Path) -> None:
    shutil.copytree(CITY, tmp_path / "city")
    file = tmp_path / "city" / "hotlines" / "12319.yaml"
    file.write_text(file.read_text().replace('["12319"]', '"12319"'))
    city = load(tmp_path / "city")
    assert city.hotline["12319"].numbers == ("12319",)
    assert city.places["hotline.12319.numbers"] == "hotlines/12319.yaml:2"


def test_three_hundred_hotlines_load_within_two_seconds(tmp_path: Path) -> None:
    folder = tmp_path / "city"
    shutil.copytree(CITY, folder)
    text = (folder / "hotlines" / "12319.yaml").read_text()
    for number in range(300):
        (folder / "hotlines" / f"h{number}.yaml").write_text(text.replace('"12319"', f'"{20000 + number}"'))
    began = time.process_time()
    city = load(folder)
    assert len(city.hotlines) == 302
    assert time.process_time() - began < 2.0


def test_loading_changes_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "city"
    shutil.copytree(CITY, folder)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    assert load(folder) == load(folder)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_every_field_of_every_file_is_documented() -> None:
    from pydantic import BaseModel

    from config.schema.batch import Batch
    from config.schema.cases import Cases
    from config.schema.demo import Demo
    from config.schema.hotline import Hotline
    from config.schema.people import Agents, Queues, Trunks, Units
    from config.schema.platform import Platform
    from config.schema.prompts import Prompts
    from config.sentences import model_at

    documented = (SAMPLE.parents[1] / "docs" / "configuration.md").read_text(encoding="utf-8")
    pending: list[type[BaseModel]] = [
        Cases,
        Batch,
        Demo,
        Hotline,
        Agents,
        Queues,
        Trunks,
        Units,
        Platform,
        Prompts,
    ]
    seen = 0
    while pending:
        model = pending.pop()
        for name, info in model.model_fields.items():
            written = info.alias or name
            assert info.description, f"{model.__name__}.{name} has no docstring"
            told = (f"`{written}`", f".{written}`", f"`{written}.")
            assert any(text in documented for text in told), f"{model.__name__}.{written}"
            seen += 1
            for inside in ((), (0,), ("any",)):
                below = model_at(info.annotation, inside)
                if below is not None:
                    pending.append(below)
    assert seen > 60
