"""`yht run transcriber` on a real Redis and a real database: sealed, told, and honest where no model is."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import wave
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from config.paths import CHECKOUT
from cti.facts import decode
from cti.migrate import upgrade
from cti.sql import database_url
from tests.integration.platform import copy_city, eventually

pytestmark = pytest.mark.contract

CALL = "n1-1795536000.42"
FOLDER = f"2026/11/24/{CALL}"


class Running:
    def __init__(self, folder: Path, redis_socket: Path) -> None:
        self.home = folder / "home"
        self.database = self.home / "db" / "yihaotong.sqlite3"
        upgrade(database_url(self.database, None))
        self.redis = redis.Redis(unix_socket_path=str(redis_socket), decode_responses=True)
        city = copy_city(folder / "city", {"redis": {"url": f"unix://{redis_socket}"}})
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "cti.app.cli",
                "--home",
                self.home,
                "--config",
                city,
                "run",
                "transcriber",
            ],
            cwd=CHECKOUT,
            env={**os.environ, "YHT_OPT": str(folder / "nothing"), "YHT_SUPERVISED": "1"},
        )

    def rows(self, query: str) -> list[tuple[object, ...]]:
        with sqlite3.connect(self.database, timeout=10) as connection:
            return connection.execute(query).fetchall()

    def log(self) -> list[dict[str, object]]:
        file = self.home / "log" / "transcriber.log"
        return (
            [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
            if file.exists()
            else []
        )


@pytest.fixture
def running(tmp_path: Path, redis_socket: Path) -> Iterator[Running]:
    transcriber = Running(tmp_path, redis_socket)
    try:
        yield transcriber
    finally:
        transcriber.process.kill()
        transcriber.process.wait(10)
        transcriber.redis.close()


def test_a_recording_is_sealed_and_told_even_where_no_speech_model_is(running: Running) -> None:
    folder = running.home / "recordings" / FOLDER
    folder.mkdir(parents=True)
    for side in ("citizen", "agent"):
        with wave.open(str(folder / f"{side}.wav"), "wb") as file:
            file.setparams((1, 2, 8000, 0, "NONE", ""))
            file.writeframes(b"\x00\x20\x00\xe0" * 4000)
    running.redis.xadd("{yht}:jobs:transcribe", {"call_id": CALL, "folder": FOLDER})

    [(state, duration)] = eventually(
        lambda: running.rows("SELECT state, duration_ms FROM recording"), "the recording is sealed", within=30
    )
    assert (state, duration) == ("sealed", 1000)
    [(_, fields)] = running.redis.xrange("{yht}:facts")
    fact = decode(fields["f"])
    assert (fact.kind, fact.call_id, fact.node) == ("recording_sealed", CALL, "n1")

    [(state, note)] = eventually(
        lambda: running.rows("SELECT state, note FROM transcript"), "why there is no transcript", within=30
    )
    assert state == "failed"
    assert "no vosk model for zh is installed: bring vosk-model-cn-0.22" in str(note)
    eventually(lambda: running.redis.xlen("{yht}:jobs:transcribe:dead") == 1, "a person can find the job")
    health = running.redis.hgetall("{yht}:process:transcriber:n1")
    assert health["ready"] == "1"
    assert "no vosk model" in health["trouble"]
    assert [entry["event"] for entry in running.log()].count("no_speech_engine") == 1, (
        "told once, not each time"
    )

    running.process.send_signal(signal.SIGTERM)
    assert running.process.wait(10) == 0
