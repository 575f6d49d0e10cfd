"""A robot's script: what is understood, and how each mistake is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.problems import ConfigError
from desk.robot.script import load, parse_script
from desk.robot.steps import Answer, Cue, Dial, Ended, HangUp, Hear, Press, Say, SignIn

pytestmark = pytest.mark.unit

CITIZEN = """\
actor: citizen
caller: "13800000002"
trunk: city
steps:
  - dial: "12319"
  - answered
  - {hear: greeting_12319, within: 20}
  - press: "1"
  - cue: go
  - hear: turn
    pause: 1
  - say: [demo_c1, sounds/more.wav]
  - ended: 10
"""


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigError) as raised:
        parse_script(text)
    return [str(problem) for problem in raised.value.problems]


def test_a_citizens_script_is_read_step_by_step() -> None:
    script = parse_script(CITIZEN)
    assert (script.actor, script.caller, script.trunk) == ("citizen", "13800000002", "city")
    assert [type(step) for step in script.steps[:5]] == [Dial, *([type(script.steps[1])]), Hear, Press, Cue]
    assert script.steps[5] == Hear(hear="turn", pause=1.0)
    assert script.steps[6] == Say(say=("demo_c1", "sounds/more.wav"))
    assert script.steps[7] == Ended(ended=10.0)


def test_every_clip_of_a_script_is_known_before_it_is_played() -> None:
    assert parse_script(CITIZEN).clips == ("greeting_12319", "demo_c1", "sounds/more.wav")


def test_an_agent_sits_at_the_seat_of_the_same_number_by_default() -> None:
    script = parse_script(
        'actor: agent\nagent: "1001"\nsteps: [sign_in, ready, ring, answer: 1.5, hang_up]\n'
    )
    assert script.seat == "1001"
    assert script.steps[0] == SignIn()
    assert script.steps[3:] == (Answer(answer=1.5), HangUp())


def test_a_step_is_written_in_a_report_as_in_the_script() -> None:
    assert [str(step) for step in parse_script(CITIZEN).steps] == [
        "dial 12319",
        "answered 15",
        "hear greeting_12319",
        "press 1",
        "cue go",
        "hear turn",
        "say demo_c1 sounds/more.wav",
        "ended 10",
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("actor: citizen\nsteps:\n  - dial: 12319\n", "script:3: steps[0].dial: 12319 is not in quotes"),
        (
            "actor: citizen\nsteps:\n  - dail: '1'\n",
            'script:3: steps[0]: there is no step "dail" — did you mean',
        ),
        ("actor: citizen\nsteps:\n  - dial\n", 'script:3: steps[0]: "dial" says not enough'),
        ("actor: citizen\nsteps:\n  - ready\n", "steps[0]: ready is nothing that the citizen does"),
        ("actor: citizen\nsteps:\n  - say: a\n    hear: b\n", "script:3: steps[0]: is not one step"),
        ("actor: citizen\nsteps:\n  - 7\n", "script:3: steps[0]: is not one step"),
        (
            "actor: citizen\nsteps:\n  - hear: turn\n    wihtin: 3\n",
            "script:4: steps[0].wihtin: there is no field",
        ),
        ("actor: citizen\nsteps:\n  - wait: long\n", "script:3: steps[0].wait:"),
        ("actor: citizen\nsteps:\n  - wait: 9999\n", 'steps[0].wait: "9999" is too large'),
        ("actor: citizen\nsteps: []\n", "script:2: steps: is empty"),
        ("actor: robot\nsteps: [hang_up]\n", 'script:1: actor: "robot" is not known here'),
        ("actor: agent\nsteps: [ring]\n", 'script:1: "agent" is missing'),
        ("", "script:1: is empty"),
        ("actor: [", "is not YAML"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_what_would_be_right(text: str, told: str) -> None:
    found = problems(text)
    assert any(told in line for line in found), found
    assert all(" — " in line for line in found)


def test_all_mistakes_are_told_at_once() -> None:
    found = problems("actor: citizen\nsteps:\n  - dail: '1'\n  - say: ''\n  - wait: -1\n")
    assert {line.split(":")[1] for line in found} == {"3", "4", "5"}


def test_a_script_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"citizen\.yaml: there is no such file"):
        load(tmp_path / "citizen.yaml")
