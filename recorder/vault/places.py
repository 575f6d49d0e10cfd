"""Writes files so that they are there whole or not at all, on this disk or in a store that fsspec knows.

Every file is read back before it counts as written. What goes wrong is a StoreError that names the file.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

SEALED_MODE: Final = 0o440
_PIECE: Final = 1024 * 1024


class StoreError(Exception):
    """The store can not take or give a recording now; the message says which and why."""


def sha256(blocks: Iterable[bytes]) -> str:
    """Return the hash of what the blocks are together."""
    return _hashed(blocks)[0]


# On this disk


def pieces(file: Path, size: int = _PIECE) -> Iterator[bytes]:
    """Yield a file in pieces of `size` bytes. Raises StoreError."""
    try:
        with file.open("rb") as reader:
            while piece := reader.read(size):
                yield piece
    except FileNotFoundError:
        raise StoreError(f"{_short(file)} is gone") from None
    except OSError as error:
        raise StoreError(f"{_short(file)} can not be read: {error.strerror}") from error


def write(target: Path, blocks: Iterable[bytes]) -> tuple[str, int]:
    """Write a file in one step and return its hash and size. Raises StoreError."""
    fresh = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        wrote = _save(fresh, blocks)
        fresh.replace(target)
        _sync_folder(target.parent)
    except OSError as error:
        with suppress(OSError):
            fresh.unlink(missing_ok=True)
        raise StoreError(f"{_short(target)} can not be written: {error.strerror}") from error
    return _same(wrote, pieces(target), _short(target))


def tidy(folder: Path) -> None:
    """Remove what a writer that was killed left half-written. Raises StoreError."""
    try:
        for left in folder.glob(".*.*"):
            left.unlink()
    except OSError as error:
        raise StoreError(f"{folder.name} can not be tidied: {error.strerror}") from error


def empty(folder: Path, names: Iterable[str]) -> None:
    """Remove files, then their folder; what is gone is no error, what is left in it is. Raises StoreError."""
    try:
        for name in names:
            (folder / name).unlink(missing_ok=True)
        if folder.is_dir():
            tidy(folder)
            folder.rmdir()
    except OSError as error:
        raise StoreError(f"{folder.name} can not be removed: {error.strerror}") from error


def _save(file: Path, blocks: Iterable[bytes]) -> str:
    made = hashlib.sha256()
    with file.open("wb") as writer:
        for block in blocks:
            made.update(block)
            writer.write(block)
        writer.flush()
        os.fsync(writer.fileno())
    file.chmod(SEALED_MODE)
    return made.hexdigest()


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# In a store


def send(url: str, folder: str, file: Path, blocks: Iterable[bytes]) -> tuple[str, int]:
    """Write a file of a store by way of a temporary one at `file`; see `write`."""
    fresh = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        wrote = _save(fresh, blocks)
        fs, path = _at(url, folder, file.name)
        fs.makedirs(path.rpartition("/")[0], exist_ok=True)
        fs.put_file(str(fresh), path)
    except Exception as error:  # each store behind fsspec has errors of its own
        raise StoreError(f"{url}: {folder}/{file.name} can not be written: {_said(error)}") from error
    finally:
        with suppress(OSError):
            fresh.unlink(missing_ok=True)
    return _same(wrote, got(url, folder, file.name), f"{url}: {folder}/{file.name}")


def put(url: str, folder: str, name: str, content: bytes) -> None:
    """Write a small file of a store. Raises StoreError."""
    try:
        fs, path = _at(url, folder, name)
        fs.makedirs(path.rpartition("/")[0], exist_ok=True)
        fs.pipe_file(path, content)
    except Exception as error:  # each store behind fsspec has errors of its own
        raise StoreError(f"{url}: {folder}/{name} can not be written: {_said(error)}") from error


def got(url: str, folder: str, name: str) -> Iterator[bytes]:
    """Yield a file of a store in pieces. Raises StoreError."""
    try:
        fs, path = _at(url, folder, name)
        reader = fs.open(path, "rb")
    except FileNotFoundError:
        raise StoreError(f"{url}: {folder}/{name} is gone") from None
    except Exception as error:  # each store behind fsspec has errors of its own
        raise StoreError(f"{url}: {folder}/{name} can not be read: {_said(error)}") from error
    with reader:
        while True:
            try:
                piece = reader.read(_PIECE)
            except Exception as error:  # as above
                raise StoreError(f"{url}: {folder}/{name} can not be read: {_said(error)}") from error
            if not piece:
                return
            yield piece


def remove(url: str, folder: str, names: Iterable[str]) -> None:
    """Remove files of a store and see that they are gone. Raises StoreError."""
    for name in names:
        try:
            fs, path = _at(url, folder, name)
            if fs.exists(path):
                fs.rm_file(path)
            left = fs.exists(path)
        except Exception as error:  # each store behind fsspec has errors of its own
            raise StoreError(f"{url}: {folder}/{name} can not be removed: {_said(error)}") from error
        if left:
            raise StoreError(f"{url}: {folder}/{name} is still there after it was removed")


def _at(url: str, folder: str, name: str) -> tuple[Any, str]:
    import fsspec

    fs, path = fsspec.core.url_to_fs(f"{url}/{folder}/{name}")
    fs.invalidate_cache()
    return fs, path


def _same(wrote: str, back: Iterable[bytes], what: str) -> tuple[str, int]:
    read, size = _hashed(back)
    if read != wrote:
        raise StoreError(f"{what} reads otherwise than it was written")
    return wrote, size


def _hashed(blocks: Iterable[bytes]) -> tuple[str, int]:
    made, size = hashlib.sha256(), 0
    for block in blocks:
        made.update(block)
        size += len(block)
    return made.hexdigest(), size


def _short(file: Path) -> str:
    return file.name


def _said(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
