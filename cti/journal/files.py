"""Where in the journal's files reading has got to, and which file comes next. Files in, positions out; no Redis.

The journal is one file that is rotated by renaming: `calls.json` is written to, `calls.json.*` are older. One
writer appends, and opens the file by its name for each record; so when a newer file holds anything, the older
one is complete.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import Final

HEAD_BYTES: Final = 256
_PACKED: Final = (".gz", ".xz", ".zst", ".bz2")


@dataclass(frozen=True, slots=True)
class Position:
    """How far the journal has been read. `head` tells two files apart that had the same inode."""

    inode: int
    offset: int = 0
    head: str = ""


@dataclass(frozen=True, slots=True)
class JournalFile:
    """One file of the journal as it was found."""

    path: Path
    inode: int
    size: int


def files(journal: Path) -> tuple[JournalFile, ...]:
    """Return the journal's files, oldest first. A packed one can not be read on and is left out."""
    found: list[tuple[bool, int, str, JournalFile]] = []
    for path in (journal, *journal.parent.glob(f"{journal.name}.*")):
        if path.suffix in _PACKED:
            continue
        try:
            status = path.stat()
        except FileNotFoundError:  # renamed while we looked
            continue
        entry = JournalFile(path, status.st_ino, status.st_size)
        found.append((path == journal, status.st_mtime_ns, path.name, entry))
    return tuple(entry for *_, entry in sorted(found, key=lambda item: item[:3]))


class Reader:
    """Reads one open file of the journal on from a position."""

    def __init__(self, descriptor: int, position: Position) -> None:
        self._descriptor = descriptor
        self.position = position

    def read(self, most: int) -> bytes:
        """Return up to `most` bytes from the position on; the position stays."""
        return os.pread(self._descriptor, most, self.position.offset)

    def further(self, used: int) -> Position:
        """Return the position `used` bytes further."""
        offset = self.position.offset + used
        return replace(self.position, offset=offset, head=_head(self._descriptor, offset))

    def is_cut_off(self) -> bool:
        """Whether the file holds less than has been read of it."""
        return os.fstat(self._descriptor).st_size < self.position.offset

    def left(self) -> int:
        """Return how many bytes the file holds beyond the position."""
        return max(0, os.fstat(self._descriptor).st_size - self.position.offset)

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)


def resume(found: Sequence[JournalFile], saved: Position | None) -> tuple[Reader | None, bool]:
    """Open the file to read on, and say whether the saved position is lost.

    Where nothing was saved, or what was saved fits no file any more, reading starts over with the oldest file:
    what is told twice counts once. The reader is None where there is no file yet.
    """
    if saved is not None:
        for entry in found:
            if entry.inode == saved.inode and (reader := _open(entry.path, saved)) is not None:
                return reader, False
    for entry in found:
        if (reader := _open(entry.path, None)) is not None:
            return reader, saved is not None
    return None, False


def after(found: Sequence[JournalFile], inode: int) -> int:
    """Return the place in `found` behind the file with this inode.

    A file that was removed while it was read came before all there are.
    """
    return next((place for place, entry in enumerate(found, 1) if entry.inode == inode), 0)


def newer_than(journal: Path, inode: int) -> JournalFile | None:
    """Return the file that comes after the one with this inode, once something is in it."""
    with contextlib.suppress(FileNotFoundError):
        if journal.stat().st_ino == inode:
            return None
    found = files(journal)
    return next((entry for entry in found[after(found, inode) :] if entry.size), None)


def begin(entry: JournalFile) -> Reader | None:
    """Open a file at its beginning; None if it was renamed meanwhile."""
    return _open(entry.path, None, entry.inode)


def _open(path: Path, saved: Position | None, inode: int | None = None) -> Reader | None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    status = os.fstat(descriptor)
    if saved is None:
        fits = inode is None or status.st_ino == inode
        position = Position(status.st_ino)
    else:
        fits = (
            status.st_ino == saved.inode
            and status.st_size >= saved.offset
            and _head(descriptor, saved.offset) == saved.head
        )
        position = saved
    if not fits:
        os.close(descriptor)
        return None
    return Reader(descriptor, position)


def _head(descriptor: int, offset: int) -> str:
    first = os.pread(descriptor, min(offset, HEAD_BYTES), 0)
    return blake2b(first, digest_size=8).hexdigest() if first else ""
