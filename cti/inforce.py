"""The city that is in force: a copy of its checked files in the platform's home.

Processes read the copy, so that one that is killed comes back with what its neighbours have, whatever stands
half-edited in the city's own folder. Each copy is named after its content; a link says which one holds.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from config import City, ConfigError, Problem, load
from config.paths import Paths

_KEPT: Final = 3
"""Copies that stay: a process may be reading the one before."""
_FOLDERS: Final = ("", "hotlines", "batches")


def generation(paths: Paths) -> str:
    """Return the name of the copy that is in force; "" where none was ever made."""
    try:
        return paths.city_in_force.readlink().name
    except OSError:
        return ""


def folder(paths: Paths) -> Path | None:
    """Return the folder of the copy that is in force, one that does not change any more."""
    name = generation(paths)
    return _copies(paths) / name if name else None


def put(paths: Paths, city: City) -> str:
    """Copy the files of `city`, which was read from `paths.config_dir`, and put them in force; return the name.

    Raises ConfigError where the files are no longer those that were read, and OSError.
    """
    copies = _copies(paths)
    copies.mkdir(mode=0o750, parents=True, exist_ok=True)
    fresh = copies / f".new.{os.getpid()}"
    shutil.rmtree(fresh, ignore_errors=True)
    try:
        name = _copy(paths.config_dir, fresh)
        if load(fresh) != city:
            raise ConfigError([Problem(".", 0, "", "changed while it was read", "try again")])
        target = copies / name
        if not target.is_dir():
            fresh.rename(target)
        target.touch()
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    link = paths.city_in_force.with_name(f".city.{os.getpid()}")
    link.unlink(missing_ok=True)
    link.symlink_to(Path(copies.name) / name)
    link.replace(paths.city_in_force)
    _forget_old(copies, name)
    return name


def _copies(paths: Paths) -> Path:
    return paths.city_in_force.with_name("cities")


def _files(source: Path) -> Iterator[Path]:
    for inside in _FOLDERS:
        if (source / inside).is_dir():
            for file in sorted((source / inside).glob("*.yaml")):
                if file.is_file() and not file.name.startswith("."):
                    yield Path(inside) / file.name


def _copy(source: Path, target: Path) -> str:
    digest = hashlib.sha256()
    for file in _files(source):
        data = (source / file).read_bytes()
        digest.update(f"{file}\0{len(data)}\0".encode() + data)
        copy = target / file
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(data)
        copy.chmod(0o640)
    return digest.hexdigest()[:16]


def _forget_old(copies: Path, current: str) -> None:
    others = [entry for entry in copies.iterdir() if entry.name != current and not entry.name.startswith(".")]
    for old in sorted(others, key=lambda entry: entry.stat().st_mtime_ns, reverse=True)[_KEPT:]:
        shutil.rmtree(old, ignore_errors=True)
