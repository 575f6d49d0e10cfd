"""`make run` after set-up (deploy/run.sh): the platform, the call, staying up, and a clean end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = [pytest.mark.contract, pytest.mark.timeout(30)]

CHECKOUT = Path(__file__).resolve().parents[2]
PLAYED_YHT = """#!/bin/sh
# A platform that is one sleeping process.
echo "$*" >>said
case $1 in
    up)
        [ ! -e refuses ] || { echo "yht: a port is taken" >&2; exit 1; }
        sleep 300 >/dev/null 2>&1 &
        mkdir -p var/run
        echo "{\\"pid\\": $!}" >var/run/supervisor.json
        [ ! -e half ] || { echo "yht: the engine does not start" >&2; exit 1; } ;;
    demo) [ ! -e mute ] || exit 1 ;;
    down) kill "$(tr -dc 0-9 <var/run/supervisor.json)" ;;
esac
"""


class Runner:
    """A checkout with a played `yht` in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "a checkout"
        (self.folder / "deploy").mkdir(parents=True)
        (self.folder / "deploy/run.sh").write_bytes((CHECKOUT / "deploy/run.sh").read_bytes())
        (self.folder / "yht").write_text(PLAYED_YHT)
        (self.folder / "yht").chmod(0o755)
        (self.folder / ".venv/bin").mkdir(parents=True)
        (self.folder / ".venv/bin/python").symlink_to(sys.executable)
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> subprocess.Popen[str]:
        """Start it as make does."""
        environment = {name: value for name, value in os.environ.items() if name != "YHT_HOME"}
        self.process = subprocess.Popen(
            ["sh", self.folder / "deploy/run.sh"],
            cwd="/",
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        return self.process

    def hear(self, sentence: str) -> None:
        """Wait until it says this."""
        assert self.process is not None
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if sentence in line:
                return
        raise AssertionError(f"never said: {sentence}")

    def said(self) -> list[str]:
        """Return what was asked of `yht`."""
        return (self.folder / "said").read_text().splitlines()

    def platform(self) -> int:
        """Return the pid of the played platform, 0 when none runs."""
        try:
            pid = int("".join(filter(str.isdigit, (self.folder / "var/run/supervisor.json").read_text())))
            os.kill(pid, 0)
        except (FileNotFoundError, ProcessLookupError):
            return 0
        return pid


@pytest.fixture
def runner(tmp_path: Path) -> Iterator[Runner]:
    found = Runner(tmp_path)
    yield found
    if found.process is not None:
        found.process.kill()
        found.process.communicate()
    if pid := found.platform():
        os.kill(pid, signal.SIGKILL)


def _gone(runner: Runner) -> None:
    deadline = time.monotonic() + 10
    while runner.platform():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_plays_the_call_stays_up_and_stops_cleanly(runner: Runner, number: signal.Signals) -> None:
    process = runner.start()
    runner.hear("Ctrl-C here stops it.")
    assert runner.platform()
    os.killpg(process.pid, number)
    assert process.wait(10) == 0
    _gone(runner)
    assert runner.said() == ["up --detach", "demo", "down"]


def test_a_demo_that_fails_is_said_and_the_platform_stays_up(runner: Runner) -> None:
    (runner.folder / "mute").touch()
    runner.start()
    runner.hear("did not end as it should")
    runner.hear("Ctrl-C here stops it.")
    assert runner.platform()


def test_it_ends_when_the_platform_is_stopped_elsewhere(runner: Runner) -> None:
    process = runner.start()
    runner.hear("Ctrl-C here stops it.")
    os.kill(runner.platform(), signal.SIGKILL)
    runner.hear("The platform was stopped.")
    assert process.wait(10) == 0


def test_half_a_start_is_taken_down(runner: Runner) -> None:
    (runner.folder / "half").touch()
    process = runner.start()
    assert process.wait(10) == 1
    _gone(runner)
    assert runner.said() == ["up --detach", "down"]


def test_a_platform_that_ran_before_is_left_alone(runner: Runner) -> None:
    runner.start()
    runner.hear("Ctrl-C here stops it.")
    before = runner.platform()
    (runner.folder / "refuses").touch()
    second = subprocess.run(
        ["sh", runner.folder / "deploy/run.sh"], capture_output=True, text=True, check=False
    )
    assert second.returncode == 1
    assert "a port is taken" in second.stderr
    assert runner.platform() == before
