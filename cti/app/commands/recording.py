"""`yht recording`: lists recordings, shows one, and checks that they are what was sealed."""

from __future__ import annotations

from typing import Annotated

import typer
from sqlalchemy import select

from config import City
from config.paths import Paths
from cti.app.commands.common import BAD, JsonOption, fail, run, show_json, show_table, where
from cti.app.commands.reading import LimitOption, SinceOption, moment, reading, show_page
from cti.app.views.finding import NotFoundError, find_call
from cti.app.views.recordings import faults, recording_json
from cti.app.views.render import recording_page
from cti.app.views.words import Names, length
from recorder import store
from recorder.tables import RecordingRow

app = typer.Typer(
    help="Recordings of calls: where they lie and whether they are whole.", no_args_is_help=True
)

CallArgument = Annotated[
    str,
    typer.Argument(
        metavar="[CALL]", help="The call's id, or a beginning or an end of it; `last` is the newest call."
    ),
]


@app.command("list")
def list_recordings(ctx: typer.Context, limit: LimitOption = 20, as_json: JsonOption = False) -> None:
    """List the newest sealed recordings, the newest first."""
    place = where(ctx)
    city = place.city()
    found = run(_newest(city, place.paths, limit))
    names = Names.of(city)
    if as_json:
        show_json([recording_json(one, names) for one in found])
        return
    show_table(
        ("begun", "call", "state", "length", "note"),
        [
            (names.moment(one.started_at), one.call_id, one.state, length(one.duration_ms), one.note)
            for one in found
        ],
        title=f"In {place.paths.recordings}" if found else "",
        empty="No recordings yet. A recording is sealed when its call has ended.",
    )


@app.command("show")
def show_recording(ctx: typer.Context, call: CallArgument = "last", as_json: JsonOption = False) -> None:
    """Show one call's recording: its state, its files and their hashes."""
    place = where(ctx)
    city = place.city()
    found = run(_one(city, place.paths, call))
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
    as_json: JsonOption = False,
) -> None:
    """Check recordings against the hashes that they were sealed with. Exit code 1 if one has changed."""
    place = where(ctx)
    city = place.city()
    if call:
        rows: tuple[RecordingRow, ...] = (run(_one(city, place.paths, call)),)
    else:
        rows = run(_since(city, place.paths, moment(since, city)))
    verdicts = [(row, faults(place.paths.recordings, row)) for row in rows]
    bad = [(row, found) for row, found in verdicts if found]
    if as_json:
        show_json(
            [{"call_id": row.call_id, "folder": row.folder, "faults": list(found)} for row, found in verdicts]
        )
    else:
        for row, found in bad:
            typer.echo(f"{row.call_id}: {'; '.join(found)}")
        count = f"{len(rows)} recording{'' if len(rows) == 1 else 's'}"
        said = f"{len(bad)} of {count} changed since sealed" if bad else f"{count} checked, all as sealed"
        typer.echo(said if rows else "No recordings fit; nothing was checked.")
    if bad:
        raise typer.Exit(BAD)


async def _newest(city: City, paths: Paths, most: int) -> tuple[RecordingRow, ...]:
    async with reading(city, paths) as session:
        return await store.recordings(session, most)


async def _since(city: City, paths: Paths, since: int) -> tuple[RecordingRow, ...]:
    async with reading(city, paths) as session:
        rows = select(RecordingRow).where(RecordingRow.started_at >= since).order_by(RecordingRow.started_at)
        return tuple(await session.scalars(rows))


async def _one(city: City, paths: Paths, text: str) -> RecordingRow:
    async with reading(city, paths) as session:
        try:
            call_id = await find_call(session, text)
        except NotFoundError as error:
            fail(str(error))
        found = await store.recording(session, call_id)
    if found is None:
        fail(
            f"call {call_id} has no sealed recording: none was made, or it is not sealed yet; yht call show {call_id}"
        )
    return found
