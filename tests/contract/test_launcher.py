"""./yht: the command line of a checkout, wherever it lies and however it is called."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.contract

CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout in a folder with spaces, whose Python only tells how it was called."""
    folder = tmp_path / "yi hao tong"
    (folder / ".venv/bin").mkdir(parents=True)
    shutil.copy2(CHECKOUT / "yht", folder / "yht")
    python = folder / ".venv/bin/python"
    python.write_text('#!/bin/sh\nfor word; do printf "<%s>" "$word"; done\nexit 7\n')
    python.chmod(0o755)
    return folder


def _run(program: Path, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([program, *arguments], cwd=cwd, capture_output=True, text=True, check=False)


def test_arguments_and_the_exit_code_pass_untouched(checkout: Path) -> None:
    done = _run(checkout / "yht", "line", "explain", "1 2", "*", "", cwd=checkout)
    assert done.stdout == "<-P><-m><cti.app.cli><line><explain><1 2><*><>"
    assert done.returncode == 7


def test_symbolic_links_lead_to_the_checkout(checkout: Path, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/yht").symlink_to("second")
    (tmp_path / "bin/second").symlink_to(f"../{checkout.name}/yht")
    done = _run(tmp_path / "bin/yht", "status", cwd=Path("/"))
    assert done.stdout == "<-P><-m><cti.app.cli><status>"


def test_a_checkout_that_is_not_set_up_says_what_to_do(checkout: Path) -> None:
    shutil.rmtree(checkout / ".venv")
    done = _run(checkout / "yht", "status", cwd=Path("/"))
    assert done.returncode == 1
    assert done.stderr == f"yht: this checkout is not set up yet: run 'make setup' in {checkout} first\n"


def test_folders_named_like_ours_where_the_user_stands_are_not_taken_for_ours(tmp_path: Path) -> None:
    for name in ("config", "cti", "desk"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit('not ours')\n")
    done = _run(CHECKOUT / "yht", "--version", cwd=tmp_path)
    assert "not ours" not in done.stderr
    assert done.returncode == 0
