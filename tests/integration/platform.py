"""A whole platform for tests: the sample city on free ports, in a home of its own, started by the real `yht`."""

from __future__ import annotations

import json
import os
import random
import shutil
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from redis import Redis
from ruamel.yaml import YAML

from tests.waiting import eventually

CHECKOUT = Path(__file__).resolve().parents[2]
CITY = CHECKOUT / "config" / "sample_city"
RTP_PORTS = 400


def _free(kind: socket.SocketKind, port: int) -> bool:
    with socket.socket(socket.AF_INET, kind) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_ports() -> dict[str, Any]:
    """Return settings of platform.yaml that take nothing which is in use."""
    while True:
        base = random.randrange(20_000, 31_000, 500)
        if all(_free(socket.SOCK_STREAM, base + offset) for offset in range(4)) and all(
            _free(socket.SOCK_DGRAM, port) for port in range(base + 10, base + 10 + RTP_PORTS, 7)
        ):
            return {
                "sip": {
                    "bind": "127.0.0.1",
                    "port": base + 4,
                    "rtp_start": base + 10,
                    "rtp_end": base + 9 + RTP_PORTS,
                },
                "ami": {"port": base},
                "agi": {"port": base + 1},
                "http": {"bind": "127.0.0.1", "port": base + 2},
            }


def edit(file: Path, change: Callable[[Any], None]) -> None:
    """Change a YAML file in place, keeping its comments."""
    yaml = YAML()
    content = yaml.load(file)
    change(content)
    with file.open("w", encoding="utf-8") as out:
        yaml.dump(content, out)


def copy_city(target: Path, changes: Mapping[str, Any]) -> Path:
    """Copy the sample city; `changes` are put into its platform.yaml, mapping by mapping."""

    def change(settings: Any) -> None:
        for name, value in changes.items():
            if isinstance(value, Mapping):
                settings.setdefault(name, {}).update(value)
            else:
                settings[name] = value

    shutil.copytree(CITY, target)
    edit(target / "platform.yaml", change)
    return target


class Platform:
    """One running platform.

    `changes` go into platform.yaml beside the free ports. With `seats_at` every seat is a fixed telephone at
    that address instead of one that registers; `wrap_up_seconds` holds for every queue.
    """

    def __init__(
        self,
        folder: Path,
        changes: Mapping[str, Any] | None = None,
        *,
        seats_at: tuple[str, int] | None = None,
        wrap_up_seconds: int | None = None,
    ) -> None:
        self.home = folder / "home"
        self.ports = free_ports()
        self.city = copy_city(folder / "city", {**self.ports, **(changes or {})})
        if seats_at is not None:
            host, port = seats_at

            def fix(content: Any) -> None:
                for seat in content["seats"]:
                    seat["contact"] = f"sip:{seat['ext']}@{host}:{port}"

            edit(self.city / "agents.yaml", fix)
        if wrap_up_seconds is not None:

            def shorten(content: Any) -> None:
                for queue in content["queues"]:
                    queue["wrap_up_seconds"] = wrap_up_seconds

            edit(self.city / "queues.yaml", shorten)

    # The command line, as a user has it

    def yht(self, *arguments: str, within: float = 60.0) -> subprocess.CompletedProcess[str]:
        """Run `yht` on this platform."""
        environment = {**os.environ, "COLUMNS": "200"}
        return subprocess.run(
            [sys.executable, "-m", "cti.app.cli", "--home", self.home, "--config", self.city, *arguments],
            cwd=CHECKOUT,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=within,
            check=False,
        )

    def ok(self, *arguments: str, within: float = 60.0) -> str:
        """Run `yht`, fail unless it says good, return what it printed."""
        done = self.yht(*arguments, within=within)
        assert done.returncode == 0, f"yht {' '.join(arguments)}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
        return done.stdout

    def json(self, *arguments: str) -> Any:
        """Run `yht ... --json` and return what it says."""
        return json.loads(self.ok(*arguments, "--json"))

    def up(self) -> None:
        """Start everything and wait until it is ready."""
        self.ok("up", "--detach", within=90.0)

    def down(self) -> None:
        """Stop everything; nothing of it may be left."""
        self.ok("down", within=60.0)
        eventually(lambda: not self.processes(), "every process of the platform is gone")

    # What is seen from outside

    def processes(self) -> dict[int, str]:
        """Return pid → command line of what runs on this home."""
        found = {}
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit() or int(entry.name) == os.getpid():
                continue
            try:
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if str(self.home) in line:
                found[int(entry.name)] = line
        return found

    def pid(self, name: str) -> int:
        """Return the pid of a process by its name in `yht status`."""
        pid: int = self.process(name)["pid"]
        return pid

    def process(self, name: str) -> dict[str, Any]:
        """Return what the supervisor knows of a process: state, pid, restarts, last_exit."""
        state = json.loads((self.home / "run" / "supervisor.json").read_text(encoding="utf-8"))
        known: dict[str, Any] = state["processes"][name]
        return known

    def facts(self, kind: str = "", call_id: str = "") -> list[dict[str, Any]]:
        """Return stored facts in the order of time, optionally of one kind and one call."""
        database = self.home / "db" / "yihaotong.sqlite3"
        if not database.exists():
            return []
        with sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=10) as connection:
            connection.row_factory = sqlite3.Row
            rows = [dict(row) for row in connection.execute("SELECT * FROM fact ORDER BY at")]
        for row in rows:
            if isinstance(row.get("data"), str):
                row["data"] = json.loads(row["data"])
        return [row for row in rows if kind in ("", row["kind"]) and call_id in ("", row["call_id"])]

    def waiting(self, queue: str) -> list[str]:
        """Return the calls that wait in a queue, or are being offered, in the order of their places."""
        with Redis(unix_socket_path=str(self.home / "run" / "redis.sock"), decode_responses=True) as redis:
            calls: list[str] = redis.zrange(f"{{yht}}:queue:{queue}", 0, -1)
            return calls

    def agent_state(self, agent: str) -> str:
        """Return the state of an agent, as Redis has it."""
        with Redis(unix_socket_path=str(self.home / "run" / "redis.sock"), decode_responses=True) as redis:
            return str(redis.hget(f"{{yht}}:agent:{agent}", "state") or "signed_out")

    def live_calls(self) -> set[str]:
        """Return the ids of the calls that have not ended, as Redis has them."""
        with Redis(unix_socket_path=str(self.home / "run" / "redis.sock"), decode_responses=True) as redis:
            calls: set[str] = redis.smembers("{yht}:calls")
            return calls

    def channels(self) -> int:
        """Return how many channels Asterisk has."""
        out = self.asterisk("core show channels count")
        return int(next(line for line in out.splitlines() if "active channel" in line).split()[0])

    def hang_up_seat(self, ext: str) -> None:
        """Hang up the telephone of a seat, as the agent would."""
        lines = self.asterisk("core show channels concise").splitlines()
        for name in (line.partition("!")[0] for line in lines):
            if name.startswith(f"PJSIP/{ext}-"):
                self.asterisk(f"channel request hangup {name}")

    def asterisk(self, command: str) -> str:
        """Run a command of Asterisk's own command line."""
        from config.paths import Paths
        from cti.asterisk import command as argument_list

        paths = Paths.find(self.home, self.city)
        done = subprocess.run(
            argument_list(paths, "-rx", command), capture_output=True, text=True, timeout=30, check=False
        )
        return done.stdout


@contextmanager
def started(platform: Platform) -> Iterator[Platform]:
    """Have a platform up for as long as the context lasts; everything that it started is gone afterwards."""
    try:
        platform.up()
        yield platform
    finally:
        platform.down()
