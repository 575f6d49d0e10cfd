"""Two robots, each a process with a telephone of its own, call each other directly and really speak."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
import wave
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.ports import free_port

pytestmark = pytest.mark.contract

AGENT, CITIZEN = "127.0.0.31", "127.0.0.32"
WITHIN = 40.0


def listens(host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((host, port))
        except OSError:
            return True
        return False


@dataclass
class Robot:
    """A robot's process; `report` is what it found."""

    process: subprocess.Popen[str]

    def report(self, code: int = 0) -> dict[str, Any]:
        out, errors = self.process.communicate(timeout=WITHIN)
        assert (self.process.returncode, errors) == (code, ""), f"{out[-2000:]}{errors[-2000:]}"
        found: dict[str, Any] = json.loads(out)
        return found


def start(folder: Path, script: str, address: str, port: int = 0, platform: str = "") -> Robot:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.contract.robot_process", address, str(port), platform, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    process.stdin.write(script)
    process.stdin.close()
    process.stdin = None
    return Robot(process)


def both(folder: Path, citizen: str, agent: str) -> tuple[Robot, Robot]:
    """Start the agent, and the citizen once the agent's telephone is there."""
    port = free_port(AGENT, socket.SOCK_DGRAM)
    answering = start(folder, f'actor: agent\nagent: "1001"\nrecord: true\nsteps:\n{agent}', AGENT, port)
    deadline = time.monotonic() + WITHIN
    while not listens(AGENT, port):
        assert time.monotonic() < deadline
        assert answering.process.poll() is None
        time.sleep(0.02)
    calling = start(
        folder, f"actor: citizen\nrecord: true\nsteps:\n{citizen}", CITIZEN, platform=f"{AGENT}:{port}"
    )
    return calling, answering


def seconds(path: str) -> float:
    with wave.open(path) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (8000, 1, 2)
        return file.getnframes() / 8000


def energy(path: str) -> float:
    with wave.open(path) as file:
        values = np.frombuffer(file.readframes(file.getnframes()), dtype=np.int16).astype(np.float64)
    return float(np.dot(values, values))


def test_two_robots_talk_turn_by_turn_and_hear_all_that_the_other_said(tmp_path: Path) -> None:
    calling, answering = both(
        tmp_path,
        citizen="""
  - dial: "12319"
  - answered
  - hear: babble_1_1500
  - say: babble_2_1200
  - hear: turn
  - say: babble_4_900
  - ended: 10
""",
        agent="""
  - ring: 20
  - answer: 0.3
  - wait: 0.3
  - say: babble_1_1500
  - hear: turn
  - say: babble_3_1000
  - hear: babble_4_900
  - hang_up
""",
    )
    citizen, agent = calling.report(), answering.report()

    assert citizen["said"]["sound_ms"] == pytest.approx(2100, abs=60)
    assert agent["heard"]["sound_ms"] == pytest.approx(2100, abs=250)
    assert citizen["heard"]["sound_ms"] == pytest.approx(2500, abs=250)
    for listener, speaker in ((citizen, agent), (agent, citizen)):
        assert listener["heard"]["level_db"] == pytest.approx(speaker["said"]["level_db"], abs=1.5)
        heard, said = energy(listener["recordings"]["heard"]), energy(speaker["recordings"]["said"])
        assert heard == pytest.approx(said, rel=0.15)
    times = citizen["timings_ms"]
    assert times["dialed"] <= times["ringing"] <= times["answered"] <= times["first_audio"] <= times["ended"]
    assert times["answered"] - times["ringing"] >= 290
    talked = (times["ended"] - times["answered"]) / 1000
    for path in citizen["recordings"].values():
        assert seconds(path) == pytest.approx(talked, abs=0.3)


def test_nobody_speaks_into_the_words_of_the_other(tmp_path: Path) -> None:
    calling, answering = both(
        tmp_path,
        citizen="  - dial: '1'\n  - {hear: turn}\n  - say: babble_2_1000\n  - hear: turn\n  - hang_up\n",
        agent="  - ring\n  - answer\n  - say: babble_1_1000\n  - hear: turn\n  - say: babble_3_1000\n  - ended: 9\n",
    )
    citizen, agent = calling.report(), answering.report()
    said = Path(citizen["recordings"]["said"]).read_bytes()[44:]
    heard = Path(citizen["recordings"]["heard"]).read_bytes()[44:]
    loud = [
        np.abs(np.frombuffer(side[: len(side) // 320 * 320], dtype=np.int16)).reshape(-1, 160).max(axis=1)
        > 500
        for side in (said, heard)
    ]
    together = sum(a and b for a, b in zip(*loud, strict=False))
    assert together <= 2
    assert agent["ok"]


def test_keys_are_received_both_as_telephone_events_and_as_info(tmp_path: Path) -> None:
    calling, answering = both(
        tmp_path,
        citizen="""
  - dial: "1"
  - answered
  - press: "12#"
  - {press: "9", way: info}
  - wait: 0.5
  - hang_up
""",
        agent="  - ring\n  - answer\n  - ended: 20\n",
    )
    assert calling.report()["ok"]
    assert answering.report()["digits"] == "12#9"


def test_a_held_call_goes_on_where_it_stopped(tmp_path: Path) -> None:
    calling, answering = both(
        tmp_path,
        citizen="  - dial: '1'\n  - answered\n  - hear: babble_1_1000\n  - hear: babble_2_1000\n  - hang_up\n",
        agent="""
  - ring
  - answer
  - say: babble_1_1000
  - wait: 0.3
  - hold
  - wait: 1
  - resume
  - wait: 0.3
  - say: babble_2_1000
  - ended: 9
""",
    )
    assert calling.report()["ok"]
    assert answering.report()["ok"]


def test_a_robot_that_is_hung_up_on_says_at_which_step_and_both_end_cleanly(tmp_path: Path) -> None:
    calling, answering = both(
        tmp_path,
        citizen="  - dial: '1'\n  - answered\n  - say: babble_1_5000\n  - hang_up\n",
        agent="  - ring\n  - answer\n  - hear: speech\n  - hang_up\n",
    )
    assert answering.report()["ok"]
    failed = calling.report(code=1)
    assert failed["failure"].startswith("step 3 (say babble_1_5000): the other side ended the call (200")


def test_a_number_that_nobody_answers_fails_by_its_deadline_and_rings_no_more(tmp_path: Path) -> None:
    calling, answering = both(
        tmp_path,
        citizen="  - dial: '1'\n  - answered: 1\n",
        agent="  - ring\n  - answer: 30\n",
    )
    assert "not within 1 s: nobody answered" in calling.report(code=1)["failure"]
    assert "the other side ended the call (487" in answering.report(code=1)["failure"]


def test_an_address_that_can_not_be_had_is_named_in_one_line(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as holder:
        holder.bind((CITIZEN, 0))
        port = holder.getsockname()[1]
        robot = start(tmp_path, "actor: citizen\nsteps: [dial: '1']\n", CITIZEN, port)
        failure = robot.report(code=1)["failure"]
    assert failure == f"no telephone at {CITIZEN}:{port}: Address already in use"
