"""A file that is replaced is never half of something, and never readable by more than it is meant for."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from cti import files

pytestmark = pytest.mark.unit


def mode(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


def test_the_new_text_takes_the_place_of_the_old_and_nothing_else_is_left(tmp_path: Path) -> None:
    file = tmp_path / "seats.json"
    file.write_text("old", encoding="utf-8")
    files.replace(file, "新的", 0o600)
    assert file.read_text(encoding="utf-8") == "新的"
    assert os.listdir(tmp_path) == ["seats.json"]


def test_what_cannot_be_written_leaves_the_old(tmp_path: Path) -> None:
    file = tmp_path / "seats.json"
    file.write_text("old", encoding="utf-8")
    with pytest.raises(UnicodeEncodeError):
        files.replace(file, "\ud800")
    assert file.read_text(encoding="utf-8") == "old"


@pytest.mark.parametrize("wanted", [0o600, 0o700, 0o440, 0o644])
def test_permissions_are_those_asked_for_whatever_the_umask(tmp_path: Path, wanted: int) -> None:
    before = os.umask(0o077)
    try:
        files.replace(tmp_path / "file", "text", wanted, durable=True)
    finally:
        os.umask(before)
    assert mode(tmp_path / "file") == wanted


def test_permissions_not_asked_for_are_left_to_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        files.replace(tmp_path / "file", "text")
    finally:
        os.umask(before)
    assert mode(tmp_path / "file") == 0o640


def test_a_lock_is_held_by_one_and_given_back(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    with (
        files.held(lock),
        pytest.raises(LookupError, match="taken"),
        files.held(lock, lambda: LookupError("taken")),
    ):
        raise AssertionError("two hold it")
    with files.held(lock, lambda: LookupError("taken")):
        pass
