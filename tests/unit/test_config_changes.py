"""What `yht config apply` says of two cities: every difference, and which of them no running process can take."""

from dataclasses import replace
from pathlib import Path

import pytest

from config import City, ConfigError, load
from config.changes import RESTART, changes, need_restart
from config.paths import Paths
from cti import inforce

pytestmark = pytest.mark.unit

CITY = load(Path(__file__).parent / "wrong_config" / "city")


def with_platform(**settings: object) -> City:
    return replace(CITY, platform=CITY.platform.model_copy(update=settings))


def test_a_city_does_not_differ_from_itself() -> None:
    assert changes(CITY, CITY) == ()
    assert need_restart(CITY, CITY) == ()


def test_what_was_added_removed_and_changed_is_told_with_its_place() -> None:
    line = CITY.hotline["12319"]
    other = line.model_copy(update={"id": "new", "numbers": ("12388",)})
    quieter = CITY.hotline["12345"].model_copy(update={"record": False, "priority": 9})
    after = replace(CITY, hotlines=(quieter, other), seats=CITY.seats[1:])
    assert [str(change) for change in changes(CITY, after)] == [
        "hotline 12319 removed",
        "hotline 12345 changed: priority, record (hotlines/12345.yaml:1)",
        "hotline new added",
        "seat 1001 removed",
    ]
    assert changes(CITY, replace(CITY, hotlines=CITY.hotlines[::-1])) == ()


@pytest.mark.parametrize("name", RESTART)
def test_what_needs_a_restart_is_named_with_its_line(name: str) -> None:
    class Other:
        """Equal to nothing."""

    (problem,) = need_restart(CITY, with_platform(**{name: Other()}))
    assert (problem.file, problem.path) == ("platform.yaml", name)
    assert "restart" in str(problem)


def test_what_is_taken_at_once_needs_none() -> None:
    assert need_restart(CITY, with_platform(area_code="020", timezone="Asia/Urumqi")) == ()


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    import shutil

    shutil.copytree(Path(__file__).parent / "wrong_config" / "city", tmp_path / "city")
    return Paths.find(tmp_path / "home", tmp_path / "city", environment={})


def test_what_is_in_force_is_a_copy_that_later_edits_do_not_reach(paths: Paths) -> None:
    assert inforce.folder(paths) is None
    city = load(paths.config_dir)
    first = inforce.put(paths, city)
    folder = inforce.folder(paths)
    assert folder is not None
    assert folder.name == first == inforce.generation(paths)
    (paths.config_dir / "units.yaml").write_text("half", encoding="utf-8")
    assert load(folder) == city
    with pytest.raises(ConfigError):
        inforce.put(paths, city)
    assert inforce.generation(paths) == first


def test_the_same_files_are_the_same_generation_and_old_ones_are_forgotten(paths: Paths) -> None:
    first = inforce.put(paths, load(paths.config_dir))
    assert inforce.put(paths, load(paths.config_dir)) == first
    hotline = paths.config_dir / "hotlines" / "12345.yaml"
    for priority in range(6):
        with hotline.open("a", encoding="utf-8") as file:
            file.write(f"# {priority}\n")
        last = inforce.put(paths, load(paths.config_dir))
    assert last != first
    assert inforce.generation(paths) == last
    assert len(list((paths.home / "etc" / "cities").iterdir())) == 4


def test_files_that_are_not_those_that_were_checked_are_not_put_into_force(paths: Paths) -> None:
    city = load(paths.config_dir)
    hotline = paths.config_dir / "hotlines" / "12319.yaml"
    hotline.write_text(hotline.read_text().replace("priority: 5", "priority: 6"), encoding="utf-8")
    with pytest.raises(ConfigError, match="changed while it was read"):
        inforce.put(paths, city)
    assert inforce.generation(paths) == ""
