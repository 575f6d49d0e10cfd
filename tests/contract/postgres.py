"""A private PostgreSQL on a unix socket, for tests that must hold on both databases."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg

_SETTINGS = (
    "listen_addresses=",
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "shared_buffers=32MB",
    "max_connections=40",
)


def binaries() -> Path | None:
    """Where PostgreSQL's programs lie; None if it is not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


@contextmanager
def running(programs: Path) -> Iterator[Path]:
    """Run a server; yields the folder of its socket. It refuses to be root, so root runs it as nobody."""
    # Not pytest's own folder: another user could not enter that.
    folder = Path(tempfile.mkdtemp(prefix="yht-pg-", dir="/tmp"))
    as_other: list[str] = []
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
        as_other = ["setpriv", f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups"]
    data = folder / "data"
    server: subprocess.Popen[bytes] | None = None
    try:
        subprocess.run(
            [
                *as_other,
                str(programs / "initdb"),
                "-D",
                str(data),
                "-U",
                "yht",
                "-A",
                "trust",
                "-E",
                "UTF8",
                "-N",
            ],
            check=True,
            capture_output=True,
            cwd=folder,
        )
        settings = [part for setting in _SETTINGS for part in ("-c", setting)]
        server = subprocess.Popen(
            [*as_other, str(programs / "postgres"), "-D", str(data), "-k", str(folder), *settings],
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        _wait(programs, folder, server)
        yield folder
    finally:
        if server is not None:
            server.terminate()
            server.wait(30)
        shutil.rmtree(folder, ignore_errors=True)


def _wait(programs: Path, folder: Path, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    asked = [str(programs / "pg_isready"), "-q", "-h", str(folder), "-t", "1"]
    while subprocess.run(asked, check=False).returncode != 0:
        assert server.poll() is None, "PostgreSQL ended at its start"
        assert time.monotonic() < deadline, "PostgreSQL was not ready within 30 s"


async def fresh_database(folder: Path) -> str:
    """Make an empty database; returns its URL as a city's platform.yaml would give it."""
    name = f"t{uuid.uuid4().hex}"
    connection = await asyncpg.connect(host=str(folder), user="yht", database="postgres")
    try:
        await connection.execute(f'CREATE DATABASE "{name}"')
    finally:
        await connection.close()
    return f"postgresql://yht@/{name}?host={folder}"
