"""Two commands that would take each other's seats: the second says so and ends."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer

from config.paths import Paths
from cti.app.commands.common import alone

pytestmark = pytest.mark.unit


def test_a_second_one_is_told_and_a_later_one_is_let_in(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = Paths.find(tmp_path, environment={})
    paths.run.mkdir()
    with alone(paths, "demo"):
        with pytest.raises(typer.Exit) as ended, alone(paths, "demo"):
            raise AssertionError("the second one was let in")
        with alone(paths, "sipp run"):
            pass
    assert ended.value.exit_code == 1
    assert (
        capsys.readouterr().err
        == "yht: another 'yht demo' is at work on this platform; wait until it is done\n"
    )
    with alone(paths, "demo"):
        pass


def test_where_no_platform_ran_that_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit), alone(Paths.find(tmp_path, environment={}), "demo"):
        raise AssertionError("let in")
    assert "no platform has run in" in capsys.readouterr().err
