"""The files and the command line of the Asterisk that the platform runs."""

import contextlib
import os
import shutil
import stat
from collections.abc import Iterable
from pathlib import Path

import jinja2

from config import City
from config.paths import Paths
from cti import files
from cti.asterisk.modules import DISABLED_EVENTS, MODULES
from cti.secrets import Secrets

TEMPLATES = Path(__file__).resolve().parents[2] / "config" / "templates" / "asterisk"

ROUTE_TRIES = 6
"""How often a new call asks for its plan, a second apart, before it goes to the static queue: an engine that
was killed is back in less."""

WAITING_TRIES = 4
"""How many announcements in a row may find no engine before a waiting citizen goes to the static queue."""

FALLBACK_SECONDS = 300
"""How long the static queue is tried before the callback script takes the citizen's number."""


class AsteriskMissing(Exception):
    """No Asterisk, neither installed nor under the set-up's folder; the text says what to do."""


def tree_loader(tree: Path) -> Path:
    """Return the dynamic loader inside a tree of Debian packages (its name differs by architecture)."""
    found = sorted(tree.glob("usr/lib/*-linux-gnu*/ld-linux-*.so.*"))
    if not found:
        raise AsteriskMissing(f"{tree} holds no dynamic loader; remove the folder and run 'make setup' again")
    return found[0]


def _installed(paths: Paths) -> str | None:
    """Return the installed Asterisk that is to be used; None where set-up made a tree, which it only does where
    none is installed or one that is too old."""
    if (paths.asterisk_tree / "usr/sbin/asterisk").exists():
        return None
    found = shutil.which("asterisk", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if found is None:
        raise AsteriskMissing(
            f"no Asterisk is installed and {paths.asterisk_tree} holds none; run 'make setup'"
        )
    return found


def command(paths: Paths, *arguments: str) -> list[str]:
    """Return the argument list that runs Asterisk with `arguments` on this home's files. Raises AsteriskMissing.

    The tree that set-up made is run by its own dynamic loader, which needs neither root nor chroot.
    """
    configured = ["-C", str(paths.etc_asterisk / "asterisk.conf"), *arguments]
    installed = _installed(paths)
    if installed is not None:
        return [installed, *configured]
    tree = paths.asterisk_tree
    loader = tree_loader(tree)
    return [str(loader), "--library-path", str(loader.parent), str(tree / "usr/sbin/asterisk"), *configured]


def _module_and_data_folders(paths: Paths) -> tuple[Path, Path]:
    if _installed(paths) is not None:
        candidates: Iterable[Path] = [
            *Path("/usr/lib").glob("*/asterisk/modules"),
            Path("/usr/lib/asterisk/modules"),
        ]
        data = Path("/usr/share/asterisk")
        if not data.exists():
            data = Path("/var/lib/asterisk")
    else:
        candidates = paths.asterisk_tree.glob("usr/lib/*/asterisk/modules")
        data = paths.asterisk_tree / "usr/share/asterisk"
    for folder in candidates:
        if folder.is_dir():
            return folder, data
    raise AsteriskMissing("Asterisk's modules were not found; run 'make setup'")


def _seats_by_queue(city: City) -> dict[str, list[str]]:
    seats = {seat.ext for seat in city.seats}
    return {
        queue.id: [agent.id for agent in city.agents if queue.id in agent.queues and agent.id in seats]
        for queue in city.queues
    }


def write_config(city: City, paths: Paths, secrets: Secrets) -> None:
    """Write every file Asterisk reads into `paths.etc_asterisk`, each mode 0600 (they hold passwords).

    Each file is replaced whole, so a reload never sees half of one. Raises AsteriskMissing.
    """
    platform = city.platform
    modules, data = _module_and_data_folders(paths)
    lib, spool = paths.home / "lib" / "asterisk", paths.home / "spool"
    agi_bin = paths.home / "agi-bin"
    for folder in (
        paths.etc_asterisk,
        lib,
        spool,
        agi_bin,
        paths.run,
        paths.log,
        paths.journal.parent,
        paths.recordings,
        paths.callbacks,
    ):
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o750)
    _write_fallback_launcher(agi_bin / "callback_request", paths)
    values = {
        "additions": paths.config_dir / "asterisk",
        "agi_bin": agi_bin,
        "agi_port": platform.agi.port,
        "ami_port": platform.ami.port,
        "announce_seconds": platform.waiting.announce_seconds,
        "asterisk_modules": MODULES,
        "callback_prompt": paths.prompt(platform.voice.engine, platform.voice.language, "callback_taken"),
        "callbacks": paths.callbacks,
        "data": data,
        "default_queue": city.queues[0].id,
        "disabled_events": DISABLED_EVENTS,
        "etc": paths.etc_asterisk,
        "fallback_seconds": FALLBACK_SECONDS,
        "journal": paths.journal,
        "lib": lib,
        "log": paths.log,
        "modules": modules,
        "music": paths.music,
        "music_class": "default",
        "node": platform.node,
        "queue_seats": _seats_by_queue(city),
        "queues": city.queues,
        "recordings": paths.recordings,
        "ring_seconds": platform.offers.ring_seconds,
        "route_tries": ROUTE_TRIES,
        "run": paths.run,
        "seats": city.seats,
        "secrets": secrets,
        "sip": platform.sip,
        "spool": spool,
        "too_short_ms": platform.offers.too_short_ms,
        "trunks": city.trunks,
        "waiting_tries": WAITING_TRIES,
    }
    # Not HTML: the text goes into Asterisk's files, whose values the schema has already bounded.
    environment = jinja2.Environment(  # noqa: S701
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    for template in sorted(TEMPLATES.glob("*.j2")):
        text = environment.get_template(template.name).render(values)
        _replace(paths.etc_asterisk / template.stem, text, 0o600)


def _write_fallback_launcher(path: Path, paths: Paths) -> None:
    """Asterisk starts this when no engine answers; it must not depend on anything that may be down."""
    script = paths.checkout / "deploy" / "agi" / "callback_request.py"
    python = paths.checkout / ".venv" / "bin" / "python"
    _replace(path, f'#!/bin/sh\nexec "{python}" "{script}" "$@"\n', 0o700)


def _replace(path: Path, text: str, mode: int) -> None:
    # A file that says what it said is left alone, so that Asterisk's reload has nothing to do.
    with contextlib.suppress(OSError, UnicodeDecodeError):
        if path.read_text(encoding="utf-8") == text and stat.S_IMODE(path.stat().st_mode) == mode:
            return
    files.replace(path, text, mode)
