"""What the supervisor knows of its processes, and which changes are possible."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cti.app.supervisor import state
from cti.app.supervisor.pids import ProcessId
from cti.app.supervisor.state import ImpossibleChangeError, State

pytestmark = pytest.mark.unit

SUPERVISOR = ProcessId(100, 5)
NAMES = ("redis", "engine")


def begun() -> State:
    return state.fresh(SUPERVISOR, "boot", NAMES, 1_000)


def test_the_platform_is_up_when_the_last_process_is_ready() -> None:
    now = begun()
    for pid, name in enumerate(NAMES, 200):
        now = state.started(now, name, ProcessId(pid, 7), 2_000)
    now = state.ready(now, "redis", 3_000)
    assert now.state == "starting"
    now = state.ready(now, "engine", 4_000)
    assert now.state == "up"
    assert now.all_ready


def test_a_process_that_ends_by_itself_is_counted_when_it_runs_again() -> None:
    now = state.ready(state.started(begun(), "engine", ProcessId(200, 7), 2_000), "engine", 3_000)
    now = state.exited(now, "engine", "signal 9", 4_000)
    assert (now.processes["engine"].state, now.processes["engine"].process) == ("restarting", None)
    now = state.started(now, "engine", ProcessId(201, 9), 5_000)
    assert now.processes["engine"].restarts == 1
    assert now.processes["engine"].last_exit == "signal 9"
    assert now.processes["engine"].process == ProcessId(201, 9)


def test_a_process_that_was_told_to_stop_does_not_come_back() -> None:
    now = state.started(begun(), "engine", ProcessId(200, 7), 2_000)
    now = state.exited(state.stopping(now, "engine", 3_000), "engine", "code 0", 4_000)
    assert now.processes["engine"].state == "stopped"
    with pytest.raises(ImpossibleChangeError, match="engine is stopped; it can not become starting"):
        state.started(now, "engine", ProcessId(201, 9), 5_000)


def test_stopping_one_that_does_not_run_is_done_at_once() -> None:
    assert state.stopping(begun(), "engine", 2_000).processes["engine"].state == "stopped"


def test_a_change_that_makes_no_sense_leaves_the_state_untouched() -> None:
    before = begun()
    with pytest.raises(ImpossibleChangeError):
        state.ready(before, "engine", 2_000)
    assert before == begun()


CHANGES = st.sampled_from(("started", "ready", "exited", "stopping"))


@given(st.lists(st.tuples(CHANGES, st.sampled_from(NAMES)), max_size=30))
def test_whatever_happens_a_pid_is_known_exactly_while_a_process_runs(
    history: list[tuple[str, str]],
) -> None:
    now = begun()
    for moment, (change, name) in enumerate(history, 2_000):
        try:
            if change == "started":
                now = state.started(now, name, ProcessId(moment, moment), moment)
            elif change == "exited":
                now = state.exited(now, name, "code 1", moment)
            else:
                now = getattr(state, change)(now, name, moment)
        except ImpossibleChangeError:
            continue
        for part in now.processes.values():
            runs = part.state in ("starting", "ready") or (part.state == "stopping" and part.pid)
            assert (part.process is not None) == bool(runs)
        assert state.decode(state.encode(now)) == now


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"processes": 3}', '{"processes": {"a": {"x": 1}}}'])
def test_a_damaged_file_is_no_state(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        state.decode(text)
