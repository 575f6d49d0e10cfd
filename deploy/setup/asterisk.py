"""The step that gives the platform an Asterisk: the machine's own, else Debian's as a tree of files.

Debian 12 has no Asterisk; Debian's unstable suite has. Its packages are downloaded with everything that they
need, down to the C library, by an apt that works on folders of its own, and are unpacked, not installed: the
machine's packages stay as they are, and neither root nor chroot is needed to make or to run the tree.
"""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from deploy.setup import sources
from deploy.setup.failure import StepFailed
from deploy.setup.machine import ASTERISK_AT_LEAST, asterisk_version, installed_asterisk, program
from deploy.setup.place import Place
from deploy.setup.step import Step, Task

SUITE = "sid"
RECIPE = "1"
"""Raised when the tree is made in another way, so that every machine makes it anew."""

_UNREAD = ("usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/info")
_REMEDY = "see whether 'apt-get update' works on this machine, then run this again"


def tree_version(tree: Path) -> str:
    """Return what the tree's Asterisk says of its version, "" when it does not run."""
    loaders = sorted(tree.glob("usr/lib/*-linux-gnu*/ld-linux-*.so.*"))
    if not loaders:
        return ""
    command = map(str, (loaders[0], "--library-path", loaders[0].parent, tree / "usr/sbin/asterisk", "-V"))
    try:
        done = subprocess.run([*command], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    except OSError:
        return ""
    return done.stdout.strip()


def _inputs(place: Place) -> Iterable[tuple[str, bytes]]:
    return [("suite", SUITE.encode()), ("recipe", RECIPE.encode()), ("machine", platform.machine().encode())]


def _missing(place: Place) -> str:
    if installed_asterisk() or (place.asterisk / "usr/sbin/asterisk").exists():
        return ""
    return f"Asterisk {ASTERISK_AT_LEAST} or newer"


def apt_files() -> list[tuple[str, str]]:
    """Return the files (name, text) that say where this machine gets its packages from."""
    folder = Path("/etc/apt")
    files = [folder / "sources.list"]
    files += sorted(
        file for file in (folder / "sources.list.d").glob("*") if file.suffix in (".list", ".sources")
    )
    return [
        (file.name, file.read_text(encoding="utf-8", errors="replace")) for file in files if file.exists()
    ]


def codename(os_release: str) -> str:
    """Return the name of the release from the text of /etc/os-release, "" when it tells none."""
    found = re.search(r'^VERSION_CODENAME="?([a-z]+)"?\s*$', os_release, re.MULTILINE)
    return found.group(1) if found else ""


def apt_configuration(folder: Path) -> str:
    """Return the apt.conf of an apt that knows nothing installed and keeps everything below `folder`."""
    return f"""Dir::State "{folder}/state";
Dir::State::status "{folder}/status";
Dir::Cache "{folder}/cache";
Dir::Etc::sourcelist "{folder}/sources.list";
Dir::Etc::sourceparts "{folder}/none";
Dir::Etc::preferences "{folder}/none.pref";
Dir::Etc::preferencesparts "{folder}/none";
APT::Default-Release "";
APT::Install-Recommends "false";
APT::Sandbox::User "";
Acquire::Languages "none";
Acquire::Retries "3";
// A mirror that was frozen has a list that is past its date; the archive's signature is still checked.
Acquire::Check-Valid-Until "false";
"""


def _prepare(folder: Path, archive: sources.Source) -> Path:
    """Lay the folders of an apt of our own; return its apt.conf."""
    shutil.rmtree(folder, ignore_errors=True)
    for name in ("state/lists/partial", "cache/archives/partial", "none"):
        (folder / name).mkdir(parents=True)
    (folder / "status").touch()
    (folder / "none.pref").touch()
    (folder / "sources.list").write_text(sources.line(archive, SUITE), encoding="utf-8")
    configuration = folder / "apt.conf"
    configuration.write_text(apt_configuration(folder), encoding="utf-8")
    return configuration


def _work(task: Task) -> None:
    place = task.place
    if installed_asterisk():
        return
    if not task.due.changed and asterisk_version(tree_version(place.asterisk)) >= ASTERISK_AT_LEAST:
        return
    if program("apt-get") is None or program("dpkg-deb") is None:
        raise StepFailed(
            f"this is no Debian; install Asterisk {ASTERISK_AT_LEAST} or newer and run this again"
        )
    release = codename(Path("/etc/os-release").read_text(encoding="utf-8"))
    archive = sources.archive(sources.parse(apt_files()), release)
    if archive is None:
        raise StepFailed(
            f"/etc/apt names no Debian archive for {release or 'this release'}, from which Asterisk would come;"
            f" add one, or install Asterisk {ASTERISK_AT_LEAST} or newer"
        )
    work = place.opt / ".asterisk-packages"
    tree = place.opt / ".asterisk-new"
    try:
        environment = {"APT_CONFIG": str(_prepare(work, archive)), "LC_ALL": "C.UTF-8"}
        task.commands.run(["apt-get", "-q", "update"], _REMEDY, environment)
        task.commands.run(
            ["apt-get", "-q", "-y", "--download-only", "install", "asterisk"], _REMEDY, environment
        )
        _unpack(task, sorted((work / "cache/archives").glob("*.deb")), tree)
        said = tree_version(tree)
        if asterisk_version(said) < ASTERISK_AT_LEAST:
            raise StepFailed(
                f"the Asterisk of Debian's {SUITE} does not run on this machine (it says {said!r});"
                f" install Asterisk {ASTERISK_AT_LEAST} or newer and run this again",
                task.commands.log,
            )
        shutil.rmtree(place.asterisk, ignore_errors=True)
        tree.rename(place.asterisk)
    finally:
        shutil.rmtree(work, ignore_errors=True)
        shutil.rmtree(tree, ignore_errors=True)


def _unpack(task: Task, packages: list[Path], tree: Path) -> None:
    shutil.rmtree(tree, ignore_errors=True)
    tree.mkdir(parents=True)
    for package in packages:
        task.commands.run(["dpkg-deb", "--extract", package, tree], "see whether the disk is full")
    for name in _UNREAD:
        shutil.rmtree(tree / name, ignore_errors=True)


ASTERISK = Step("asterisk", "Asterisk", _inputs, _missing, _work)
