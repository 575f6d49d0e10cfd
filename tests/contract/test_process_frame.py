"""The frame around each process: it says that it is ready, how it is, and goes when it is told."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import redis

from config.paths import CHECKOUT
from cti.app.notify import parse
from tests.integration.platform import copy_city
from tests.waiting import eventually

pytestmark = pytest.mark.contract

PROGRAM = """
import asyncio, sys
from pathlib import Path
from cti.app.commands.common import Where
from cti.app.process import serve

async def main(where, ready, stop):
    {body}

serve("thing", Where.of(Path({home!r}), Path({city!r})), main)
"""

WORKS = """ready(lambda: {"calls": 3, "busy": True, "trouble": ""})
    await stop.wait()"""
FAILS = """raise ValueError("nothing to do")"""
DEAF = """ready()
    await asyncio.sleep(60)"""


class Thing:
    """A process of ours in `folder`, with a Redis and somebody who listens for what it says."""

    def __init__(self, folder: Path, redis_socket: Path, body: str) -> None:
        self.home = folder / "home"
        city = copy_city(folder / "city", {"redis": {"url": f"unix://{redis_socket}"}})
        self.ears = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.ears.bind(str(folder / "ears"))
        self.ears.settimeout(15)
        self.beats = 0
        self.redis = redis.Redis(unix_socket_path=str(redis_socket), decode_responses=True)
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM.format(body=body, home=str(self.home), city=str(city))],
            cwd=CHECKOUT,
            env={**os.environ, "NOTIFY_SOCKET": str(folder / "ears"), "YHT_SUPERVISED": "1"},
            stderr=subprocess.PIPE,
            text=True,
        )

    def hear(self) -> dict[str, str]:
        """Return what it says next, beside that it lives."""
        while "WATCHDOG" in (said := parse(self.ears.recv(4096))):
            assert said == {"WATCHDOG": "1", "MAINPID": str(self.process.pid)}
            self.beats += 1
        return said

    def health(self) -> dict[str, str]:
        return self.redis.hgetall("{yht}:process:thing:n1")

    def log(self) -> list[str]:
        lines = (self.home / "log" / "thing.log").read_text(encoding="utf-8").splitlines()
        return [json.loads(line)["event"] for line in lines]

    def end(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=10)
        self.ears.close()
        self.redis.close()


def test_a_process_says_that_it_is_ready_how_it_is_and_that_it_stops(
    tmp_path: Path, redis_socket: Path
) -> None:
    thing = Thing(tmp_path, redis_socket, WORKS)
    try:
        assert thing.hear() == {"READY": "1", "MAINPID": str(thing.process.pid)}
        assert thing.beats >= 1
        health = eventually(
            lambda: (now := thing.health()).get("ready") == "1" and now, "it is ready in Redis"
        )
        assert health["pid"] == str(thing.process.pid)
        assert (health["calls"], health["busy"]) == ("3", "1")
        assert 0 < thing.redis.ttl("{yht}:process:thing:n1") <= 7
        thing.process.send_signal(signal.SIGTERM)
        assert thing.hear()["STOPPING"] == "1"
        _, said = thing.process.communicate(timeout=10)
        assert (thing.process.returncode, said) == (0, "")
        assert thing.health() == {}
        assert thing.log() == ["process_started", "process_ready", "process_stopping", "process_ended"]
    finally:
        thing.end()


def test_one_that_fails_leaves_its_reason_in_the_log_and_a_bad_code(
    tmp_path: Path, redis_socket: Path
) -> None:
    thing = Thing(tmp_path, redis_socket, FAILS)
    try:
        thing.process.communicate(timeout=20)
        assert thing.process.returncode == 1
        assert thing.log() == ["process_started", "process_failed"]
    finally:
        thing.end()


def test_one_that_does_not_listen_is_ended_all_the_same(tmp_path: Path, redis_socket: Path) -> None:
    thing = Thing(tmp_path, redis_socket, DEAF)
    try:
        thing.hear()
        thing.process.send_signal(signal.SIGTERM)
        thing.process.communicate(timeout=15)
        assert thing.process.returncode == 0
        assert "process_cancelled" in thing.log()
    finally:
        thing.end()


def test_a_process_lives_without_redis_and_without_a_supervisor(tmp_path: Path) -> None:
    nowhere = tmp_path / "nobody.sock"
    thing = Thing(tmp_path, nowhere, WORKS)
    try:
        assert thing.hear()["READY"] == "1"
        thing.ears.close()
        eventually(lambda: "redis_away" in thing.log(), "it says that Redis is away")
        thing.process.send_signal(signal.SIGTERM)
        thing.process.communicate(timeout=10)
        assert thing.process.returncode == 0
    finally:
        thing.end()
