"""What set-up does and leaves alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.paths import Paths
from deploy.setup.asterisk import apt_configuration, codename
from deploy.setup.machine import asterisk_version
from deploy.setup.place import Place
from deploy.setup.plan import STEPS, Due, Goal, decide, digest

pytestmark = pytest.mark.unit


def test_what_is_there_and_unchanged_is_left_alone() -> None:
    assert decide("abc", "abc", missing="") is None


def test_what_was_deleted_is_made_again() -> None:
    assert decide("abc", "abc", missing="the model") == Due("missing: the model")


def test_what_is_there_without_a_stamp_is_looked_at_but_not_thrown_away() -> None:
    due = decide("", "abc", missing="")
    assert due is not None
    assert not due.changed


def test_changed_inputs_make_the_product_anew() -> None:
    due = decide("old", "new", missing="")
    assert due is not None
    assert due.changed


@given(st.dictionaries(st.text(), st.binary()))
def test_the_hash_of_inputs_does_not_depend_on_their_order(parts: dict[str, bytes]) -> None:
    assert digest(parts.items()) == digest(reversed(list(parts.items())))


@given(st.text(), st.text(), st.binary())
def test_what_moves_from_a_name_into_its_content_changes_the_hash(
    name: str, more: str, content: bytes
) -> None:
    moved = digest([(name, more.encode() + content)])
    assert (digest([(name + more, content)]) == moved) == (more == "")


def test_every_goal_makes_the_environment_before_what_runs_in_it() -> None:
    for steps in STEPS.values():
        after = steps[steps.index("environment") :]
        assert not {"whisper", "music", "prompts", "vosk-tests"} & set(steps) - set(after)
    assert set(STEPS[Goal.RUN]) <= set(STEPS[Goal.TEST])


def test_the_folders_are_those_of_the_platform(tmp_path: Path) -> None:
    for environment in ({}, {"YHT_OPT": str(tmp_path / "opt"), "YHT_CONFIG": str(tmp_path / "city")}):
        paths = Paths.find(environment=environment)
        place = Place.find(paths.checkout, environment)
        assert (place.opt, place.city, place.asterisk) == (paths.opt, paths.config_dir, paths.asterisk_tree)
        assert (place.models, place.music, place.prompts) == (paths.models, paths.music, paths.prompts)
        assert place.stamps == paths.stamps


@pytest.mark.parametrize(
    ("said", "major"),
    [
        ("Asterisk 22.10.1+dfsg+~cs6.17.60671434-1", 22),
        ("Asterisk 20.6.0~dfsg+~cs6.13.40431414-2build5\n", 20),
        ("Asterisk certified/20.7-cert3", 20),
        ("Asterisk certified-18.9-cert1", 18),
        ("", 0),
        ("bash: asterisk: command not found", 0),
    ],
)
def test_the_version_of_an_asterisk_is_read(said: str, major: int) -> None:
    assert asterisk_version(said) == major


def test_the_release_is_read_with_quotes_and_without() -> None:
    assert codename('ID=debian\nVERSION_CODENAME=bookworm\nVERSION="12 (bookworm)"\n') == "bookworm"
    assert codename('VERSION_CODENAME="noble"\n') == "noble"
    assert codename("ID=arch\n") == ""


def test_the_apt_of_our_own_touches_no_folder_of_the_machine_and_still_checks_signatures() -> None:
    text = apt_configuration(Path("/srv/a b/opt"))
    for setting in ("Dir::State", "Dir::State::status", "Dir::Cache", "Dir::Etc::sourcelist"):
        assert f'{setting} "/srv/a b/opt' in text
    assert "AllowInsecure" not in text
    assert "trusted" not in text
