"""What this machine has, and how we may change it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable

PACKAGES = {
    "redis-server": "redis-server",
    "sipp": "sip-tester",
    "sox": "sox",
    "espeak-ng": "espeak-ng",
}
"""program → the Debian package that has it."""

SEARCH = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"))
ASTERISK_AT_LEAST = 20


def program(name: str) -> str | None:
    """Return where a program is, those of the administrator included."""
    return shutil.which(name, path=SEARCH)


def missing_packages(programs: Iterable[str]) -> tuple[str, ...]:
    """Return the Debian packages whose programs are not there."""
    return tuple(sorted(PACKAGES[name] for name in programs if program(name) is None))


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
