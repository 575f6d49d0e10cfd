"""Files that several processes share: replaced whole, and held by one at a time."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


def replace(path: Path, text: str, mode: int | None = None, *, durable: bool = False) -> None:
    """Write a file in one step, in UTF-8: whoever reads it finds what it held before or `text`, whole.

    `mode` is the permissions that nobody exceeds at any time, else they are as the umask has it. With `durable`
    the text is on the disk before it takes its place. Raises OSError.
    """
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    # A file that its owner may only read in the end is written first.
    permissions = 0o666 if mode is None else mode | 0o200
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, permissions)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        if durable:
            file.flush()
            os.fsync(file.fileno())
    if mode is not None:
        fresh.chmod(mode)
    fresh.replace(path)


@contextmanager
def held(lock: Path, busy: Callable[[], Exception] | None = None) -> Iterator[None]:
    """Hold a lock file for as long as the context lasts; the kernel gives it back for a process that is killed.

    Another holder is waited for, or, with `busy`, what that returns is raised. Raises OSError.
    """
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX if busy is None else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if busy is None:
                raise
            raise busy() from None
        yield
