"""`yht recording`: lists recordings, shows one, and proves that they are what was sealed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress
from sqlalchemy import select

from config import City
from config.paths import Paths
from cti.app.commands import recording_custody as custody
from cti.app.commands.common import BAD, WRONG_USE, JsonOption, fail, run, show_json, show_table, where
from cti.app.commands.reading import LimitOption, SinceOption, moment, reading, show_page
from cti.app.upkeep import vault_of
from cti.app.views.recordings import recording_json
from cti.app.views.render import recording_page
from cti.app.views.words import Names, length
from cti.clock import now_us
from recorder import access, store
from recorder.keeping import day_faults, inspected
from recorder.tables import RecordingRow
from recorder.vault import chain, manifest
from recorder.vault.store import Vault

app = typer.Typer(help="Recordings of calls: listed, proven, exported, held, deleted.", no_args_is_help=True)
app.command("export")(custody.export)
app.command("hold")(custody.hold)
app.command("delete")(custody.delete)
app.command("access")(custody.accesses)
app.command("rotate-key")(custody.rotate_key)


@app.command("list")
def list_recordings(ctx: typer.Context, limit: LimitOption = 20, as_json: JsonOption = False) -> None:
    """List the newest sealed recordings, the newest first."""
    place = where(ctx)
    city = place.in_force().city()
    found = run(_newest(city, place.paths, limit))
    names = Names.of(city)
    if as_json:
        show_json([recording_json(one, names) for one in found])
        return
    show_table(
        ("begun", "call", "state", "length", "note"),
        [
            (names.moment(one.started_at), one.call_id, _state(one), length(one.duration_ms), one.note)
            for one in found
        ],
        title=f"In {place.paths.recordings}" if found else "",
        empty="No recordings yet. A recording is sealed when its call has ended.",
    )


def _state(row: RecordingRow) -> str:
    if row.deleted_at is not None:
        return "deleted"
    return f"{row.state}, held" if row.hold else row.state


@app.command("show")
def show_recording(
    ctx: typer.Context, call: custody.CallArgument = "last", as_json: JsonOption = False
) -> None:
    """Show one call's recording: its state, where it is kept, its files and their hashes."""
    place = where(ctx)
    city = place.in_force().city()
    found = run(_shown(city, place.paths, call))
    names = Names.of(city)
    if as_json:
        show_json(recording_json(found, names))
    else:
        show_page(recording_page(found, names))


@app.command("verify")
def verify_recordings(
    ctx: typer.Context,
    call: Annotated[
        str, typer.Argument(metavar="[CALL]", help="One call's recording; without it all of them.")
    ] = "",
    since: SinceOption = "",
    day: Annotated[
        str, typer.Option("--day", metavar="DAY", help="Those of one day and its manifest: 2026-11-24.")
    ] = "",
    everything: Annotated[
        bool, typer.Option("--all", help="All of them; so it is without a choice.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Prove that recordings are what was sealed, by their hashes and the chain of each day.

    Finds what was removed, changed, swapped or reordered. Exit code 1 if one is no longer what was sealed.
    """
    if sum((bool(call), bool(since), bool(day), everything)) > 1:
        fail("choose one of: a call, --since, --day, --all", WRONG_USE)
    place = where(ctx)
    city = place.in_force().city()
    vault = vault_of(city, place.paths)
    chosen = day.replace("-", "/")
    rows = run(_chosen(city, place.paths, call, moment(since, city), chosen))
    days = () if call or since else tuple(_days(vault, rows, chosen))
    verdicts = _inspected(vault, rows)
    broken = [(one, found) for one in days if (found := _day(vault, one, rows))]
    bad = [(row, found) for row, found in verdicts if found]
    if as_json:
        listed: list[dict[str, Any]] = [
            {"call_id": row.call_id, "folder": row.folder, "faults": list(found)} for row, found in verdicts
        ]
        faults_of = dict(broken)
        show_json(
            [
                *listed,
                *({"day": one, "faults": list(faults_of.get(one, ()))} for one in days if _has(vault, one)),
            ]
        )
    else:
        for row, found in bad:
            typer.echo(f"{row.call_id}: {'; '.join(found)}")
        for one, found in broken:
            for fault in found:
                typer.echo(f"{one}/{manifest.FILE}: {fault}")
        count = f"{len(rows)} recording{'' if len(rows) == 1 else 's'}"
        said = f"{len(bad)} of {count} changed since sealed" if bad else f"{count} checked, all as sealed"
        typer.echo(said if rows else "No recordings fit; nothing was checked.")
        if broken:
            typer.echo(f"{len(broken)} of {len(days)} manifests are not whole")
    if bad or broken:
        raise typer.Exit(BAD)


def _has(vault: Vault, day: str) -> bool:
    return manifest.path(vault.root, day).is_file()


def _days(vault: Vault, rows: Iterable[RecordingRow], chosen: str) -> list[str]:
    if chosen:
        return [chosen]
    return sorted({*manifest.days(vault.root), *(manifest.day_of(row.folder) for row in rows)})


def _day(vault: Vault, day: str, rows: Iterable[RecordingRow]) -> tuple[str, ...]:
    """Return what is wrong with a day's manifest, and with what it follows."""
    text = manifest.read(vault.root, day)
    of_day = {row.call_id: row for row in rows if manifest.day_of(row.folder) == day}
    found = list(day_faults(text, of_day))
    entries, _ = chain.read(text)
    if entries:
        before = [known for known in manifest.days(vault.root) if known < day]
        earlier = chain.read(manifest.read(vault.root, before[-1]))[0] if before else ()
        if entries[0].previous not in {chain.GENESIS, *(entry.hash for entry in earlier)}:
            found.append("it follows no entry of the day before: entries or a whole day were removed")
    return tuple(found)


def _inspected(vault: Vault, rows: tuple[RecordingRow, ...]) -> list[tuple[RecordingRow, tuple[str, ...]]]:
    """Inspect recordings, as many at once as there are processors, with a bar on a terminal."""
    entries: dict[str, dict[str, chain.Entry]] = {}
    for day in {manifest.day_of(row.folder) for row in rows}:
        read, _ = chain.read(manifest.read(vault.root, day))
        entries[day] = {entry.call_id: entry for entry in read if entry.what == "sealed"}

    def one(row: RecordingRow) -> tuple[str, ...]:
        return inspected(vault, row, entries[manifest.day_of(row.folder)].get(row.call_id))

    return list(zip(rows, _with_bar("checking", one, rows), strict=True))


def _with_bar(
    what: str, work: Callable[[RecordingRow], tuple[str, ...]], rows: tuple[RecordingRow, ...]
) -> list[tuple[str, ...]]:
    console = Console(stderr=True)
    with (
        Progress(console=console, transient=True, disable=not console.is_terminal) as bar,
        ThreadPoolExecutor(os.cpu_count()) as pool,
    ):
        task = bar.add_task(what, total=len(rows))
        found = []
        for verdict in pool.map(work, rows):
            found.append(verdict)
            bar.advance(task)
        return found


async def _newest(city: City, paths: Paths, most: int) -> tuple[RecordingRow, ...]:
    async with reading(city, paths) as session:
        return await store.recordings(session, most)


async def _chosen(city: City, paths: Paths, call: str, since: int, day: str) -> tuple[RecordingRow, ...]:
    """Return the recordings to check, and write down that they are checked."""
    async with reading(city, paths) as session:
        if call:
            rows: tuple[RecordingRow, ...] = (await custody.row_of(session, call),)
        else:
            query = select(RecordingRow).where(RecordingRow.started_at >= since)
            if day:
                query = query.where(RecordingRow.folder.like(f"{day}/%"))
            rows = tuple(await session.scalars(query.order_by(RecordingRow.started_at)))
        if rows:
            detail = "" if call else f"{len(rows)} recordings"
            access.record(
                session, custody.user(), "verify", rows[0].call_id if call else "", now_us(), detail
            )
            await session.commit()
        return rows


async def _shown(city: City, paths: Paths, text: str) -> RecordingRow:
    async with reading(city, paths) as session:
        found = await custody.row_of(session, text)
        access.record(session, custody.user(), "show", found.call_id, now_us())
        await session.commit()
    return found
