"""What `yht status` makes of what it was told."""

from __future__ import annotations

import pytest

from cti.app.status import model, text
from cti.app.status.model import ProcessStatus, Status, Usage
from cti.app.supervisor import state
from cti.app.supervisor.pids import ProcessId

pytestmark = pytest.mark.unit

SECOND = 1_000_000
NOW = 1_000 * SECOND


def supervised() -> state.State:
    now = state.fresh(ProcessId(100, 1), "boot", ("redis", "engine"), 0)
    for pid, name in ((200, "redis"), (201, "engine")):
        now = state.ready(state.started(now, name, ProcessId(pid, 2), 0), name, NOW - 90 * SECOND)
    return now


def told(**more: str) -> dict[str, str]:
    return {"name": "engine", "node": "n1", "pid": "201", "started": "5", "ready": "1", "ami": "up", **more}


def status(*rows: dict[str, str], **links: str) -> Status:
    known = model.processes(supervised(), rows, {201: Usage(64 << 20, 12.4)}, "n1")
    return Status("/home", "云江市", NOW, 100, known, links or {"redis": "up"})


def test_all_up_is_good() -> None:
    now = status(told(refused_agi_stranger="0"))
    assert now.good
    assert now.refused == {}
    assert [process.name for process in now.processes] == ["redis", "engine"]
    assert text.rows(now)[1] == ("engine", "ready", "201", "1 min 30 s", "", "64 MB", "12 %", "")


def test_a_process_says_its_trouble_and_the_whole_is_not_good() -> None:
    now = status(told(trouble="no manager link: wrong password"))
    assert not now.good
    assert now.troubles == ("engine: no manager link: wrong password",)


def test_health_of_an_earlier_process_of_that_name_is_not_shown_as_the_new_ones() -> None:
    now = status(told(pid="150", trouble="long gone"))
    assert now.processes[1].health == {}
    assert now.good


def test_a_process_that_runs_and_says_nothing_is_told_as_one_that_hangs() -> None:
    known = model.processes(supervised(), [], {}, "n1", NOW - 7 * SECOND)
    now = Status("/home", "云江市", NOW, 100, known, {"redis": "up"})
    assert now.troubles == ("engine: it runs, but says nothing of itself: it hangs, or does not reach Redis",)


@pytest.mark.parametrize("silent_since", [0, NOW - 91 * SECOND])
def test_a_process_that_can_not_have_been_heard_is_not_suspected(silent_since: int) -> None:
    known = model.processes(supervised(), [], {}, "n1", silent_since)
    assert Status("/home", "云江市", NOW, 100, known, {"redis": "up"}).good


def test_a_link_that_is_down_is_said_once() -> None:
    now = status(told(), redis="no answer in 2 s", sql="up")
    assert now.troubles == ("redis: no answer in 2 s",)
    assert "redis no answer in 2 s, sql up" in text.lines(now)[0]


def test_a_process_that_waits_to_be_started_again_is_named_with_its_end() -> None:
    broken = ProcessStatus("engine", "n1", "restarting", last_exit="signal 9", restarts=3)
    now = Status("/home", "云江市", NOW, 100, (broken,), {})
    assert now.troubles == ("engine is restarting; it ended with signal 9",)


def test_processes_that_no_supervisor_of_ours_started_are_shown_too() -> None:
    known = model.processes(None, [told(node="n2"), {"name": "desk", "node": "n3"}], {}, "n1")
    assert [(process.name, process.node, process.state) for process in known] == [
        ("desk", "n3", "starting"),
        ("engine", "n2", "ready"),
    ]


def test_refused_input_is_added_up_over_processes() -> None:
    now = status(told(refused_agi_stranger="2"), told(node="n2", refused_agi_stranger="3", refused_facts="x"))
    assert now.refused == {"agi_stranger": 5}
    assert "refused   agi_stranger 5" in text.lines(now)


def test_nothing_running_is_said_with_what_to_do() -> None:
    now = Status("/home", "云江市", NOW, 0)
    assert not now.good
    assert text.lines(now) == ["Nothing runs in /home. Start it: yht up"]
    assert model.as_json(now)["running"] is False


@pytest.mark.parametrize(
    ("ms", "said"),
    [(0, "0 s"), (59_999, "59 s"), (60_000, "1 min 0 s"), (3_660_000, "1 h 1 min"), (90_000_000, "1 d 1 h")],
)
def test_lengths_of_time_are_said_in_their_two_largest_units(ms: int, said: str) -> None:
    assert text.span(ms) == said
