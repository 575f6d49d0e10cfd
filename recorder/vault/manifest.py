"""Keeps the manifests on disk: `YYYY/MM/DD/manifest.jsonl`, appended to under a lock, whole lines only."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from recorder.vault import chain
from recorder.vault.chain import GENESIS, Entry

FILE: Final = "manifest.jsonl"
_TAIL: Final = 64 * 1024
_LINE: Final = 16 * 1024
"""No line is longer: names, reasons and hashes are bounded."""


class ManifestError(Exception):
    """A manifest is broken at its end, so that nothing can follow; the message says where."""


def day_of(folder: str) -> str:
    """Return the day of a recording's folder: 2026/11/24/<call_id> → 2026/11/24."""
    return folder.rpartition("/")[0]


def path(root: Path, day: str) -> Path:
    """Return the manifest of a day."""
    return root / day / FILE


def days(root: Path) -> tuple[str, ...]:
    """Return the days that have a manifest, the earliest first."""
    found = root.glob(f"[0-9][0-9][0-9][0-9]/[0-9][0-9]/[0-9][0-9]/{FILE}")
    return tuple(sorted(file.parent.relative_to(root).as_posix() for file in found))


def read(root: Path, day: str) -> str:
    """Return the text of a day's manifest, "" if there is none."""
    try:
        return path(root, day).read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""


def find(root: Path, folder: str, what: chain.What) -> Entry | None:
    """Return the last entry of this kind for a recording."""
    entries, _ = chain.read(read(root, day_of(folder)))
    return next((one for one in reversed(entries) if one.folder == folder and one.what == what), None)


def append(root: Path, entry: Entry) -> Entry:
    """Write an entry as the last of its day and return it linked. Raises OSError, ManifestError.

    A line that was being written when the power went is no line: it is cut off.
    """
    day = day_of(entry.folder)
    file = path(root, day)
    file.parent.mkdir(parents=True, exist_ok=True)
    with _alone(file) as writer:
        last = _last(writer, file)
        linked = chain.linked(entry, last, "" if last else _earlier(root, day))
        writer.write(chain.encode(linked).encode())
        writer.flush()
        os.fsync(writer.fileno())
    return linked


@contextmanager
def _alone(file: Path) -> Iterator[IO[bytes]]:
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o640)
    with os.fdopen(descriptor, "r+b") as writer:
        fcntl.flock(writer, fcntl.LOCK_EX)
        yield writer


def _last(writer: IO[bytes], file: Path) -> Entry | None:
    """Return the last whole line's entry and stand at its end, what follows it cut off."""
    end = writer.seek(0, os.SEEK_END)
    start = writer.seek(max(0, end - _TAIL))
    tail = writer.read()
    whole = tail.rfind(b"\n") + 1
    writer.seek(start + whole)
    writer.truncate()
    if not whole:
        return None
    line = tail[:whole].rstrip(b"\n").rpartition(b"\n")[2]
    try:
        return chain.decode(line.decode(errors="replace"))
    except chain.BrokenLineError as error:
        raise ManifestError(
            f"{file}: its last line was changed ({error}); restore it from its backup"
        ) from error


def _earlier(root: Path, day: str) -> str:
    """Return the hash of the last line of the latest earlier day."""
    before = [known for known in days(root) if known < day]
    if not before:
        return GENESIS
    entries, _ = chain.read(read(root, before[-1]))
    return entries[-1].hash if entries else GENESIS
