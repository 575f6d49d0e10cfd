"""What this machine has, and how we may change it."""

from __future__ import annotations

import glob
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

RUN_PACKAGES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "espeak-ng": "espeak-ng",
        "redis-server": "redis-server",
        "sip-tester": "sipp",
        "sox": "sox",
        "tzdata": "/usr/share/zoneinfo/Asia/Shanghai",
    }
)
"""Debian package → the program that it is needed for, or a pattern of the path of what it is needed for."""

TEST_PACKAGES: Final[Mapping[str, str]] = MappingProxyType(
    {"postgresql": "/usr/lib/postgresql/*/bin/initdb"},
)
"""What tests need on top."""

SEARCH = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"))
ASTERISK_AT_LEAST = 20


def program(name: str) -> str | None:
    """Return where a program is, those of the administrator included."""
    return shutil.which(name, path=SEARCH)


def missing_packages(packages: Mapping[str, str]) -> tuple[str, ...]:
    """Return the packages of such a table whose programs are not there."""

    def found(pattern: str) -> bool:
        return bool(glob.glob(pattern)) if pattern.startswith("/") else program(pattern) is not None

    return tuple(package for package, pattern in packages.items() if not found(pattern))


def as_root() -> list[str] | None:
    """Return what to put before a command that root must run; None when this user may not run any."""
    if os.geteuid() == 0:
        return []
    sudo = program("sudo")
    if sudo is None:
        return None
    if subprocess.run([sudo, "-n", "true"], capture_output=True, stdin=subprocess.DEVNULL).returncode == 0:
        return [sudo, "-n"]
    return [sudo] if sys.stdin.isatty() else None


def asterisk_version(said: str) -> int:
    """Return the major version in what `asterisk -V` said, 0 when it says none."""
    found = re.match(r"Asterisk (?:certified[/-])?(\d+)\.", said.strip())
    return int(found.group(1)) if found else 0


def installed_asterisk() -> str:
    """Return the version line of the machine's own Asterisk when it is new enough, else ""."""
    path = program("asterisk")
    if path is None:
        return ""
    said = subprocess.run(
        [path, "-V"], capture_output=True, text=True, stdin=subprocess.DEVNULL
    ).stdout.strip()
    return said if asterisk_version(said) >= ASTERISK_AT_LEAST else ""
