"""`yht recording export, hold, delete, access, rotate-key`: what is done with recordings, each time written down."""

from __future__ import annotations

import getpass
import hashlib
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from config import City
from config.paths import Paths
from cti.app.commands.common import WRONG_USE, JsonOption, fail, run, show_json, show_table, where
from cti.app.commands.reading import LimitOption, reading
from cti.app.upkeep import vault_of
from cti.app.views.finding import NotFoundError, find_call
from cti.app.views.words import Names
from cti.clock import now_us
from cti.sql import Sessions, database_url, open_database, sessions
from recorder import access, store
from recorder.keeping import NOT_NOW, HeldError, Keeper
from recorder.recording import SPEAKERS, Speaker
from recorder.tables import RecordingRow
from recorder.vault import keys, manifest
from recorder.vault.keys import KeysError
from recorder.vault.places import StoreError
from recorder.vault.store import Vault

CallArgument = Annotated[
    str,
    typer.Argument(
        metavar="[CALL]", help="The call's id, or a beginning or an end of it; `last` is the newest call."
    ),
]
ThisCall = Annotated[str, typer.Argument(metavar="CALL", help="The call, as in `show`.")]


def user() -> str:
    """Return who runs this command, for the record of accesses."""
    return os.environ.get("SUDO_USER") or getpass.getuser()


def export(
    ctx: typer.Context,
    call: ThisCall,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where the files go; made if need be.")],
    as_json: JsonOption = False,
) -> None:
    """Write a call's recording as it was sealed, decrypted, with its index and its entry in the manifest."""
    place = where(ctx)
    call_id, written = exported(place.in_force().city(), place.paths, call, folder)
    if as_json:
        show_json({"call_id": call_id, "files": [str(file) for file in written]})
    else:
        for file in written:
            typer.echo(file)


def exported(city: City, paths: Paths, call: str, folder: Path) -> tuple[str, tuple[Path, ...]]:
    """Write a call's recording into a folder; returns the call's id and the files, those with sound first.

    That it is exported is written down before. What can not be done ends the command.
    """
    vault = vault_of(city, paths)
    row = run(_told(city, paths, call, "export", str(folder.resolve())))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        written = [file for speaker in SPEAKERS if (file := _side(vault, row, speaker, folder))]
        entry = manifest.find(vault.root, row.folder, "sealed")
        beside: dict[str, bytes] = {"index.json": (vault.root / row.folder / "index.json").read_bytes()}
        if entry is not None:
            beside["manifest_entry.json"] = _json(asdict(entry))
        for name, content in beside.items():
            _save(folder / f"{row.call_id}.{name}", [content])
            written.append(folder / f"{row.call_id}.{name}")
    except FileExistsError as error:
        fail(f"{error.filename} is there already; name another folder")
    except (StoreError, KeysError, OSError) as error:
        fail(f"the recording of call {row.call_id} can not be exported: {error}")
    return row.call_id, tuple(written)


def _side(vault: Vault, row: RecordingRow, speaker: Speaker, folder: Path) -> Path | None:
    """Write one side; None where there is none. What is not what was sealed is not left there."""
    sealed = {"citizen": row.sha256_citizen, "agent": row.sha256_agent}[speaker]
    if not sealed:
        return None
    file = folder / f"{row.call_id}.{speaker}.wav"
    try:
        found = _save(file, vault.content(row.folder, speaker))
        if found != sealed:
            raise StoreError(f"{speaker}.wav is not what was sealed; yht recording verify {row.call_id}")
    except StoreError:
        file.unlink(missing_ok=True)
        raise
    return file


def _save(file: Path, blocks: Any) -> str:
    made = hashlib.sha256()
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as writer:
        for block in blocks:
            made.update(block)
            writer.write(block)
    return made.hexdigest()


def _json(value: dict[str, Any]) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode()


def hold(
    ctx: typer.Context,
    call: ThisCall,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why it must be kept.")] = "",
    release: Annotated[bool, typer.Option("--release", help="Let it go again.")] = False,
) -> None:
    """Keep a recording from being deleted (legal hold), by its hotline's time or by hand, until it is released."""
    if bool(reason.strip()) == release:
        fail("say why with --reason TEXT, or let it go with --release", WRONG_USE)
    place = where(ctx)
    call_id = run(_hold(place.in_force().city(), place.paths, call, reason.strip()))
    typer.echo(f"The recording of call {call_id} is {'no longer held' if release else 'held'}.")


def delete(
    ctx: typer.Context,
    call: ThisCall,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it stays in the manifest.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete a recording for good. That it was there, and who deleted it and why, stays in its day's manifest."""
    if not reason.strip():
        fail("say why with --reason TEXT", WRONG_USE)
    place = where(ctx)
    city = place.in_force().city()
    call_id = run(_found(city, place.paths, call))
    if not yes:
        typer.confirm(f"Delete the recording of call {call_id} for good?", abort=True)
    run(_delete(city, place.paths, call_id, reason.strip()))
    typer.echo(f"The recording of call {call_id} is deleted; its transcript and its case stay.")


def accesses(
    ctx: typer.Context,
    call: Annotated[str, typer.Argument(metavar="[CALL]", help="One call; without it all.")] = "",
    limit: LimitOption = 20,
    as_json: JsonOption = False,
) -> None:
    """List who did what with recordings, the newest first."""
    place = where(ctx)
    city = place.in_force().city()
    names = Names.of(city)
    found = run(_accesses(city, place.paths, call, limit))
    if as_json:
        show_json(
            [
                {
                    "at": names.iso(row.at),
                    "who": row.who,
                    "action": row.action,
                    "call_id": row.call_id,
                    "detail": row.detail,
                }
                for row in found
            ]
        )
        return
    show_table(
        ("when", "who", "did", "call", "detail"),
        [(names.moment(row.at), row.who, row.action, row.call_id, row.detail) for row in found],
        empty="Nobody has done anything with a recording yet.",
    )


def rotate_key(ctx: typer.Context) -> None:
    """Make a new master key and wrap the key of every recording with it; the sound itself is not touched.

    The key before stays in secrets/recordings.json until the next rotation. Back that file up after this.
    """
    place = where(ctx)
    city = place.in_force().city()
    vault = vault_of(city, place.paths)
    folders = run(_put_away(city, place.paths))
    try:
        before = keys.ensure(place.paths.secrets)
        active = keys.rotate(place.paths.secrets).active
    except (KeysError, OSError) as error:
        fail(str(error))
    failed: list[str] = []
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        for folder in bar.track(folders, description="wrapping keys"):
            try:
                vault.rewrap(folder)
            except NOT_NOW as error:
                failed.append(str(error))
    if failed:
        fail(f"{len(failed)} of {len(folders)} recordings keep their old key, try again: {failed[0]}")
    # A transcriber that is putting one away just now still has the key before.
    gone = keys.forget(place.paths.secrets, frozenset({before.active}))
    dropped = f"; dropped: {', '.join(gone)}" if gone else ""
    typer.echo(f"{len(folders)} recordings are wrapped with the master key {active}{dropped}.")
    typer.echo(f"Back up {place.paths.secrets / keys.FILE}: without it no recording can be read.")


async def _found(city: City, paths: Paths, text: str) -> str:
    async with reading(city, paths) as session:
        return (await row_of(session, text)).call_id


async def row_of(session: AsyncSession, text: str) -> RecordingRow:
    """Return the recording of the call that a text names; without one the command ends and says so."""
    try:
        call_id = await find_call(session, text)
    except NotFoundError as error:
        fail(str(error))
    row = await store.recording(session, call_id)
    if row is None:
        fail(
            f"call {call_id} has no sealed recording: none was made, or it is not sealed yet; yht call show {call_id}"
        )
    return row


async def _told(city: City, paths: Paths, text: str, action: access.Action, detail: str) -> RecordingRow:
    """Return a recording whose access is written down; one that was deleted ends the command."""
    async with reading(city, paths) as session:
        row = await row_of(session, text)
        if row.deleted_at is not None:
            fail(f"the recording of call {row.call_id} was deleted")
        access.record(session, user(), action, row.call_id, now_us(), detail)
        await session.commit()
        return row


@asynccontextmanager
async def _sessions(city: City, paths: Paths) -> AsyncIterator[Sessions]:
    engine = open_database(database_url(paths.database, city.platform.database.url))
    try:
        yield sessions(engine)
    finally:
        await engine.dispose()


async def _hold(city: City, paths: Paths, text: str, reason: str) -> str:
    call_id = await _found(city, paths, text)
    async with _sessions(city, paths) as made:
        await Keeper(vault_of(city, paths), made).hold(call_id, reason, user(), now_us())
    return call_id


async def _delete(city: City, paths: Paths, call_id: str, reason: str) -> None:
    async with _sessions(city, paths) as made:
        try:
            await Keeper(vault_of(city, paths), made).delete(call_id, reason, user(), now_us())
        except HeldError as error:
            fail(f"{error}; yht recording hold {call_id} --release")
        except NOT_NOW as error:
            fail(f"{error}; try again")


async def _accesses(city: City, paths: Paths, text: str, most: int) -> tuple[Any, ...]:
    async with reading(city, paths) as session:
        call_id = (await row_of(session, text)).call_id if text else ""
        return await access.accesses(session, call_id, most)


async def _put_away(city: City, paths: Paths) -> tuple[str, ...]:
    async with reading(city, paths) as session:
        rows = select(RecordingRow.folder).where(RecordingRow.store != "", RecordingRow.deleted_at.is_(None))
        folders = tuple(await session.scalars(rows.order_by(RecordingRow.started_at)))
        access.record(session, user(), "rotate", "", now_us(), f"{len(folders)} recordings")
        await session.commit()
        return folders
