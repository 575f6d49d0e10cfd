"""The callback script as Asterisk starts it: a process that is talked to over its stdin and stdout."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.agi import callback_request

pytestmark = [pytest.mark.contract, pytest.mark.timeout(30)]

SCRIPT = Path(callback_request.__file__)
CALL = "n1-1795536000.42"
CALLER = "13800138000"
CLIPS = ("callback_offer", "callback_enter", "callback_number", "callback_confirm", "callback_failed")


class Played:
    """Asterisk's side. Commands are answered by `answers` (a start of the command → result), else with 0."""

    def __init__(self, tmp_path: Path, call_id: str = CALL) -> None:
        self.callbacks = tmp_path / "call backs"
        self.callbacks.mkdir()
        self.prompts = tmp_path / "prompts of a city"
        self.prompts.mkdir()
        for clip in (*CLIPS, "callback_taken", *(f"num_{digit}" for digit in range(10)), "digit_one"):
            (self.prompts / f"{clip}.wav").touch()
        self.commands: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, SCRIPT, self.callbacks, call_id, self.prompts / "callback_taken"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def send(self, data: bytes) -> None:
        assert self.process.stdin is not None
        # A script that has ended does not read what comes after; what it made of it is what tests ask.
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(data)
            self.process.stdin.flush()

    def environment(self, caller: bytes = CALLER.encode()) -> None:
        self.send(
            b"agi_request: callback_request\nagi_callerid: " + caller + b"\nagi_calleridname: \xc4\xe3\n"
        )
        self.send(b"agi_dnid: 12319\nagi_extension: s\n\n")

    def command(self) -> str:
        """Return the next command, "" when the script has ended."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline().decode().rstrip("\n")
        if line:
            self.commands.append(line)
        return line

    def play(self, answers: dict[str, list[str]] | None = None) -> None:
        """Answer every command until the script ends; each list in `answers` is used up, then 0 again."""
        left = {start: list(results) for start, results in (answers or {}).items()}
        while line := self.command():
            fitting = [results for start, results in left.items() if line.startswith(start) and results]
            self.send(f"200 result={fitting[0].pop(0) if fitting else '0'}\n".encode())

    def ended(self) -> str:
        """Return what the script wrote to stderr; it has to end in time, well, and without a traceback."""
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        assert self.process.wait(10) == 0
        assert self.process.stderr is not None
        said = self.process.stderr.read().decode()
        assert "Traceback" not in said
        assert CALLER not in said
        return said

    def requests(self) -> list[Path]:
        """Return the files in the folder, of whatever name."""
        return sorted(self.callbacks.iterdir())

    def heard(self) -> list[str]:
        """Return the clips that were played."""
        folder = f'STREAM FILE "{self.prompts}/'
        return [line.removeprefix(folder).split('"')[0] for line in self.commands if line.startswith(folder)]


@pytest.fixture
def asterisk(tmp_path: Path) -> Iterator[Played]:
    played = Played(tmp_path)
    yield played
    played.process.kill()
    for pipe in (played.process.stdout, played.process.stderr):
        assert pipe is not None
        pipe.close()


def test_a_request_is_written_whole_and_for_nobody_elses_eyes(asterisk: Played) -> None:
    asterisk.environment()
    asterisk.play(
        {
            'GET VARIABLE "YHT_HOTLINE"': ["1 (12319)"],
            'GET VARIABLE "YHT_QUEUE"': ["1 (hall)"],
            f'STREAM FILE "{asterisk.prompts}/callback_offer"': [f"{ord('1')} endpos=800"],
        }
    )
    assert asterisk.ended() == ""
    (file,) = asterisk.requests()
    assert file.name == f"{CALL}.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    request = json.loads(file.read_text())
    assert request.pop("taken_at") > 1_700_000_000_000_000
    assert request == {
        "call_id": CALL,
        "caller_number": CALLER,
        "number": CALLER,
        "dialed_number": "12319",
        "hotline": "12319",
        "queue": "hall",
    }
    assert asterisk.heard() == ["callback_offer", "callback_taken"]


def test_a_call_without_a_number_can_leave_one(asterisk: Played) -> None:
    asterisk.environment(caller=b"anonymous")
    asterisk.play({"WAIT FOR DIGIT": [*(str(ord(key)) for key in "87654321#"), "0"]})
    assert asterisk.ended() == ""
    (file,) = asterisk.requests()
    request = json.loads(file.read_text())
    assert (request["caller_number"], request["number"]) == ("", "87654321")


def test_prompts_that_are_missing_are_passed_over(asterisk: Played) -> None:
    for file in asterisk.prompts.iterdir():
        file.unlink()
    asterisk.environment()
    asterisk.play()
    assert asterisk.ended() == ""
    assert len(asterisk.requests()) == 1
    assert asterisk.heard() == []


def test_a_clip_that_can_not_be_played_costs_one_sentence(asterisk: Played) -> None:
    asterisk.environment()
    asterisk.play({"STREAM FILE": ["-1 endpos=0"] * 3, "CHANNEL STATUS": ["6"] * 3})
    assert asterisk.ended() == ""
    assert len(asterisk.requests()) == 1


@pytest.mark.parametrize("after", range(5))
def test_a_hangup_at_any_moment_ends_it(asterisk: Played, after: int) -> None:
    asterisk.environment()
    for _ in range(after):
        assert asterisk.command()
        asterisk.send(b"200 result=0\n")
    assert "hung up" in asterisk.ended()
    assert asterisk.requests() == []


def test_a_hangup_that_asterisk_signals_and_reports_ends_it(asterisk: Played) -> None:
    asterisk.environment()
    asterisk.command()
    asterisk.process.send_signal(signal.SIGHUP)
    asterisk.send(b"200 result=-1\n")
    asterisk.play()
    assert "hung up" in asterisk.ended()
    assert asterisk.requests() == []


@pytest.mark.parametrize(
    "answer",
    [b"520-Invalid command syntax.  Proper usage follows:\n", b"HANGUP\n", b"rubbish\n", b"x" * 200_000, b""],
)
def test_an_answer_that_pyst2_would_spin_or_fall_over_on_ends_it(asterisk: Played, answer: bytes) -> None:
    asterisk.environment()
    asterisk.command()
    asterisk.send(answer)
    asterisk.ended()
    assert asterisk.requests() == []


def test_a_dead_channel_ends_it(asterisk: Played) -> None:
    asterisk.environment()
    asterisk.command()
    asterisk.send(b"511 Command Not Permitted on a dead channel or intercept routine\n")
    assert "refused" in asterisk.ended()


def test_an_environment_of_rubbish_is_a_call_without_a_number(asterisk: Played) -> None:
    asterisk.environment(caller=b"\xff" * 10_000)
    asterisk.play()
    assert "no number" in asterisk.ended()
    assert asterisk.heard()[-1] == "callback_failed"


def test_an_end_before_the_environment_is_over_is_a_hangup(asterisk: Played) -> None:
    asterisk.send(b"agi_request: callback_request\nagi_cal")
    assert "hung up" in asterisk.ended()


def test_a_folder_that_takes_nothing_is_a_polite_end(asterisk: Played) -> None:
    asterisk.callbacks.rmdir()
    asterisk.environment()
    asterisk.play()
    assert "No such file" in asterisk.ended()
    assert asterisk.heard()[-1] == "callback_failed"


def test_a_full_disk_leaves_no_half_a_request(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(os, "fsync", full)
    request = callback_request.Request(CALL, CALLER, CALLER, "12319", "12319", "hall", 1)
    with pytest.raises(OSError, match="No space left"):
        callback_request.write(tmp_path, request)
    assert list(tmp_path.iterdir()) == []


def test_a_call_id_that_is_none_can_not_leave_the_folder(tmp_path: Path) -> None:
    played = Played(tmp_path, call_id="../../etc/passwd")
    played.environment()
    played.play()
    assert played.ended() == ""
    (file,) = played.requests()
    assert file.name.startswith("unnamed-")


def test_it_ends_by_itself_when_asterisk_says_nothing(tmp_path: Path) -> None:
    program = (
        "import sys; from deploy.agi import callback_request as script;"
        " script.LONGEST_SECONDS = 1; sys.exit(script.main(sys.argv[1:]))"
    )
    done = subprocess.Popen(
        [sys.executable, "-c", program, tmp_path, CALL, tmp_path / "callback_taken"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=SCRIPT.parents[2],
    )
    assert done.wait(15) == 0
    _, said = done.communicate()
    assert b"ended after 1 s" in said


def test_wrong_use_is_told() -> None:
    done = subprocess.run([sys.executable, SCRIPT], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "FOLDER CALL_ID PROMPT" in done.stderr
