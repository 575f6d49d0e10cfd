"""The processes of the platform: what each needs to be ready first, how it is started, in which order all stop."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from config import City
from config.paths import Paths
from cti import asterisk
from cti.app.notify import VARIABLE
from cti.app.supervisor import child
from cti.app.supervisor.pids import MARK


@dataclass(frozen=True, slots=True)
class Part:
    """One process. Without an `essential` one no call can come in, so the platform does not start."""

    name: str
    needs: tuple[str, ...] = ()
    essential: bool = False
    says_ready: bool = True
    """It announces itself (cti.app.notify); else the supervisor looks."""


ALL: Final = (
    Part("redis", essential=True, says_ready=False),
    Part("asterisk", essential=True, says_ready=False),
    Part("ledger", ("redis",)),
    Part("engine", ("redis", "asterisk")),
    Part("transcriber", ("redis",)),
    Part("desk", ("redis",)),
)

STOP_ORDER: Final = (("engine", "desk", "transcriber"), ("asterisk",), ("ledger",), ("redis",))
"""Nothing new is begun, then the calls end, then the ledger reads their ends from the journal, then Redis."""


def parts_of(city: City) -> tuple[Part, ...]:
    """The processes of this city: one with a Redis of its own needs none of ours."""
    if city.platform.redis.url is None:
        return ALL
    return tuple(
        Part(
            part.name,
            tuple(need for need in part.needs if need != "redis"),
            part.essential,
            part.says_ready,
        )
        for part in ALL
        if part.name != "redis"
    )


def output_of(paths: Paths, name: str) -> Path:
    """What a process printed outside of its log: last words, mostly."""
    return paths.log / f"{name}.out"


def notify_socket(paths: Paths) -> Path:
    """Where processes say that they are ready."""
    return paths.run / "notify.sock"


def redis_command(paths: Paths) -> list[str]:
    """The private Redis: a socket that only this user can open, every second on disk."""
    return [
        "redis-server",
        *("--port", "0"),
        *("--unixsocket", str(paths.redis_socket)),
        *("--unixsocketperm", "700"),
        *("--dir", str(redis_folder(paths))),
        *("--appendonly", "yes"),
        *("--appendfsync", "everysec"),
        *("--save", ""),
        *("--maxmemory-policy", "noeviction"),
        *("--logfile", str(paths.log / "redis.log")),
        *("--daemonize", "no"),
        *("--set-proc-title", "no"),
    ]


def redis_folder(paths: Paths) -> Path:
    """Where the private Redis keeps its data."""
    return paths.home / "redis"


def asterisk_command(paths: Paths) -> list[str]:
    """Asterisk in the foreground. Raises AsteriskMissing."""
    return asterisk.command(paths, "-f", "-g")


def yht_command(paths: Paths, *arguments: str) -> list[str]:
    """The command line itself, about this platform."""
    return [
        sys.executable,
        "-P",  # a folder named config where it happens to run is not ours
        *("-m", "cti.app.cli"),
        *("--home", str(paths.home)),
        *("--config", str(paths.config_dir)),
        *arguments,
    ]


def command_of(paths: Paths, name: str) -> list[str]:
    """How the supervisor starts a process. Raises AsteriskMissing."""
    if name == "redis":
        command = redis_command(paths)
    elif name == "asterisk":
        command = asterisk_command(paths)
    else:
        command = yht_command(paths, "run", name)
    return [sys.executable, "-IS", str(Path(child.__file__)), str(output_of(paths, name)), *command]


def environment_of(paths: Paths) -> dict[str, str]:
    """The environment that every process of this home runs in."""
    path = os.pathsep.join(filter(None, (str(paths.checkout), os.environ.get("PYTHONPATH", ""))))
    own = {
        "PYTHONPATH": path,
        "YHT_HOME": str(paths.home),
        "YHT_CONFIG": str(paths.config_dir),
        "YHT_OPT": str(paths.opt),
        "YHT_SUPERVISED": "1",
        MARK: str(paths.home),
        VARIABLE: str(notify_socket(paths)),
    }
    return {**os.environ, **own}
