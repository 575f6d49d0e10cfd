"""Set-up on a real disk: stamps, logs, failures and being killed."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.setup.__main__ import SetUp, main
from deploy.setup.console import Console, last_lines
from deploy.setup.failure import StepFailed
from deploy.setup.place import Place
from deploy.setup.process import Commands
from deploy.setup.stamps import Stamps
from deploy.setup.step import Step, Task

pytestmark = pytest.mark.contract

CHECKOUT = Path(__file__).resolve().parents[2]


class Kitchen:
    """A set-up of one step that makes `bread` out of `flour`."""

    def __init__(self, tmp_path: Path) -> None:
        self.place = Place(tmp_path / "check out", tmp_path / "opt", tmp_path / "city")
        self.place.checkout.mkdir()
        self.stamps = Stamps(self.place.stamps)
        self.bread = self.place.opt / "bread"
        self.flour = b"wheat"
        self.baked: list[Task] = []
        self.shell = "echo bake"
        self.out = io.StringIO()

    def _bake(self, task: Task) -> None:
        self.baked.append(task)
        task.commands.run(["sh", "-c", self.shell], "look into the oven")
        self.bread.write_bytes(self.flour)

    def run(self) -> str:
        """Set up; return what was said."""
        step = Step(
            "bread",
            "fresh bread",
            inputs=lambda place: [("flour", self.flour)],
            missing=lambda place: "" if self.bread.exists() else "bread",
            work=self._bake,
        )
        self.out = io.StringIO()
        with self.stamps.held(lambda: None) as lock:
            SetUp(self.place, Console(self.out), lock).run([step])
        return self.out.getvalue()


@pytest.fixture
def kitchen(tmp_path: Path) -> Kitchen:
    return Kitchen(tmp_path)


def test_a_step_is_told_done_and_then_left_alone(kitchen: Kitchen) -> None:
    said = kitchen.run()
    assert "[1/1] fresh bread: missing: bread" in said
    assert "done in" in said
    assert kitchen.run() == "Set-up: everything is there already.\n"
    assert len(kitchen.baked) == 1


def test_a_product_that_is_gone_and_an_input_that_changed_are_noticed(kitchen: Kitchen) -> None:
    kitchen.run()
    kitchen.bread.unlink()
    assert "missing: bread" in kitchen.run()
    kitchen.flour = b"rye"
    assert "its inputs have changed" in kitchen.run()
    assert [task.due.changed for task in kitchen.baked] == [False, False, True]


def test_a_failure_says_what_to_do_keeps_the_log_and_is_done_again(kitchen: Kitchen) -> None:
    kitchen.shell = "echo no yeast; exit 3"
    with pytest.raises(StepFailed, match="sh ended with 3: look into the oven") as failed:
        kitchen.run()
    assert failed.value.log is not None
    assert last_lines(failed.value.log, 1) == ["no yeast"]
    assert kitchen.stamps.read("bread") == ""
    kitchen.shell = "true"
    assert "done in" in kitchen.run()


def test_a_program_that_is_not_there_is_a_failure_of_the_step(tmp_path: Path) -> None:
    with (tmp_path / "lock").open("w") as lock:
        commands = Commands(tmp_path / "log", Console(io.StringIO()), lock.fileno(), tmp_path)
        with pytest.raises(StepFailed, match="could not be started"):
            commands.run(["no-such-program"], "install it")


@pytest.mark.parametrize(("shell", "half_done"), [("exit 1", False), ("kill -9 $$", True)])
def test_only_a_command_that_was_killed_leaves_half_of_something(
    kitchen: Kitchen, shell: str, half_done: bool
) -> None:
    kitchen.shell = shell
    kitchen.place.stamps.mkdir(parents=True)
    with pytest.raises(StepFailed), kitchen.stamps.working("bread"):
        kitchen.run()
    assert kitchen.stamps.begun("bread") is half_done


def test_a_progress_bar_counts_as_one_line(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"first\n 10 %\r 50 %\r100 %\n\n  \nlast \xff\n")
    assert last_lines(log, 3) == ["first", "100 %", "last \ufffd"]
    assert last_lines(tmp_path / "none", 3) == []


def test_a_long_command_gives_signs_of_life(tmp_path: Path) -> None:
    log, out = tmp_path / "log", io.StringIO()
    log.write_text("Collecting numpy\n")
    console = Console(out)
    console.begin()
    for tenths in range(400):
        console.working(tenths / 10, log)
    assert out.getvalue().count("Collecting numpy") == 2
    assert "still at it after 15 s" in out.getvalue()


# Two at once, and one that is killed

HOLDER = """
import io, sys, pathlib
from deploy.setup.console import Console
from deploy.setup.process import Commands
from deploy.setup.stamps import Stamps
folder = pathlib.Path(sys.argv[1])
with Stamps(folder).held(lambda: print("waiting", flush=True)) as lock:
    print("holding", flush=True)
    Commands(folder / "log", Console(io.StringIO()), lock, folder).run(["sh", "-c", sys.argv[2]], "")
"""

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[subprocess.Popen[str]] = []

    def run(shell: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", HOLDER, tmp_path / "stamps", shell],
            cwd=CHECKOUT,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


@pytest.mark.timeout(30)
def test_what_a_killed_set_up_had_started_is_waited_for(start: Start, tmp_path: Path) -> None:
    first = start("echo $$ >pid; while [ ! -e go ]; do sleep 0.05; done")
    assert _line(first) == "holding"
    pid = tmp_path / "stamps" / "pid"
    deadline = time.monotonic() + 10
    while not (pid.exists() and pid.read_text().strip()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    first.kill()
    first.wait()
    second = start("true")
    assert _line(second) == "waiting"
    (tmp_path / "stamps" / "go").touch()
    assert _line(second) == "holding"
    assert second.wait(10) == 0


# The command


def _set_up(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", CHECKOUT / "deploy/setup/bootstrap.sh", *arguments],
        cwd=tmp_path,
        env={**os.environ, "YHT_OPT": str(tmp_path / "opt")},
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_runs_from_any_folder_on_the_standard_library_only(tmp_path: Path) -> None:
    done = _set_up(tmp_path, "everything")
    assert done.returncode == 2
    assert done.stderr == "set-up: say for what: one of lint, run, test\n"
    ours = [*(CHECKOUT / "deploy/setup").glob("*.py"), CHECKOUT / "recorder/speech/models.py"]
    code = "import sys; sys.path.insert(0, sys.argv[1]); import deploy.setup.__main__"
    assert len(ours) > 5
    subprocess.run([sys.executable, "-I", "-S", "-c", code, CHECKOUT], check=True, cwd=tmp_path)


def test_a_folder_that_can_not_be_written_is_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("YHT_OPT", str(tmp_path / "file" / "opt"))
    before = signal.getsignal(signal.SIGTERM)
    try:
        assert main(["lint"]) == 1
    finally:
        signal.signal(signal.SIGTERM, before)
    assert capsys.readouterr().err == (
        f"set-up: Not a directory: {tmp_path}/file/opt/setup; mend that and run this again\n"
    )
