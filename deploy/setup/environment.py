"""The step that makes the virtual environment from the lock files."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from deploy.setup.place import Place
from deploy.setup.step import Step, Task

LOCKS = ("requirements.lock", "requirements-voice.lock")
_REMEDY = "see whether this machine reaches its package index ('pip download pip'), then run this again"


def _version() -> str:
    return ".".join(map(str, sys.version_info[:2]))


def _inputs(place: Place) -> Iterable[tuple[str, bytes]]:
    # The path: an environment can not be moved. The version: nor does it survive another Python.
    yield "checkout", str(place.checkout).encode()
    yield "python", _version().encode()
    for name in (*LOCKS, "pyproject.toml"):
        yield name, (place.checkout / name).read_bytes()


def _missing(place: Place) -> str:
    for name in ("python", "yht", "pytest"):
        if not (place.venv / "bin" / name).exists():
            return f"{place.venv.name}/bin/{name}"
    return ""


def _usable(place: Place) -> bool:
    """Whether the folder holds an environment of this Python's version whose pip works."""
    if not place.python.exists():
        return False
    try:
        said = subprocess.run(
            [place.python, "-c", "import pip, sys; print('.'.join(map(str, sys.version_info[:2])))"],
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        )
    except OSError:
        return False
    return said.returncode == 0 and said.stdout.strip() == _version()


def installer(place: Place) -> list[str | Path]:
    """Return the arguments that the environment's pip installs with; what to install follows them."""
    quiet = ("--disable-pip-version-check", "--no-input", "--progress-bar=off")
    return [place.python, "-m", "pip", "install", *quiet]


def _work(task: Task) -> None:
    place = task.place
    # An interrupted pip may have left a package that looks installed and is not whole.
    fresh = task.interrupted or not _usable(place)
    with task.stamps.working(task.name):
        if fresh:
            shutil.rmtree(place.venv, ignore_errors=True)
            task.commands.run(
                [sys.executable, "-m", "venv", place.venv],
                "see the log; on Debian 'apt-get install python3-venv' brings what is needed",
            )
        pip = installer(place)
        first, second = (place.checkout / name for name in LOCKS)
        task.commands.run([*pip, "--require-hashes", "-r", first], _REMEDY)
        task.commands.run([*pip, "--no-deps", "--require-hashes", "-r", second], _REMEDY)
        task.commands.run([*pip, "--no-deps", "--editable", place.checkout], _REMEDY)


ENVIRONMENT = Step("environment", "Python packages in .venv", _inputs, _missing, _work)
