"""`yht up`, `status` and `down` on the real Redis and the real Asterisk: what is killed comes back, nothing stays."""

from __future__ import annotations

import json
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cti.app.supervisor import pids
from tests.integration.platform import Platform
from tests.waiting import eventually

pytestmark = pytest.mark.integration

NAMES = ("redis", "asterisk", "ledger", "engine", "transcriber", "desk")


def part(platform: Platform, name: str) -> dict[str, Any]:
    state = json.loads((platform.home / "run" / "supervisor.json").read_text(encoding="utf-8"))
    found: dict[str, Any] = state["processes"][name]
    return found


def supervisor_log(platform: Platform) -> str:
    return (platform.home / "log" / "supervisor.log").read_text(encoding="utf-8")


@pytest.fixture
def stopped(tmp_path: Path) -> Iterator[Platform]:
    """A platform that was not started; whatever a test starts of it is ended."""
    platform = Platform(tmp_path)
    try:
        yield platform
    finally:
        platform.yht("down")
        for pid in platform.processes():
            os.kill(pid, signal.SIGKILL)


def test_all_is_up_and_status_says_so(platform: Platform) -> None:
    status = eventually(
        lambda: (done := platform.yht("status", "--json")).returncode == 0 and json.loads(done.stdout),
        "status is good",
    )
    assert status["good"] is True
    assert tuple(status["processes"]) == NAMES
    assert {process["state"] for process in status["processes"].values()} == {"ready"}
    assert status["links"] == {"redis": "up", "sql": "up", "ami": "up"}
    assert status["speech"]["engine"]
    assert status["refused"] == {}
    assert status["journal_lag_bytes"] == 0
    shown = platform.ok("status")
    assert "speech" in shown
    assert "refused   nothing" in shown


def test_each_process_is_a_session_of_its_own_and_keeps_no_pipe_to_the_supervisor(platform: Platform) -> None:
    for name in NAMES:
        pid = platform.pid(name)
        stat = pids.stat_of(pid)
        assert stat is not None
        assert stat.session == pid
        output = os.readlink(f"/proc/{pid}/fd/1")
        assert output == str(platform.home / "log" / f"{name}.out")


@pytest.mark.parametrize("name", ["desk", "transcriber", "ledger", "engine", "redis", "asterisk"])
def test_a_process_that_is_killed_comes_back(platform: Platform, name: str) -> None:
    before = part(platform, name)
    os.kill(before["pid"], signal.SIGKILL)
    after = eventually(
        lambda: (now := part(platform, name))["state"] == "ready" and now["pid"] != before["pid"] and now,
        f"{name} is ready again",
        within=30,
    )
    assert after["restarts"] == before["restarts"] + 1
    assert after["last_exit"] == "signal 9"
    assert f'"name": "{name}", "how": "signal 9"' in supervisor_log(platform)
    eventually(lambda: platform.yht("status").returncode == 0, "status is good again", within=30)


def test_a_process_that_hangs_is_ended_and_started_anew(platform: Platform) -> None:
    before = part(platform, "engine")
    os.kill(before["pid"], signal.SIGSTOP)
    after = eventually(
        lambda: (now := part(platform, "engine"))["state"] == "ready" and now["pid"] != before["pid"] and now,
        "an engine that works is there",
        within=60,
    )
    assert after["last_exit"] == "signal 9"
    assert '"event": "hung"' in supervisor_log(platform)
    eventually(lambda: platform.yht("status").returncode == 0, "status is good again", within=30)


def test_a_second_up_is_refused_in_one_line_that_names_the_first(platform: Platform) -> None:
    again = platform.yht("up", "--detach")
    assert again.returncode == 1
    supervisor = json.loads((platform.home / "run" / "supervisor.json").read_text(encoding="utf-8"))["pid"]
    assert "runs already" in again.stderr
    assert f"(pid {supervisor})" in again.stderr
    assert again.stderr.count("\n") == 1
    assert platform.yht("status").returncode == 0


def test_what_is_up_is_stopped_whole_and_starts_again(stopped: Platform) -> None:
    nothing = stopped.yht("status")
    assert (nothing.returncode, nothing.stdout) == (1, f"Nothing runs in {stopped.home}. Start it: yht up\n")
    assert stopped.ok("down") == f"Nothing runs in {stopped.home}.\n"
    for _ in range(2):
        shown = stopped.ok("up", "--detach")
        assert all(name in shown for name in NAMES)
        assert f"http://127.0.0.1:{stopped.ports['http']['port']}/" in shown
        said = stopped.ok("down")
        assert said.startswith("Stopped redis, asterisk, ledger, engine, transcriber, desk in ")
        assert not stopped.processes()
        assert pids.marked(stopped.home) == frozenset()
        assert not (stopped.home / "run" / "supervisor.json").exists()
    assert '"how": "signal 9"' not in supervisor_log(stopped), "each process ended when it was told to"


def test_a_taken_port_is_one_line_with_its_setting_and_its_holder(stopped: Platform) -> None:
    port = stopped.ports["http"]["port"]
    with socket.create_server(("127.0.0.1", port)):
        refused = stopped.yht("up", "--detach")
    assert refused.returncode == 1
    [line] = refused.stderr.splitlines()
    assert line.startswith("yht: platform.yaml:")
    assert f"http.port: TCP port {port} on 127.0.0.1 is taken by python" in line
    assert f"(pid {os.getpid()})" in line
    assert not stopped.processes()


def test_a_wrong_configuration_starts_nothing(stopped: Platform) -> None:
    with (stopped.city / "platform.yaml").open("a", encoding="utf-8") as file:
        file.write("colour: red\n")
    refused = stopped.yht("up", "--detach")
    assert refused.returncode == 1
    assert refused.stderr.startswith("platform.yaml:")
    assert "Traceback" not in refused.stderr
    assert not stopped.processes()


def test_a_killed_supervisor_takes_nothing_down_and_its_children_are_not_forgotten(stopped: Platform) -> None:
    stopped.up()
    state = json.loads((stopped.home / "run" / "supervisor.json").read_text(encoding="utf-8"))
    children = {name: process["pid"] for name, process in state["processes"].items()}
    os.kill(state["pid"], signal.SIGKILL)
    eventually(lambda: not pids.identify(state["pid"]), "the supervisor is gone")
    assert "0 active channels" in stopped.asterisk("core show channels count")
    assert all(pids.identify(pid) for pid in children.values())

    refused = stopped.yht("up", "--detach")
    assert refused.returncode == 1
    [line] = refused.stderr.splitlines()
    assert all(f"{name} {pid}" in line for name, pid in children.items())
    assert "yht down" in line
    assert all(pids.identify(pid) for pid in children.values()), "the refused start has ended nothing"

    said = stopped.ok("down")
    assert all(f"Stopped {name} {pid}" in said for name, pid in children.items())
    assert not stopped.processes()
    assert stopped.ok("down") == f"Nothing ran in {stopped.home}.\n"


def test_a_number_that_is_another_process_now_is_left_alone(stopped: Platform) -> None:
    run = stopped.home / "run"
    run.mkdir(parents=True)
    own = pids.identify(os.getpid())
    assert own is not None
    known = {"pid": own.pid, "ticks": own.started - 1, "boot": pids.boot_id(), "started": 1, "state": "up"}
    child = {"state": "ready", "pid": own.pid, "started": own.started - 1, "since": 1, "restarts": 0}
    state = {**known, "processes": {"redis": {**child, "last_exit": ""}}}
    (run / "supervisor.json").write_text(json.dumps(state), encoding="utf-8")
    assert stopped.ok("down") == f"Nothing ran in {stopped.home}.\n"
    assert pids.is_alive(own)
