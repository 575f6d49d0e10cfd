"""The front door: every command is there, wrong use is one line, a bug is one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cti.app import cli
from cti.app.cli import ENTRIES, Entry
from tests.unit.restored_logs import restored_logs as restored_logs

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("entry", ENTRIES, ids=[entry.name for entry in ENTRIES])
def test_every_command_of_the_table_is_there_and_explains_itself(
    entry: Entry, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main([entry.name, "--help"]) == 0
    assert f"yht {entry.name}" in capsys.readouterr().out


def test_help_lists_every_command_without_importing_any(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--help"]) == 0
    out = capsys.readouterr().out
    assert all(f" {entry.name} " in out for entry in ENTRIES)


@pytest.mark.parametrize(
    "arguments",
    [["calls"], ["run"], ["run", "nothing"], ["--home"], ["up", "--sideways"], ["line", "explain"]],
)
def test_wrong_use_is_one_line_and_code_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(arguments) == 2
    said = capsys.readouterr().err
    assert said.startswith("yht: ")
    assert said.count("\n") == 1
    assert "--help" in said


def test_a_mistyped_command_is_answered_with_the_one_that_was_meant(
    capsys: pytest.CaptureFixture[str],
) -> None:
    cli.main(["statsu"])
    assert "Did you mean 'status'?" in capsys.readouterr().err


def broken() -> None:
    raise LookupError("no such thing\nas 13800138000")


@pytest.mark.usefixtures("restored_logs")
def test_a_bug_is_one_line_and_its_traceback_is_in_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv(cli.DEBUG, raising=False)
    monkeypatch.setattr(cli, "ENTRIES", (Entry("break", f"{__name__}:broken", "Break.", "Test"),))
    assert cli.main(["--home", str(tmp_path), "break"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("yht: unexpected LookupError: no such thing as")
    assert said.count("\n") == 1
    assert str(tmp_path / "log" / "yht.log") in said
    [entry] = map(json.loads, (tmp_path / "log" / "yht.log").read_text(encoding="utf-8").splitlines())
    assert "in broken" in entry["exception"]
    assert "13800138000" not in entry["exception"]


def test_whoever_debugs_sees_the_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(cli.DEBUG, "1")
    monkeypatch.setattr(cli, "ENTRIES", (Entry("break", f"{__name__}:broken", "Break.", "Test"),))
    with pytest.raises(LookupError):
        cli.main(["break"])
