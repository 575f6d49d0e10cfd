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

import numpy as np
import pytest
import redis

from config.paths import CHECKOUT
from cti.facts import decode
from cti.migrate import upgrade
from cti.sql import database_url
from tests.contract.speech_rig import PATHS, WHISPER, mandarin, needed, samples_of, write
from tests.integration.platform import copy_city
from tests.waiting import eventually

pytestmark = pytest.mark.contract

CALL = "n1-1795536000.42"
FOLDER = f"2026/11/24/{CALL}"


class Running:
    def __init__(self, folder: Path, redis_socket: Path, opt: Path | None = None) -> None:
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
            env={**os.environ, "YHT_OPT": str(opt or folder / "nothing"), "YHT_SUPERVISED": "1"},
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


def test_a_conversation_is_put_away_and_transcribed_from_there(tmp_path: Path, redis_socket: Path) -> None:
    needed(WHISPER)
    clips = {file.stem: samples_of(file) for file, _ in mandarin()}
    running = Running(tmp_path, redis_socket, PATHS.opt)
    try:
        folder = running.home / "recordings" / FOLDER
        folder.mkdir(parents=True)
        question, answer = clips["demo_a2"], clips["demo_c2"]
        pause = np.zeros(8000, np.int16)
        agent = np.concatenate([pause, question, np.zeros(len(answer) + 8000, np.int16)])
        citizen = np.concatenate([np.zeros(len(question) + 8000, np.int16), pause, answer])
        write(folder / "citizen.wav", citizen)
        write(folder / "agent.wav", agent)
        running.redis.xadd("{yht}:jobs:transcribe", {"call_id": CALL, "folder": FOLDER})

        lines = eventually(
            lambda: running.rows("SELECT speaker, text, start_ms FROM segment ORDER BY position"),
            "the transcript is written",
            within=100,
        )
        assert [speaker for speaker, _, _ in lines] == ["agent", "citizen"]
        assert "位置" in str(lines[0][1])
        assert "建设路" in str(lines[1][1])
        assert abs(int(str(lines[1][2])) - (len(question) + 16_000) // 8) < 700
        assert running.rows("SELECT store, length(chain_hash) FROM recording") == [("home", 64)]
        names = sorted(file.name for file in folder.iterdir())
        assert names == ["agent.flac.enc", "archive.json", "citizen.flac.enc", "index.json"]

        running.redis.delete(f"{{yht}}:jobs:transcribe:asked:{CALL}")
        with sqlite3.connect(running.database, timeout=10) as connection:
            connection.execute("UPDATE recording SET deleted_at = 1")
            connection.execute("UPDATE transcript SET state = 'failed'")
        running.redis.xadd("{yht}:jobs:transcribe", {"call_id": CALL, "folder": FOLDER})
        eventually(
            lambda: running.rows("SELECT note FROM transcript") == [("the recording was deleted",)],
            "a job for a deleted recording says so",
            within=30,
        )
    finally:
        running.process.kill()
        running.process.wait(10)
        running.redis.close()
